//! The layers over a [`reqwest::Client`], and a stack of them that takes and gives reqwest's own
//! requests and responses.
//!
//! - [`HttpService`] is the client as an innermost service: it takes `http::Request<B>` for any
//!   body, so that every layer fits around it. It also fetches the tokens.
//! - [`ReqwestService`] goes around the stack: it takes [`reqwest::Request`], and gives
//!   [`reqwest::Response`] with `json`, `text`, `bytes_stream` and `error_for_status`.
//!
//! The module is behind a feature named by reqwest's version, `reqwest-013`.
//!
//! # Example
//!
//! ```no_run
#![doc = include_str!("../../examples/reqwest_client.rs")]
//! ```
//!
//! # Moving over
//!
//! | before | after |
//! |---|---|
//! | `client.get(url).query(&q).bearer_auth(token).send().await?` | `genesys.send(client.get(url).query(&q)).await?` |
//! | `client.execute(request).await?` | `genesys.execute(request).await?` |
//! | `.error_for_status()?`, which drops the body | the same; or `ApiError::read(response.into(), ApiError::DEFAULT_LIMIT).await` of a response that is no success: it says what to do |
//! | `RequestBuilder::send` that was overlooked | goes past all layers, without a token: a 401 |
//!
//! [`ReqwestService::send`] is in place of the builder's, and a token that is still set is replaced.
//! `use tower_genesys::*` would hide the crate `reqwest` behind this module: name what you use.
//!
//! # Its own retries and redirects
//!
//! [`HttpService::from_builder`] turns both off. In a client that you have, and give to
//! [`HttpService::new`], they stay as they are:
//!
//! | reqwest's | what it does inside of the layers | so |
//! |---|---|---|
//! | retries | a body that comes through here is a stream to reqwest, which it never sends twice: there are none | nothing to do |
//! | redirects to the same origin | sent on with the token of this attempt; a body only if it is dropped on the way (301, 302, 303) | 307 and 308 with a body come back as they are |
//! | redirects to another origin | reqwest takes `Authorization` off; a 401 from there cannot be told from one by the API, and costs a renewal and a resend | turn them off |
//! | redirects, where the next hop cannot be reached | the request may have been carried out before; once it was on a connection, an error does not count as "not sent", and has no URL | a POST is not sent again, even where a server that is shutting down has refused it: turn them off |
//! | `default_headers` | go with every request, the first of a name on the request wins | put no `Authorization` among them: requests without a token would take it along |
//! | `timeout` | ends each attempt, its response's body included | longer than the slowest download; for the call there is tower's `TimeoutLayer` |
//! | `connect_timeout` | a connection that was not made: any method is sent again | set it, 5 s |
//!
//! Where redirects are wanted, put `tower_http::follow_redirect` around the stack: each hop is then
//! signed anew, and only for origins that the token may go to.
//!
//! # Errors
//!
//! [`HttpService`] has [`reqwest::Error`], with the query, the fragment and the user taken out of its
//! URL, since those hold what is nobody else's business. [`Retry`](crate::retry) reads it as it reads
//! hyper's: a connection that was not made is told from one that broke, and a request that reqwest
//! cannot build is never sent again.
//!
//! # Cancellation
//!
//! A response future that is dropped gives up its request, as reqwest does.
//!
//! # Not supported
//!
//! `reqwest::blocking`: it runs a runtime of its own in a thread, and the layers have to be inside of
//! that; call `block_on` on a runtime of yours instead. WASM: there reqwest is the browser's `fetch`,
//! which has no tower service, no streams and no tokio timers.

mod body;
mod future;
mod http_service;
mod reqwest_service;

pub use future::{ReqwestFuture, ResponseFuture};
pub use http_service::HttpService;
pub use reqwest_service::ReqwestService;
