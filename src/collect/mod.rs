//! Collects response bodies, so that a connection that breaks in the middle of one can be retried.
//!
//! A layer returns a response when its head is there. If the body breaks off later, the caller who
//! reads it gets the error, and no layer resends the request. [`CollectLayer`](crate::CollectLayer),
//! inside of [`RetryLayer`](crate::RetryLayer), first reads the body of a success, up to a cap. A body
//! that breaks off is then an error of the service, and a repeatable request is retried.
//!
//! ```
//! use std::io;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full, StreamBody};
//! use http_body::Frame;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{
//!     CollectLayer, ReplayBody, ReplayLayer, RetryLayer, retry::Attempt,
//! };
//!
//! /// Breaks off in the middle of its first answer.
//! async fn api(
//!     request: Request<ReplayBody<Full<Bytes>>>,
//! ) -> Result<Response<StreamBody<impl futures_core::Stream<Item = io::Result<Frame<Bytes>>>>>, BoxError>
//! {
//!     let first = Attempt::of(request.extensions()) == Attempt(1);
//!     let half = Ok(Frame::data(Bytes::from_static(b"[1, ")));
//!     let rest = match first {
//!         true => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
//!         false => Ok(Frame::data(Bytes::from_static(b"2]"))),
//!     };
//!     let frames = futures_util::stream::iter([half, rest]);
//!     Ok(Response::new(StreamBody::new(frames)))
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), BoxError> {
//! let client = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .layer(RetryLayer::default())
//!     .layer(CollectLayer::new())
//!     .service_fn(api);
//! let request = Request::get("https://api.mypurecloud.com/api/v2/users");
//! let response = client.oneshot(request.body(Full::default())?).await?;
//! assert_eq!(response.collect().await?.to_bytes(), "[1, 2]");
//! # Ok(())
//! # }
//! ```
//!
//! # What is collected
//!
//! | response | |
//! |---|---|
//! | a success with a body of up to the cap | collected: the caller gets the head and the whole body |
//! | a body longer than the cap | passed on unchanged, at once if it states its length |
//! | a stream by its type: server-sent events, newline-delimited JSON, multipart replacement, gRPC | passed on unchanged |
//! | to a request with [`CallOptions::without_collecting`](crate::CallOptions::without_collecting) | passed on unchanged |
//! | an unsuccessful one | passed on unchanged: its status says more than its body |
//!
//! Frames and trailers stay unchanged, and are not copied.
//!
//! # Customising
//!
//! The cap is 4 MiB by default; [`CollectLayer::with_cap`](crate::CollectLayer::with_cap) sets another
//! one. Each call holds at most that much, including the overhead of frames, and one frame.
//!
//! # Ordering
//!
//! Inside of [`RetryLayer`](crate::RetryLayer). With [`GenesysLayer`](crate::GenesysLayer), put it around
//! the client: `genesys.layer(CollectLayer::new().layer(client))`. Put a layer that decompresses outside
//! of it, so that the cap counts the bytes on the wire.
//!
//! The attempt time-out of `RetryLayer` (30 s by default) covers the body, too. Raise it for large
//! bodies over slow lines.
//!
//! # Cloning
//!
//! A clone costs what a clone of the inner service does. Clones share nothing else.
//!
//! # Errors
//!
//! All as [`BoxError`](crate::BoxError): those of the inner service unchanged, and [`BodyBroken`], with
//! the head of the response, for a body that broke off. The built-in classifiers treat it as transient.
//! The request was executed, so only a repeatable one is retried.
//!
//! # Cancellation
//!
//! Dropping the future drops the body, as dropping a response does.

mod body;
mod error;
mod future;
pub(crate) mod layer;
mod service;

pub use body::CollectedBody;
pub use error::BodyBroken;
pub use future::ResponseFuture;
pub use service::Collect;
