//! A gateway for callers who never see the token, with axum.
//!
//! - **Streaming**: bodies stream in both directions. A body within the caps of
//!   [`ReplayLayer`](crate::ReplayLayer) can be replayed after a 401; a longer
//!   one is sent once.
//! - **Allow lists** for paths, headers, and response headers.
//!   [`Bearer`](crate::bearer) would replace the caller's `Authorization` even
//!   if it were forwarded, and [`Org::api`](crate::Org::api) refuses a path
//!   with `..` in any spelling. `Org::api` lets an encoded `/` within an id
//!   pass, so the gateway refuses it.
//! - **Organisations** by path: the gateway puts an [`Org`](crate::Org) into
//!   the request's extensions, so tokens, origins and pauses never mix. The
//!   layer itself has no organisation
//!   ([`per_request`](crate::GenesysLayer::per_request)), and refuses a request
//!   that names none.
//! - **A 401 of the API** is not passed on as a 401: the caller's own
//!   credentials are valid.
//! - **Callers that disconnect** cost nothing more: axum drops the future,
//!   which releases everything. If callers should not wait for a `Retry-After`,
//!   set
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
