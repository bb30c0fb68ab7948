//! Sets `Authorization: Bearer …`, with a token that is valid now.
//!
//! [`Bearer`] asks a [`TokenProvider`](crate::token::TokenProvider) for the token of each request, sets
//! it, and passes the request on. If there is a valid token, which is nearly always, nothing waits
//! and nothing is allocated; otherwise the response future waits for one. A 401 to a request that
//! this layer has signed is reported to the provider, so that the next request has a newer token;
//! whether this one is sent again is for [`Refresh`](crate::refresh) to do. A 401 whose
//! `WWW-Authenticate` says that the token is not to blame (`error="insufficient_scope"` or
//! `"invalid_request"` of RFC 6750, section 3.1, or `"insufficient_user_authentication"` of RFC
//! 9470) is not reported, and keeps [`Rejection::NotTheToken`](crate::token::Rejection::NotTheToken) as
//! the reason.
//!
//! The token goes to the [`Origins`] that the layer was built with, and to nobody else: a redirect
//! or a wrong URI gets [`OriginError`], not a token.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//! use http::{Request, Response, header::AUTHORIZATION};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{BearerLayer, bearer::{OriginError, Origins}, token::FixedToken};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let api = service_fn(|request: Request<()>| async move {
//!     Ok::<_, Infallible>(Response::new(request.headers()[AUTHORIZATION].clone()))
//! });
//! let origins = Origins::of_host("api.mypurecloud.com")?;
//! let layer = BearerLayer::new(FixedToken::new("s3cr3t")?, origins);
//! let mut service = ServiceBuilder::new().layer(layer).service(api);
//!
//! let request = Request::get("https://api.mypurecloud.com/api/v2/users").body(())?;
//! let response = service.ready().await?.call(request).await?;
//! assert_eq!(response.into_body(), "Bearer s3cr3t");
//!
//! let request = Request::get("https://api.mypurecloud.com.evil.example/").body(())?;
//! let error = service.ready().await?.call(request).await.unwrap_err();
//! assert!(OriginError::find(&*error).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Customising
//!
//! By default an `Authorization` that is already on the request is replaced: a gateway must not
//! forward the one of its own caller. [`CallOptions`](crate::CallOptions) keeps it, or sends a
//! request as it is. [`BearerLayer::per_request`] takes the token and the origins from whatever
//! implements [`SelectAccount`], which can look at the extensions of each request.
//!
//! # Ordering
//!
//! Innermost, next to the client: [`Retry`](crate::retry) and [`Refresh`](crate::refresh) around it
//! then send each attempt with the token of that moment. A layer that logs headers sees the token
//! when it is further in; the value is marked sensitive.
//!
//! # Cloning
//!
//! A clone shares the tokens.
//!
//! # Errors
//!
//! [`InvalidHost`] when [`Origins`] are given something else than a host.
//!
//! [`TokenError`](crate::TokenError) when there is no token, [`OriginError`] when the request goes
//! where no token may go (inside of a [`Refused`](crate::call::Refused)), and the errors of the
//! inner service, all as [`BoxError`](crate::BoxError).
//!
//! # Cancellation
//!
//! A response future that is dropped while it waits for a token leaves the renewal alone. While it
//! waits it holds no readied service, and so no permit and no connection. When the service then
//! takes so long to become ready that the token expires, it waits for a newer one, three times at
//! most.

mod account;
mod challenge;
mod future;
mod invalid_host;
pub(crate) mod layer;
mod origin_error;
mod origins;
mod service;

pub use account::{Account, SelectAccount};
pub use future::ResponseFuture;
pub use invalid_host::InvalidHost;
pub(crate) use layer::BearerLayer;
pub use origin_error::{OriginError, OriginErrorKind};
pub use origins::Origins;
pub use service::Bearer;
