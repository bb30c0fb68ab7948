//! Tower layers that put Genesys Cloud authentication into the HTTP client you already have.
//!
//! A token of Genesys Cloud lives for a day, and often dies earlier: by inactivity, by an
//! administrator's click, by eviction. These layers sign each request with one that is valid now,
//! renew it before anybody waits for it, send a request once more when its token was refused after
//! all, and retry what may be retried. Your code sends requests, and gets responses.
//!
//! ```text
//!              ┌─ GenesysLayer ───────────────────────────────┐
//! your code ─► │ Replay ──► Retry ──► Refresh ──► Bearer      │ ─► your HTTP client ─► Genesys Cloud
//!              │ keeps      429,      401:        token of    │    proxy, TLS, pool
//!              │ bodies     5xx       once more   this moment │
//!              └─────────────────────────────────▲────────────┘
//!                                   TokenCache ──┘ renews ahead of time, once for all who wait
//! ```
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_genesys::{Credentials, GenesysLayer, Org, testing::MockGenesys};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! // Stands for Genesys Cloud and for the HTTP client: see `conversation_report` in the examples for a
//! // real one. Credentials are then those in the environment, by `Org::from_env(client)`.
//! let mock = MockGenesys::new();
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build::<Full<Bytes>, _>(mock.service())?;
//! let genesys = ServiceBuilder::new().layer(GenesysLayer::new(&org)).service(mock.service());
//!
//! let request = Request::get(org.api("/api/v2/users")?).body(Full::<Bytes>::default())?;
//! let response = genesys.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//!
//! // A revoked token costs a token request and a replay, and the caller nothing.
//! mock.revoke_all();
//! let request = Request::get(org.api("/api/v2/users")?).body(Full::<Bytes>::default())?;
//! let response = genesys.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!((mock.token_posts(), mock.api_calls()), (2, 3));
//! # Ok(())
//! # }
//! ```
//!
//! # Which layer for which problem
//!
//! | problem | use |
//! |---|---|
//! | all of the following | [`GenesysLayer`]: the four layers in one, set up for Genesys Cloud ([`genesys`]) |
//! | requests need a valid bearer token | [`BearerLayer`] over a [`TokenCache`] ([`bearer`], [`token`]) |
//! | 401 in the middle of a job | [`RefreshLayer`] around it, [`ReplayLayer`] around that ([`refresh`], [`replay`]) |
//! | 429, 5xx, broken connections | [`RetryLayer`] between the two ([`retry`]) |
//! | bodies that break off after their head | [`CollectLayer`] inside of it ([`collect`]) |
//! | spans for calls and attempts, histograms of durations | [`SpanLayer`] ([`spans`]) |
//! | thousands of tenants, one organisation each | [`genesys::orgs`] |
//! | only a token, for some other client | [`TokenCache::token`] |
//! | tokens from a vault or a service of yours | [`token::source_fn`], [`token::TokenSource`] |
//! | what is done in a person's name | the [`grants`](genesys::grants) |
//! | one request that is to be treated differently | [`CallOptions`] |
//! | answers in pages: queries, lists, jobs | a [`Pager`] on top: streams that can be resumed |
//! | errors that say what to do | [`ApiError`], [`TokenError`] |
//! | one token for many processes | a [`store`] |
//! | tests without Genesys Cloud | [`MockGenesys`](testing::MockGenesys) |
//!
//! Each layer is one of its own, for any `Service<Request<B>, Response = Response<R>>` that can be
//! cloned. [By hand](genesys#customising), `Retry` takes from an [`Org`] what [`GenesysLayer`]
//! gives it by itself: the throttle that is the organisation's, and which POSTs only read.
//!
//! # Short answers
//!
//! - **I have a client already.** Keep it; the layers go around it.
//!   [More](guide::questions#i-have-a-client-already)
//! - **The compiler refuses the stack.** Mostly the body type of your client.
//!   [More](guide::questions#the-compiler-refuses-the-stack)
//! - **`anyhow`? The type of the stack in a struct?** [Errors](guide::questions#anyhow),
//!   [types](guide::questions#how-do-i-name-the-stack)
//! - **Where does `Timeout` go?** Outside for the whole call, inside for one attempt.
//!   [More](guide::questions#where-does-timeout-go)
//! - **Several replicas?** A token each, or a shared one. [More](guide::questions#several-replicas)
//! - **Many organisations?** An [`Org`] in the extensions of each request.
//!   [More](guide::questions#many-organisations)
//! - **Blocking code? No tokio? WASM?** `block_on`; a tokio runtime aside; no.
//!   [More](guide::questions#blocking-code)
//! - **I have code that does this.** See [what goes wrong with it](guide::migrating), and
//!   [how the official SDKs fare](guide::comparison).
//! - **It runs. What do I watch?** [Metrics, log events, errors, limits](guide::operating).
//!
//! # In your stack
//!
//! | you have | see |
//! |---|---|
//! | axum, and callers of your own | [`guide::gateway`] |
//! | a `reqwest::Client` | [`reqwest`] |
//! | tonic, or another type of bodies | [`guide::grpc`] |
//! | a command-line program, or a CI job | [`guide::command_line`] |
//! | many processes with one OAuth client | [`guide::fleet`] |
//! | layers of tower and tower-http | [`guide::ordering`] |
//! | a token source, classifier, layer or token store of your own | [`guide::middleware`] |
//!
//! # Features
//!
//! | feature | default | for |
//! |---|---|---|
//! | `hyper` | yes | tells "never sent" from "broken on the way" in the errors of hyper, hyper-util and h2 |
//! | `tower` | | a boxed form of the stack; takes tower's `Elapsed` for the transient error it is |
//! | `client` | | [`Client`], for those who have none: TLS, the proxy of the environment, time-outs |
//! | `metrics` | | counters for what is renewed, retried and shared |
//! | `reqwest-013` | | [`reqwest`]: the layers over a `reqwest::Client`, and for its own requests |
//! | `redis` | | [`RedisStore`](store::redis::RedisStore): one token for a fleet of processes, in Redis or Valkey. By `rediss://`, it makes ring the rustls provider of a process that has chosen none |
//! | `file` | | [`FileStore`](store::file::FileStore): one token for the runs of a program, in a file of its user |
//! | `seal` | | what is put into a store, encrypted |
//! | `testing` | | [`MockGenesys`](testing::MockGenesys), a Genesys Cloud for tests |
//!
//! # Panics
//!
//! The crate needs tokio: for timers, and for the task that renews a token. Call it within a runtime
//! that was built with `enable_time` or `enable_all`, as `#[tokio::main]` does. On a runtime without
//! the time driver, or one that was shut down, a wait panics, as that of tower's own layers does.
//!
//! Without any runtime, a token that has to be fetched is
//! [`TokenErrorKind::NoRuntime`](TokenErrorKind::NoRuntime), and a failure that would be retried is
//! returned at once, as [`Stop::NoRuntime`](retry::Stop::NoRuntime).
//!
//! A future that is polled after it has completed panics too.
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
mod error;
pub mod genesys;
pub mod guide;
mod limiter;
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
