//! Tower layers that put Genesys Cloud authentication into any HTTP client stack.
//!
//! ```text
//! your code ─► Replay ─► Retry ─► Refresh ─► Bearer ─► your HTTP client
//! ```
//!
//! - [`bearer`] signs each request with a token that is valid now. [`TokenCache`] renews it ahead
//!   of time, in the background, by one request however many callers wait.
//! - [`refresh`] sends a request once more when its token was refused.
//! - [`retry`] sends again after 429, 5xx and broken connections, as often and as late as does no
//!   harm.
//! - [`replay`] makes request bodies that can be sent again, so that the other two can.
//! - [`genesys`] has all four in one line, [`GenesysLayer`], set up for Genesys Cloud, and [`Org`],
//!   one organisation there. Its [`Pager`] streams what comes in pages.
//!
//! Each is a layer of its own for any `Service<Request<B>, Response = Response<R>>` that can be
//! cloned: hyper-util's client, what is left of a stack that you have, or a test double.
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
//! # Features
//!
//! | feature | default | for |
//! |---|---|---|
//! | `hyper` | yes | tells "never sent" from "broken on the way" in the errors of hyper, hyper-util and h2 |
//! | `tower` | | a boxed form of the stack; takes tower's `Elapsed` for the transient error it is |
//! | `metrics` | | counters for what is renewed and retried |
//! | `testing` | | [`MockGenesys`](testing::MockGenesys), a Genesys Cloud for tests |
//!
//! The crate needs tokio: for timers, and for the task that renews a token.
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

pub mod bearer;
pub mod call;
mod error;
pub mod genesys;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
pub mod refresh;
pub mod replay;
pub mod retry;
mod runtime;
pub mod store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod token;

pub use bearer::{Bearer, BearerLayer, OriginError, Origins};
pub use call::CallOptions;
pub use error::BoxError;
pub use genesys::{
    ApiError, AuthorizationCode, AuthorizeUrl, ClientCredentials, ConfigError, Credentials,
    CredentialsProvider, EnvCredentials, ErrorDetail, FileCredentials, GenesysLayer,
    GenesysService, LoginCode, LoginHandle, LoginState, Org, PageError, Pager, PkceVerifier,
    RateLimit, RefreshToken, RefreshTokenStore, Region, RegionError, Saml2Bearer, credentials_fn,
};
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use metrics::Metrics;
pub use refresh::{Refresh, RefreshLayer};
pub use replay::{CloneBody, Replay, ReplayBody, ReplayLayer};
pub use retry::{Retry, RetryLayer};
pub use token::{
    AccessToken, CacheSettings, CacheStatus, FetchContext, Fingerprint, FixedToken, Generation,
    IssuedToken, Reason, Rejection, TokenCache, TokenError, TokenErrorKind, TokenProvider,
    TokenSource, source_fn,
};

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
