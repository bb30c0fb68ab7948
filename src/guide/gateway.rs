//! A gateway for callers who never see the token, with axum.
//!
//! - **Streaming**: bodies pass in both directions as they come. One that is within the caps of
//!   [`ReplayLayer`](crate::ReplayLayer) can be sent again after a 401; a longer one is sent once.
//! - **Lists of what may pass**, not of what may not: paths, headers, and the headers of responses.
//!   [`Bearer`](crate::bearer) would replace the caller's `Authorization` even if it were
//!   forwarded, and [`Org::api`](crate::Org::api) refuses a path with `..` in any spelling. An
//!   encoded `/` within an id it lets be, so that the gateway has to.
//! - **Organisations** by path, as [`Org`](crate::Org) in the request's extensions: tokens, origins
//!   and pauses of two never mix. The layer has none of its own
//!   ([`per_request`](crate::GenesysLayer::per_request)): what names no organisation is refused.
//! - **A 401 of the API** is not the caller's: his own credentials are fine.
//! - **Callers who give up** cost nothing more: axum drops the future, and all is released with it.
//!   For callers who should not wait out a `Retry-After`, set
//!   [`RetryPolicy::with_deadline`](crate::retry::RetryPolicy::with_deadline).
//!
//! `cargo run -p axum_gateway` runs it in front of two mocks.
//!
#![cfg_attr(not(doctest), doc = "```no_run")]
#![cfg_attr(doctest, doc = "```ignore")] // its package compiles it, with axum
//! mod gateway {
#![doc = include_str!("../../examples/axum_gateway/gateway.rs")]
//! }
//!
//! mod serve {
#![doc = include_str!("../../examples/axum_gateway/serve.rs")]
//! }
//! # fn main() {}
//! ```
