//! Genesys Cloud: its regions, its token endpoint, and the layers put together for it.
//!
//! [`GenesysLayer`](crate::GenesysLayer) is the four layers of this crate in their order, set up for the Genesys Cloud
//! API:
//!
//! ```text
//! Replay → Retry → Refresh → Bearer → your HTTP client
//! ```
//!
//! [`Org`] is one organisation: its [`Region`], its token, where that may be sent, and what its
//! rate limits have shown so far. It is what the layer is made of, and what a request can name in
//! its extensions to be sent as another one.
//!
//! Its tokens come by one of the [`grants`]: `client_credentials` for services, the others for what
//! is done in somebody's name.
//!
//! [`Pager`](crate::Pager) makes streams of what the API gives in pages; see [`paging`].
//!
//! [`ApiError`] makes an error of a response that the API has refused something with.
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
//! let mock = MockGenesys::new(); // stands for Genesys Cloud, and for the client that reaches it
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let genesys = ServiceBuilder::new().layer(GenesysLayer::new(&org)).service(mock.service());
//!
//! // Tokens die early. Nobody notices.
//! org.tokens().token().await?;
//! mock.revoke_all();
//!
//! let request = Request::get(org.api("/api/v2/tokens/me")?).body(Full::<Bytes>::default())?;
//! let response = genesys.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!((mock.token_posts(), mock.api_calls()), (2, 2));
//! # Ok(())
//! # }
//! ```
//!
//! # Ordering
//!
//! Around everything that the client needs (proxy, TLS, a limit of concurrency), inside of what
//! concerns the whole call. The layers end no attempt that nothing could take the place of: for an
//! upper bound put tower's `TimeoutLayer` around them. Where other layers go is on
//! [a page of its own](crate::guide::ordering).
//!
//! # Customising
//!
//! [`OrgBuilder`] sets what belongs to an organisation, [`GenesysLayer`](crate::GenesysLayer) what belongs to the stack.
//! For another order, or something in between, use the layers one by one:
//!
//! ```
//! # use tower_genesys::{BearerLayer, Org, RefreshLayer, ReplayLayer, RetryLayer, genesys};
//! # use tower_genesys::RetryPolicy;
//! # fn stack(org: &Org) {
//! let layers = tower::ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .layer(
//!         RetryLayer::new(RetryPolicy::new().with_max_sends(2))
//!             .with_upstream(org.upstream().clone())
//!             .with_repeatable(genesys::is_read_only),
//!     )
//!     .layer(RefreshLayer::new())
//!     .layer(BearerLayer::per_request(org.clone()));
//! # let _ = layers;
//! # }
//! ```
//!
//! # Cloning
//!
//! A clone of the stack is for one request, and costs a few reference counts and a clone of the
//! client. All clones, and all stacks with the same [`Org`], share its token, its throttle and its
//! budget.
//!
//! # Errors
//!
//! All as [`BoxError`](crate::BoxError). A response is none, whatever its status:
//! [`ApiError::read`] makes one of it.
//!
//! | found by | when |
//! |---|---|
//! | [`TokenError::find`](crate::TokenError::find) | there is no token; nothing was sent |
//! | [`OriginError::find`](crate::bearer::OriginError::find) | the token is not for that host, or nobody's; nothing was sent |
//! | [`ReplayBodyError::find`](crate::replay::ReplayBodyError::find) | the body of the request failed |
//! | a type of the client's | its last attempt failed |
//!
//! # Cancellation
//!
//! A response future may be dropped at any time. That ends its attempt, and its wait for a token or
//! for its turn; a renewal that it has begun goes on for the others.

mod answer;
pub mod api_error;
#[cfg(feature = "tower")]
mod boxed;
mod cache_key;
mod correlation_id;
pub(crate) mod credentials;
mod env;
mod error;
pub mod grants;
pub(crate) mod layer;
mod limit;
#[cfg(feature = "file")]
#[cfg_attr(docsrs, doc(cfg(feature = "file")))]
pub mod login_file;
mod named_limit;
mod operation;
pub(crate) mod org;
pub mod orgs;
pub mod paging;
mod read_only;
pub(crate) mod region;
mod templates;

pub(crate) use api_error::ApiError;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use boxed::BoxGenesysService;
pub use cache_key::CacheKey;
pub(crate) use credentials::Credentials;
pub use credentials::{
    CredentialsFn, CredentialsProvider, EnvCredentials, FileCredentials, credentials_fn,
};
pub use error::{ConfigError, ConfigErrorKind};
pub use operation::{Effect, Operation};
pub(crate) use org::Org;
pub use org::{NoCredentials, OrgBuilder};
pub use read_only::is_read_only;
pub(crate) use region::Region;
pub use region::{RegionError, RegionErrorKind};
pub use templates::templates;
