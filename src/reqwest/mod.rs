//! Puts the layers over a [`reqwest::Client`], and lets the stack take
//! reqwest's own requests and return its responses.
//!
//! - [`HttpService`] is the client as the innermost service. It takes
//!   `http::Request<B>` for any body type, so every layer fits around it. It
//!   also fetches the tokens.
//! - [`ReqwestService`] wraps the stack. It takes a [`reqwest::Request`] and
//!   returns a [`reqwest::Response`] with `json`, `text`, `bytes_stream` and
//!   `error_for_status`.
//!
//! The feature is named after reqwest's version: `reqwest-013`.
//!
//! # Example
//!
//! ```no_run
#![doc = include_str!("../../examples/reqwest_client.rs")]
//! ```
//!
//! # TLS
//!
//! The feature brings no TLS: reqwest's own features do. Its `rustls` compiles
//! AWS-LC in; `rustls-no-provider` uses the crypto provider that the process
//! has installed, such as *ring*.
//!
//! # Moving over
//!
//! | before | after |
//! |---|---|
//! | `client.get(url).query(&q).bearer_auth(token).send().await?` | `genesys.send(client.get(url).query(&q)).await?` |
//! | `client.execute(request).await?` | `genesys.execute(request).await?` |
//! | `.error_for_status()?`, which drops the body | the same; or `ApiError::read(response.into(), ApiError::DEFAULT_LIMIT).await` for an unsuccessful response: its message says what to do |
//! | a forgotten `RequestBuilder::send` | bypasses all layers, without a token: a 401 |
//!
//! [`ReqwestService::send`] takes the place of the builder's `send`. The layers
//! replace a token that the request still sets. `use tower_genesys::*` would
//! hide the crate `reqwest` behind this module, so import items by name.
//!
//! # Its own retries and redirects
//!
//! [`HttpService::from_builder`] turns both off. [`HttpService::new`] takes an
//! existing client, whose settings stay:
//!
//! | reqwest's | effect inside the layers | advice |
//! |---|---|---|
//! | retries | none: the layers' bodies are streams to reqwest, and it never sends a stream twice | nothing to do |
//! | redirects to the same origin | followed with the token of this attempt, if the redirect drops the body (301, 302, 303) | 307 and 308 with a body are returned to the caller |
//! | redirects to another origin | reqwest removes `Authorization`; a 401 from there looks like one of the API, and costs a renewal and a resend | turn them off |
//! | redirects to a host that is down | the API may have executed the request before it redirected, so once the request reached a connection, an error never counts as "not sent", and has no URL | a POST is not retried, even if a server that shuts down refused it: turn them off |
//! | `default_headers` | added to every request that lacks them | put no `Authorization` among them: requests without a token would carry it |
//! | `timeout` | limits each attempt, including the response's body | longer than the slowest download; use tower's `TimeoutLayer` for the call |
//! | `connect_timeout` | a failed connection: any method is retried | set it, to 5 s |
//!
//! If you want redirects, put `tower_http::follow_redirect` around the stack.
//! `Bearer` then signs each hop, and only for origins on its list.
//!
//! # Errors
//!
//! [`HttpService`] fails with [`reqwest::Error`]. Its URL has no query,
//! fragment and user, since those may hold private data.
//! [`Retry`](crate::retry) reads it as it reads hyper's errors: it tells a
//! failed connection from a broken one, and never retries a request that
//! reqwest cannot build.
//!
//! # Cancellation
//!
//! Dropping a response future cancels its request, as with reqwest.
//!
//! # Not supported
//!
//! - `reqwest::blocking`: it runs a private runtime in a thread, which the
//!   layers cannot enter. Use `block_on` on your own runtime.
//! - WASM: there reqwest is the browser's `fetch`, without a tower service,
//!   streams or tokio timers.

mod body;
mod future;
mod http_service;
mod reqwest_service;

pub use future::{ReqwestFuture, ResponseFuture};
pub use http_service::HttpService;
pub use reqwest_service::ReqwestService;
