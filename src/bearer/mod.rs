//! Sets `Authorization: Bearer …`, with a token that is valid now.
//!
//! [`Bearer`] asks a [`TokenProvider`](crate::token::TokenProvider) for the
//! token of each request, sets it, and passes the request on. If there is a
//! valid token, which is nearly always, nothing waits and nothing is allocated;
//! otherwise the response future waits for one.
//!
//! If a request to which this layer added a token gets a 401, the layer reports
//! the token to the provider, so that the next request has a newer one.
//! [`Refresh`](crate::refresh) decides about a replay of this request. A 401 is
//! not reported if its `WWW-Authenticate` says that the token is not the cause
//! (`error="insufficient_scope"` or `"invalid_request"` of RFC 6750, section
//! 3.1, or `"insufficient_user_authentication"` of RFC 9470). Such a 401
//! carries [`Rejection::NotTheToken`](crate::token::Rejection::NotTheToken) as
//! the reason.
//!
//! The layer sends the token only to the [`Origins`] that it was built with. A
//! request to another host gets an [`OriginError`], not a token. A redirect
//! layer further in, next to the client, must itself remove the token.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//! use http::{Request, Response, header::AUTHORIZATION};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{
//!     BearerLayer,
//!     bearer::{OriginError, Origins},
//!     token::FixedToken,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! let api = service_fn(|request: Request<()>| async move {
//!     let authorization = request.headers()[AUTHORIZATION].clone();
//!     Ok::<_, Infallible>(Response::new(authorization))
//! });
//! let origins = Origins::of_host("api.mypurecloud.com")?;
//! let layer = BearerLayer::new(FixedToken::new("s3cr3t")?, origins);
//! let mut service = ServiceBuilder::new().layer(layer).service(api);
//!
//! let uri = "https://api.mypurecloud.com/api/v2/users";
//! let request = Request::get(uri).body(())?;
//! let response = service.ready().await?.call(request).await?;
//! assert_eq!(response.into_body(), "Bearer s3cr3t");
//!
//! let uri = "https://api.mypurecloud.com.evil.example/";
//! let request = Request::get(uri).body(())?;
//! let error = service.ready().await?.call(request).await.unwrap_err();
//! assert!(OriginError::find(&*error).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Customising
//!
//! By default the layer replaces an `Authorization` that is already on the
//! request, because a gateway must not forward its caller's.
//! [`CallOptions`](crate::CallOptions) can make the layer keep it
//! ([`with_own_authorization`](crate::CallOptions::with_own_authorization)), or
//! add no token at all ([`without_auth`](crate::CallOptions::without_auth)).
//! [`BearerLayer::per_request`] takes the token and the origins from a
//! [`SelectAccount`], which can look at the extensions of each request.
//!
//! # Ordering
//!
//! Put it inside of `Replay`, `Retry` and `Refresh`. Only
//! [`Collect`](crate::collect) goes further in. [`Retry`](crate::retry) and
//! [`Refresh`](crate::refresh) around it then send each attempt with the
//! current token. A layer between it and the client that logs headers sees the
//! token; the value is marked sensitive.
//!
//! # Cloning
//!
//! Clones of the layer and of its services use the same provider of tokens.
//!
//! # Errors
//!
//! The methods of [`Origins`] return
//! [`ConfigErrorKind::Host`](crate::genesys::ConfigErrorKind::Host) for
//! anything other than a host, with or without a port.
//!
//! [`TokenError`](crate::TokenError) if there is no token, [`OriginError`]
//! (inside of a [`Refused`](crate::call::Refused)) if the request goes to an
//! origin that is not allowed, and the errors of the inner service, all as
//! [`BoxError`](crate::BoxError).
//!
//! # Cancellation
//!
//! Dropping a response future that waits for a token does not cancel the
//! renewal. During the wait, the future has no readied service, so no permit
//! and no connection. If the service then takes so long to become ready that
//! the token expires, the future waits for a newer one. It waits for a token at
//! most three times in all.

mod account;
mod challenge;
mod future;
pub(crate) mod layer;
mod origin_error;
mod origins;
mod service;

pub use account::{Account, SelectAccount};
pub use future::ResponseFuture;
pub(crate) use layer::BearerLayer;
pub use origin_error::{OriginError, OriginErrorKind};
pub use origins::Origins;
pub use service::Bearer;
