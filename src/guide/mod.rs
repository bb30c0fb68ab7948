//! Pages beside the reference: how to use this crate, how to run it, and why it
//! is as it is.
//!
//! | page | for |
//! |---|---|
//! | [`questions`] | the start: existing clients, compile errors, `anyhow`, `Timeout`, replicas, organisations, no tokio |
//! | [`recipes`] | one task: reqwest 0.12, a generated client, websockets, downloads, mutual TLS, bodies in the log, the keyring of the system |
//! | [`ordering`] | a stack with layers of tower and tower-http |
//! | [`lists`] | lists, searches, queries and jobs: an example of each way to page |
//! | [`gateway`] | axum in front of the API |
//! | [`fleet`] | many processes with one OAuth client |
//! | [`grpc`] | tonic, or another type of bodies |
//! | [`command_line`] | a command-line program or a CI job |
//! | [`browser_login`] | a command-line program with a login for people |
//! | [`middleware`] | your own token source, classifier, layer or token store |
//! | [`migrating`] | code that fetches and renews tokens today |
//! | [`serverless`] | functions: what outlives a handler, clocks, a store on the platform's database |
//! | [`operating`] | production: metrics, alerts, log events, errors and remedies, limits |
//! | [`comparison`] | the choice: next to the official SDKs, measured |
//! | [`performance`] | the cost, next to other libraries that do a part of this |
//!
//! The tests compile and run the code on these pages.

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

// docs.rs has no files but its pages. The first definition of a link wins over
// those in the page.
#[doc = concat!("[picture-one-request]: ", include_str!("../../docs/pictures/one_request.uri"))]
#[doc = concat!("[picture-token-hits]: ", include_str!("../../docs/pictures/token_hits.uri"))]
#[doc = concat!("[picture-end-to-end]: ", include_str!("../../docs/pictures/end_to_end.uri"))]
#[doc = ""]
#[doc = include_str!("../../docs/performance.md")]
pub mod performance {}
