//! The layers around tonic's channel, or any client with its own body type.
//!
#![cfg_attr(not(doctest), doc = "```no_run")]
#![cfg_attr(doctest, doc = "```ignore")] // its package compiles it, with tonic
#![doc = include_str!("../../examples/tonic_channel/client.rs")]
//! ```
//!
//! - **The body**: the layers turn any body into a
//!   [`ReplayBody<B>`](crate::ReplayBody), even one that is neither `Sync` nor
//!   `Clone`. If a client takes only one type, convert with `map_request`.
//!   [`BearerLayer`](crate::BearerLayer) alone leaves the body unchanged. A
//!   unary message is a stream of unknown length, of which
//!   [`ReplayLayer`](crate::ReplayLayer) keeps 64 KiB.
//! - **Extensions** of a `tonic::Request` reach the layers:
//!   [`CallOptions`](crate::CallOptions), or an [`Org`](crate::Org).
//! - **A 401 of HTTP**, as gateways send it, leads to a replay with a newer
//!   token. gRPC's own `unauthenticated` comes with HTTP 200; it is returned,
//!   and renews nothing.
//! - **Errors** of the layers are the `source` of the `Status`;
//!   [`TokenError::find`](crate::TokenError::find) finds them.
//!
//! `cargo run -p tonic_channel` runs it, over a service that refuses the first
//! token.
