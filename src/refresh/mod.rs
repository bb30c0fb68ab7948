//! Replays a request once after a 401, with a newer token.
//!
//! [`Refresh`] acts on a 401 that [`Bearer`](crate::bearer) marked as
//! [`Renewable`](crate::replay::Renewable): it causes one resend, of a copy of
//! the request. Inside [`Retry`](crate::retry), which keeps the copy, `Refresh`
//! asks it to resend at once. In a stack without `Retry`, `Refresh` keeps the
//! copy, including the body, and sends it. `Bearer`, further in, adds the newer
//! token to the copy, and waits for that token if it is still being fetched.
//!
//! The caller gets every other response unchanged, and the second 401 with the
//! [reason](#errors) in its extensions. This layer renews nothing itself: only
//! `Bearer` knows which token it sent.
//!
//! ```text
//!  caller   Retry      Refresh       Bearer           API     TokenCache
//!    │──call──►│──────────►│───────────►│──token A──►│          │
//!    │         │           │            │◄───401─────│          │
//!    │         │           │            │──A was refused───────►│ starts one
//!    │         │           │◄─Renewable─│            │          │ renewal
//!    │         │◄──Resend──│            │            │          │
//!    │         │───copy───►│───────────►│──waits───────────────►│
//!    │         │           │            │◄─token B──────────────│
//!    │         │           │            │──token B──►│          │
//!    │◄────────│◄──────────│◄───────────│◄───200─────│          │
//! ```
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
//! // Replaces `Bearer` and a server that refuses the first token.
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
//! let mut service = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .layer(RefreshLayer::new())
//!     .service(api);
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
//! Put it around [`Bearer`](crate::bearer), inside [`Retry`](crate::retry), and
//! inside [`Replay`](crate::replay), which wraps request bodies so that they
//! can be sent more than once. The request body must implement
//! [`CloneBody`](crate::replay::CloneBody), as `ReplayBody` does.
//!
//! The outermost layer that can resend keeps the only copy. So inside `Retry`,
//! this layer only marks the response with [`Resend`](crate::replay::Resend).
//! If `Refresh` is outside `Retry`, `Retry` passes every response through and
//! retries nothing.
//!
//! # Cloning
//!
//! The layer has no state. Each call clones the inner service, for a possible
//! resend.
//!
//! # Errors
//!
//! The errors of the inner service. The extensions of a returned 401 say why
//! the request was not replayed, or not a second time: a
//! [`Rejection`](crate::token::Rejection), if no newer token is there or on its
//! way; otherwise an [`Unreplayed`](crate::replay::Unreplayed).
//!
//! # Cancellation
//!
//! Dropping the response future drops the request in flight and the copy.

mod future;
pub(crate) mod layer;
mod service;

pub use future::ResponseFuture;
pub(crate) use layer::RefreshLayer;
pub use service::Refresh;
