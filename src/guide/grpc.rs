//! The layers around tonic's channel, or any client with a type of body of its own.
//!
#![cfg_attr(not(doctest), doc = "```no_run")]
#![cfg_attr(doctest, doc = "```ignore")] // its package compiles it, with tonic
#![doc = include_str!("../../examples/tonic_channel/client.rs")]
//! ```
//!
//! - **The body**: the layers make a [`ReplayBody<B>`](crate::ReplayBody) of any body, also one that is
//!   neither `Sync` nor `Clone`. A client that takes one type only gets it by `map_request`;
//!   [`BearerLayer`](crate::BearerLayer) alone leaves the body as it is, and needs none. A unary message
//!   is a stream of unknown length, of which [`ReplayLayer`](crate::ReplayLayer) keeps 64 KiB.
//! - **Extensions** of a `tonic::Request` arrive in the layers: [`CallOptions`](crate::CallOptions), or
//!   an [`Org`](crate::Org).
//! - **A 401 of HTTP**, as a gateway gives it, is replayed with a newer token. gRPC's own
//!   `unauthenticated` comes with HTTP 200: it is returned, and renews nothing.
//! - **Errors** of the layers are the `source` of the `Status`:
//!   [`TokenError::find`](crate::TokenError::find) gets them out.
//!
//! `cargo run -p tonic_channel` runs it, over a service that refuses the first token.
