//! Pages beside the reference: how to use and run this crate, and why.
//!
//! | page | for whom |
//! |---|---|
//! | [`questions`] | who begins: existing clients, compile errors, `anyhow`, `Timeout`, replicas, organisations, no tokio |
//! | [`recipes`] | who has one thing to do: reqwest 0.12, a generated client, websockets, downloads, mutual TLS, bodies in the log, the keyring of the system |
//! | [`ordering`] | who has layers of tower and tower-http |
//! | [`lists`] | who reads lists, searches, queries and jobs: an example of each way to page |
//! | [`gateway`] | who puts axum in front of the API |
//! | [`fleet`] | who runs many processes with one OAuth client |
//! | [`grpc`] | who uses tonic, or another type of bodies |
//! | [`command_line`] | who writes a command-line program or a CI job |
//! | [`browser_login`] | who writes a command-line program that people log in to |
//! | [`middleware`] | who writes a token source, a classifier, a layer or a token store |
//! | [`migrating`] | who has code that fetches and renews tokens |
//! | [`serverless`] | who runs functions: what outlives a handler, clocks, a store on the platform's database |
//! | [`operating`] | who runs it: metrics, alerts, log events, what each error means, limits |
//! | [`comparison`] | who chooses: beside the official SDKs, measured |
//! | [`performance`] | what it costs, beside what else does a part of it |
//!
//! What these pages quote is compiled and run with the tests.

#[doc = include_str!("../../docs/questions.md")]
pub mod questions {}

#[doc = include_str!("../../docs/recipes.md")]
pub mod recipes {}

#[doc = include_str!("../../docs/ordering.md")]
pub mod ordering {}

#[cfg(all(feature = "client", feature = "file"))]
pub mod browser_login;
pub mod command_line;
#[cfg(all(feature = "redis", feature = "seal", feature = "client"))]
pub mod fleet;
pub mod gateway;
pub mod grpc;
pub mod middleware;

#[doc = include_str!("../../docs/lists.md")]
pub mod lists {}

#[doc = include_str!("../../docs/serverless.md")]
pub mod serverless {}

#[doc = include_str!("../../docs/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../../docs/operating.md")]
pub mod operating {}

#[doc = include_str!("../../docs/comparison.md")]
pub mod comparison {}

// docs.rs has no files but its pages. The first definition of a link wins over those in the page.
#[doc = concat!("[picture-one-request]: ", include_str!("../../docs/pictures/one_request.uri"))]
#[doc = concat!("[picture-token-hits]: ", include_str!("../../docs/pictures/token_hits.uri"))]
#[doc = concat!("[picture-end-to-end]: ", include_str!("../../docs/pictures/end_to_end.uri"))]
#[doc = ""]
#[doc = include_str!("../../docs/performance.md")]
pub mod performance {}
