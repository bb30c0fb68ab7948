//! Genesys Cloud: its regions, its token endpoint, and the layers set up for
//! it.
//!
//! [`GenesysLayer`](crate::GenesysLayer) combines four layers of this crate in
//! their order, set up for the Genesys Cloud API:
//!
//! ```text
//! Replay → Retry → Refresh → Bearer → your HTTP client
//! ```
//!
//! An [`Org`] is one organisation: its [`Region`], its token, the hosts that
//! the token may go to, its throttle and its budget. You build the layer from
//! an `Org`. A request that has another `Org` in its extensions is sent for
//! that organisation, with its token.
//!
//! One of the [`grants`] gets the tokens: `client_credentials` for services,
//! the others for requests on behalf of a person.
//!
//! [`Pager`](crate::Pager) turns the API's pages into streams; see [`paging`].
//!
//! [`ApiError`] turns an unsuccessful response into an error.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt};
//! use tower_genesys::{Credentials, GenesysLayer, Org, testing::MockGenesys};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let org = Org::builder(mock.region())
//!     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!     .build(mock.http_client())?;
//! let genesys = GenesysLayer::new(&org).layer(mock.service());
//!
//! // A token ends early, and no caller notices.
//! org.tokens().token().await?;
//! mock.revoke_all();
//!
//! let request = Request::get(org.api("/api/v2/tokens/me")?);
//! let request = request.body(Full::<Bytes>::default())?;
//! let response = genesys.clone().oneshot(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!((mock.token_posts(), mock.api_calls()), (2, 2));
//! # Ok(())
//! # }
//! ```
//!
//! # Ordering
//!
//! Put layers that the client needs (proxy, TLS, a limit on concurrency)
//! inside, and layers that concern the whole call outside. The attempt time-out
//! of `Retry` ends an attempt only if another one can follow. So for an upper
//! bound, put tower's `TimeoutLayer` around the stack.
//! [Ordering](crate::guide::ordering) has the place of each other layer.
//!
//! # Customising
//!
//! [`OrgBuilder`] sets the properties of an organisation,
//! [`GenesysLayer`](crate::GenesysLayer) those of the stack. For another order,
//! or a layer in between, use the layers one by one. Then give `Retry` the
//! organisation's upstream and [`is_read_only`], as `GenesysLayer` does:
//!
//! ```
//! # use tower_genesys::{
//! #     BearerLayer, Org, RefreshLayer, ReplayLayer, RetryLayer, genesys,
//! # };
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
//! Clone the stack for each request: a clone costs a few reference counts and a
//! clone of the client. All clones, and all stacks with the same [`Org`],
//! share its token, its throttle and its budget.
//!
//! # Errors
//!
//! All errors are a [`BoxError`](crate::BoxError). A response is never an
//! error, whatever its status. [`ApiError::read`] turns one into an error.
//!
//! | find it with | cause |
//! |---|---|
//! | [`TokenError::find`](crate::TokenError::find) | no token could be fetched; the request was not sent |
//! | [`OriginError::find`](crate::bearer::OriginError::find) | the token may not go to that host, or the request names no organisation; nothing was sent |
//! | [`ReplayBodyError::find`](crate::replay::ReplayBodyError::find) | the body of the request failed |
//! | the client's own error type | the last attempt failed |
//!
//! # Cancellation
//!
//! You may drop a response future at any time. That ends its attempt, and its
//! wait for a token, a retry or a slot. A renewal that it has started continues
//! for the other callers.

mod answer;
pub mod api_error;
pub(crate) mod credentials;
mod env;
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
pub(crate) mod region;

pub(crate) use api_error::ApiError;
pub(crate) use credentials::Credentials;
pub use credentials::{
    CredentialsFn, CredentialsProvider, EnvCredentials, FileCredentials, credentials_fn,
};
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use layer::BoxGenesysService;
pub use operation::{Effect, Operation, is_read_only, templates};
pub(crate) use org::Org;
pub use org::{CacheKey, NoCredentials, OrgBuilder};
pub(crate) use region::Region;
pub use region::{RegionError, RegionErrorKind};

pub use crate::config_error::{ConfigError, ConfigErrorKind};
