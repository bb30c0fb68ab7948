//! Sends a request once more when its token was refused.
//!
//! [`Refresh`] keeps a copy of each request, body and all. When the response is a 401 that
//! [`Bearer`](crate::bearer) has marked as [`Renewable`](crate::replay::Renewable), it sends the
//! copy, once: `Bearer`, further in, signs it with the newer token, and waits for that if it is
//! still on its way. Every other response goes to the caller as it is, and so does the second 401.
//! This layer renews nothing itself; only `Bearer` knows which token it sent.
//!
//! # Example
//!
//! ```
//! use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{RefreshLayer, ReplayLayer, replay::Renewable};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! // Stands for `Bearer` and a server that refuses the first token.
//! let sends = Arc::new(AtomicUsize::new(0));
//! let counter = sends.clone();
//! let api = service_fn(move |_request: Request<_>| {
//!     let mut response = Response::new(Full::<Bytes>::default());
//!     if counter.fetch_add(1, Ordering::Relaxed) == 0 {
//!         *response.status_mut() = StatusCode::UNAUTHORIZED;
//!         response.extensions_mut().insert(Renewable);
//!     }
//!     async { Ok::<_, std::convert::Infallible>(response) }
//! });
//! let mut service =
//!     ServiceBuilder::new().layer(ReplayLayer::new()).layer(RefreshLayer::new()).service(api);
//!
//! let uri = "https://api.mypurecloud.com/api/v2/users";
//! let request = Request::post(uri).body(Full::<Bytes>::from("{}"))?;
//! let response = service.ready().await?.call(request).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(sends.load(Ordering::Relaxed), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Ordering
//!
//! Around [`Bearer`](crate::bearer), inside [`Retry`](crate::retry), and inside
//! [`Replay`](crate::replay), which makes bodies that can be sent again. The outermost layer that
//! can send again keeps the only copy: inside `Retry` this layer keeps none, and marks the response
//! with [`Resend`](crate::replay::Resend) instead, so that `Retry` sends at once. The other way
//! round, `Refresh` around `Retry`, that one passes everything through and retries nothing.
//!
//! # Cloning
//!
//! The layer has no state. Each call clones the inner service, for the case that it sends again.
//!
//! # Errors
//!
//! Those of the inner service. A 401 that is returned says why in its extensions:
//! [`Rejection`](crate::Rejection) why no newer token is to be had,
//! [`Unreplayed`](crate::replay::Unreplayed) why the request was not sent again though one is.
//!
//! # Cancellation
//!
//! Dropping the response future drops the request in flight and the copy.

mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::RefreshLayer;
pub use service::Refresh;
