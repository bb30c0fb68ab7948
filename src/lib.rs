//! Tower layers that authenticate requests to the Genesys Cloud API and retry
//! them safely, around any HTTP client.
//!
//! A Genesys Cloud token lives for a day, and often ends earlier: after
//! inactivity, when an administrator revokes it, or when Genesys evicts it
//! because too many were minted. These layers sign each request with a valid
//! token, renew the token before a request must wait for it, replay a request
//! once if its token was refused after all, and retry requests that failed when
//! a retry is safe. Your code sends requests and gets responses.
//!
//! ```text
//!   your code    one call                                   the response
//!       │                                                        ▲
//! ┌─ GenesysLayer ───────────────────────────────────────────────┴──────────┐
//! │ Replay    keeps the body, so that the request can be resent             │
//! │ Retry     resends after 429, 5xx and broken connections, and at once    │
//! │   │       after a 401 when Refresh asks for it                          │
//! │ Refresh   asks Retry to resend after a 401, with a newer token          │
//! │ Bearer    signs with the current token ◄─ TokenCache renews it early,   │
//! │   │                                       once for all who wait         │
//! └───┼─────────────────────────────────────────────────────────────────────┘
//!     ▼
//!   your HTTP client (proxy, TLS, pool) ───► Genesys Cloud
//! ```
//!
//! # Example
//!
//! ```
//! # use bytes::Bytes;
//! # use http::Request;
//! # use http_body_util::Full;
//! # use tower::{Layer, ServiceExt};
//! use tower_genesys::{Credentials, GenesysLayer, Org, testing::MockGenesys};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! // The mock replaces Genesys Cloud and your HTTP client. A real program
//! // gives its client to `Org::from_env(client)` and to `layer(client)`.
//! let mock = MockGenesys::new();
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let genesys = GenesysLayer::new(&org).layer(mock.service());
//!
//! for _ in 0..2 {
//!     let request = Request::get(org.api("/api/v2/users")?);
//!     let request = request.body(Full::<Bytes>::default())?;
//!     assert_eq!(genesys.clone().oneshot(request).await?.status(), 200);
//!     mock.revoke_all(); // the second request is replayed with a new token
//! }
//! assert_eq!((mock.token_posts(), mock.api_calls()), (2, 3));
//! # Ok(())
//! # }
//! ```
//!
//! Before you start:
//!
//! - A response is `Ok` whatever its status. [`ApiError::read`] turns an
//!   unsuccessful one into an error whose message names the next step.
//! - Requests start the renewals. If a process was idle until its token
//!   expired, the next request waits for a new one. To renew while idle, too,
//!   hold the guard of [`keep_warm`](TokenCache::keep_warm).
//! - The layers retry GET, HEAD, OPTIONS, TRACE, PUT and DELETE, and the 181
//!   POSTs of the API that read and change nothing. Six GETs, PUTs and DELETEs
//!   are exceptions, because they are not safe to repeat.
//!   [`is_read_only`](genesys::is_read_only) knows all of these from a table.
//!   Any other request is resent only if the API certainly did not execute it,
//!   or if you mark it as [`repeatable`](CallOptions::with_repeatable).
//! - All calls of one [`Org`] share a [`Budget`](retry::Budget): 50 retries at
//!   the start, and 45 more each minute. While it is empty, a failure is
//!   returned without a retry, so that retries do not prolong an outage.
//!
//! # Which layer for which problem
//!
//! | problem | use |
//! |---|---|
//! | all of the next three | [`GenesysLayer`]: four layers in one, set up for Genesys Cloud ([`genesys`]) |
//! | each request needs a valid bearer token | [`BearerLayer`] over a [`TokenCache`] ([`bearer`], [`token`]) |
//! | 401 in the middle of a job | [`RefreshLayer`] around `BearerLayer`, and [`ReplayLayer`] around both ([`refresh`], [`replay`]) |
//! | 429, 5xx, broken connections | [`RetryLayer`] between `ReplayLayer` and `RefreshLayer` ([`retry`]) |
//! | response bodies that break off | [`CollectLayer`] inside of `RetryLayer` ([`collect`]) |
//! | spans for calls and attempts, histograms of durations | [`SpanLayer`] ([`spans`]) |
//! | thousands of tenants, one organisation each | [`Orgs`](genesys::orgs::Orgs) ([`genesys::orgs`]) |
//! | a token for a client that is not in the stack | [`TokenCache::token`] |
//! | tokens from your vault or service | [`token::source_fn`], [`token::TokenSource`] |
//! | requests on behalf of a person | the [`grants`](genesys::grants) |
//! | other rules for one request | [`CallOptions`] |
//! | lists, queries and jobs in pages | a [`Pager`] on top: streams that can be resumed |
//! | errors that name the next step | [`ApiError`], [`TokenError`] |
//! | one token for many processes | a [`store`] |
//! | tests without Genesys Cloud | [`MockGenesys`](testing::MockGenesys) |
//!
//! Each layer also works alone, around any
//! `Service<Request<B>, Response = Response<R>>` that can be cloned. Some ask
//! for more:
//!
//! | layer | also needs |
//! |---|---|
//! | [`ReplayLayer`] | a request body that is `Unpin` |
//! | [`RefreshLayer`], [`RetryLayer`] | a request body that can be cloned ([`CloneBody`](replay::CloneBody)), such as the one that `ReplayLayer` makes |
//! | [`RetryLayer`] | a classifier for the service's error: built in for [`BoxError`], which [`BearerLayer`] returns; [`RetryLayer::typed`] for others |
//! | [`BearerLayer`] | an error that converts into [`BoxError`] |
//!
//! If you build the stack [by hand](genesys#customising), give `Retry` the
//! organisation's throttle and the list of POSTs that only read;
//! [`GenesysLayer`] does both.
//!
//! # Glossary
//!
//! | term | meaning |
//! |---|---|
//! | call | one request of your code, from its first poll to the response or error that you get |
//! | attempt, send | an attempt waits for a token, and then sends: it hands the request to your client. One call makes one or more attempts ([`Attempt`](retry::Attempt)) |
//! | resend | each send of a call after the first: a retry or a replay |
//! | retry | a resend after a 429, a 5xx or a broken connection, in most cases after a wait. `Retry` makes at most three for each call by default |
//! | replay | the resend with a newer token after a 401: at once, and once per call. `Retry` makes it, or `Refresh` in a stack without `Retry`; the `Replay` layer only keeps the body for it |
//! | budget, upstream | the [`Budget`](retry::Budget) limits the retries of all calls together. An [`Upstream`](retry::Upstream) is the budget and the throttle that all calls to one API share |
//! | throttle, gate | a gate is a queue of requests to one endpoint (method, host and path), or to all paths that one limit of Genesys covers. After a 429 the [`Throttle`](retry::Throttle) closes the gate. When the wait that the server asked for is over, it releases the requests one by one, and opens the gate when none is left |
//! | limit, slot | a limit is the rate of requests that Genesys allows. Most limits apply to an OAuth client and its tokens. If you state a limit ([`Limit`](store::Limit)), each send first takes a slot: the right to send one request at a reserved time, or up to 0.9 seconds later. So the API refuses no send. Several processes can share a limit: a [`book`](store::book) in a store grants the slots |
//! | cooldown, damper | pauses before the [`TokenCache`] requests a token again: the cooldown after a failed renewal, and the damper after several renewals in a row whose new tokens the API refused, too. Processes that share a [`store`] also share a cooldown |
//! | generation, fence | each token has a number, and the token with the highest number is the newest: the number is a [`Generation`](token::Generation) within one process, a [`Fence`](store::Fence) across the processes that share a [`store`] |
//! | lease, leader | the lease is the right of one process, for a limited time, to fetch the next token for all that share a [`store`]. The leader is the process that has it |
//! | [`Rejection`](token::Rejection), [`Outcome`](retry::Outcome), [`Stop`](retry::Stop) | a `Rejection` and an `Outcome` are response extensions. The `Rejection` of a 401 says whether a newer token is there or on its way, and if not, why. The `Outcome` has the number of sends, the duration of the call, and the `Stop`: the reason why the call ended |
//!
//! # Promises
//!
//! A test with exact counts, in the repository, verifies each of them:
//!
//! | promise | test |
//! |---|---|
//! | if a token is revoked while 200 requests are in flight, they cost one token request; all succeed, each sent at most twice | `tests/loopback/refused_tokens.rs` |
//! | dropping every caller neither cancels nor repeats a renewal | `src/token/cache/tests/ownership.rs` |
//! | a failing token endpoint is asked at most 8 times in five minutes while the token is valid, at most 24 times without one | `src/token/cache/tests/failures.rs` |
//! | however 401s and 503s alternate, a call is sent at most five times | `tests/retry/calls.rs` |
//! | a 403 renews nothing; a POST that changes something is not repeated after a 503 | `tests/loopback` |
//! | 50 processes that share a token make one token request when they start, and one when the token is refused | `tests/fleet` |
//! | a stream of pages gives each row once, or an error | `tests/paging/properties.rs` |
//! | the token is sent over https only, to the API's host and to hosts that you allow, and is in no log, error or `Debug` | `tests/scenarios` |
//!
//! # Short answers
//!
//! - **I have a client already.** Keep it; the layers go around it.
//!   [More](guide::questions#i-have-a-client-already)
//! - **The compiler refuses the stack.** The usual cause is your client's body
//!   type. [More](guide::questions#the-compiler-refuses-the-stack)
//! - **`anyhow`? The type of the stack in a struct?**
//!   [Errors](guide::questions#anyhow),
//!   [types](guide::questions#how-do-i-name-the-stack)
//! - **Where does `Timeout` go?** Outside for the whole call, inside for one
//!   send. [More](guide::questions#where-does-timeout-go)
//! - **Several replicas?** One token each, or a shared one.
//!   [More](guide::questions#several-replicas)
//! - **Many organisations?** Put an [`Org`] into the extensions of each
//!   request. [More](guide::questions#many-organisations)
//! - **Blocking code?** Use `block_on`. **Another executor?** Keep a tokio
//!   runtime beside it. **WASM?** Not supported.
//!   [More](guide::questions#blocking-code)
//! - **I have code that does this.** Compare it with [the usual
//!   faults](guide::migrating) of such code, and with the [official
//!   SDKs](guide::comparison).
//! - **It runs. What do I watch?** [Metrics, log events, errors and
//!   limits](guide::operating).
//!
//! # In your stack
//!
//! | you have | see |
//! |---|---|
//! | axum, and your own callers | [`guide::gateway`] |
//! | a `reqwest::Client` | [`reqwest`] |
//! | tonic, or another type of bodies | [`guide::grpc`] |
//! | a command-line program, or a CI job | [`guide::command_line`] |
//! | a command-line program that people log in to | [`guide::browser_login`] |
//! | many processes with one OAuth client | [`guide::fleet`] |
//! | layers of tower and tower-http | [`guide::ordering`] |
//! | your own token source, classifier, layer or token store | [`guide::middleware`] |
//!
//! # Features
//!
//! | feature | default | for |
//! |---|---|---|
//! | `hyper` | yes | tells "never sent" from "broken on the way" in the errors of hyper, hyper-util and h2 |
//! | `ring` | yes | *ring* as the [crypto provider](client#crypto-provider) of `client` and `redis` |
//! | `aws-lc-rs` | | AWS-LC as their crypto provider. If both features are off, your program must install one |
//! | `tower` | | a boxed form of the stack; treats tower's `Elapsed` as transient |
//! | `client` | | [`Client`], if you have none: TLS, the proxy of the environment, time-outs |
//! | `platform-verifier` | | [`platform_verifier`](client::ClientBuilder::platform_verifier): trusts the system's CAs instead of Mozilla's |
//! | `metrics` | | counters of renewals, retries and the shared store |
//! | `reqwest-013` | | [`reqwest`]: the layers over a `reqwest::Client`, and a stack that takes and returns reqwest's own types |
//! | `redis` | | [`RedisStore`](store::redis::RedisStore): one token for a fleet of processes, in Redis or Valkey. With `rediss://`, it installs a crypto provider for the process if none is installed: the one of the feature `aws-lc-rs` or `ring` |
//! | `redis-cluster` | | `RedisStore` on a Redis Cluster |
//! | `file` | | files that only the user of a program can read: [`FileStore`](store::file::FileStore) keeps the token between runs, [`LoginFile`](genesys::login_file::LoginFile) a person's login |
//! | `seal` | | encrypts tokens in a store |
//! | `testing` | | [`MockGenesys`](testing::MockGenesys), a Genesys Cloud for tests |
//!
//! # Panics
//!
//! The crate needs tokio: for timers, and for the task that renews a token.
//! Call it inside a runtime built with `enable_time` or `enable_all`, as
//! `#[tokio::main]` does. On a runtime without the time driver, or after its
//! shutdown, a wait panics, as in tower's own layers.
//!
//! Outside of any runtime, a token that must be fetched fails with
//! [`TokenErrorKind::NoRuntime`](token::TokenErrorKind::NoRuntime), and a
//! failure that would be retried is returned at once, with
//! [`Stop::NoRuntime`](retry::Stop::NoRuntime).
//!
//! A future that is polled after it has completed panics, too.
//!
//! Unofficial: "Genesys" is a trademark of its owner.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Tests may panic and print; the library may not.
#![cfg_attr(
    not(test),
    warn(
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::unwrap_used
    )
)]

mod authority;
pub mod bearer;
pub mod call;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
pub mod collect;
mod config_error;
#[cfg(any(feature = "client", feature = "redis"))]
mod crypto;
mod error;
pub mod genesys;
pub mod guide;
mod limiter;
mod lock;
mod loopback;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
pub mod refresh;
pub mod replay;
#[cfg(feature = "reqwest-013")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest-013")))]
pub mod reqwest;
pub mod retry;
mod runtime;
pub mod spans;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod throttle;
pub mod token;

pub use bearer::layer::BearerLayer;
pub use call::options::CallOptions;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::service::Client;
pub use collect::layer::CollectLayer;
pub use error::BoxError;
pub use genesys::{
    api_error::error::ApiError,
    credentials::Credentials,
    layer::{GenesysLayer, GenesysService},
    org::Org,
    paging::pager::Pager,
    region::Region,
};
pub use refresh::layer::RefreshLayer;
pub use replay::{body::ReplayBody, layer::ReplayLayer};
pub use retry::{layer::RetryLayer, policy::RetryPolicy};
pub use spans::layer::SpanLayer;
pub use store::sharing::Sharing;
pub use token::{cache::TokenCache, error::TokenError};

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
