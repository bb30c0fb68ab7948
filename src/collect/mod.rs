//! Collects response bodies, so that a request can be retried if the body of
//! its response breaks off.
//!
//! A layer sees only the head of a response. If the body breaks off later, the
//! caller that reads it gets the error, and no layer resends the request.
//! [`CollectLayer`](crate::CollectLayer), inside of
//! [`RetryLayer`](crate::RetryLayer), reads the body of a success before it
//! returns the response, up to a cap. If the body breaks off meanwhile, the
//! service returns an error, and `Retry` repeats the request if that is safe.
//!
//! ```
//! # use bytes::Bytes;
//! # use http::{Request, Response};
//! # use http_body_util::{BodyExt, Full, StreamBody};
//! # use http_body::{Body, Frame};
//! # use tower::{BoxError, ServiceBuilder, ServiceExt};
//! use tower_genesys::{
//!     CollectLayer, ReplayBody, ReplayLayer, RetryLayer, retry::Attempt,
//! };
//!
//! /// Breaks off in the middle of its first response.
//! async fn api(
//!     request: Request<ReplayBody<Full<Bytes>>>,
//! ) -> Result<Response<impl Body<Data = Bytes, Error = BoxError>>, BoxError> {
//!     let first = Attempt::of(request.extensions()).get() == 1;
//!     let half = Ok(Frame::data(Bytes::from_static(b"[1, ")));
//!     let rest = match first {
//!         true => Err(BoxError::from("the connection broke")),
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
//! | response | what the caller gets |
//! |---|---|
//! | a success with a body of up to the cap | the head and the whole body, collected |
//! | a success with a longer body | the body as a stream: at once if it states its length, otherwise when the collected part exceeds the cap |
//! | a stream by its media type: server-sent events, newline-delimited JSON, multipart replacement, gRPC | the body as a stream |
//! | a response to a request with [`CallOptions::without_collecting`](crate::CallOptions::without_collecting) | the body as a stream |
//! | an unsuccessful response | the body as a stream: the status says more than the body |
//!
//! The layer neither changes nor copies frames and trailers.
//!
//! # Customising
//!
//! [`CollectLayer::with_cap`](crate::CollectLayer::with_cap) sets the cap, 4
//! MiB by default. Besides the data, each frame counts with its own size, so
//! many empty frames reach the cap too. Each call keeps at most the cap and one
//! frame.
//!
//! # Ordering
//!
//! Put it inside of [`RetryLayer`](crate::RetryLayer). With
//! [`GenesysLayer`](crate::GenesysLayer), put it around the client:
//! `genesys.layer(CollectLayer::new().layer(client))`. Put a layer that
//! decompresses outside of it: the cap then counts the bytes on the wire.
//!
//! The attempt time-out of `RetryLayer` (30 s by default) then covers the body
//! too. Raise it for large bodies over slow connections.
//!
//! # Cloning
//!
//! A clone costs a clone of the inner service. Clones share nothing else.
//!
//! # Errors
//!
//! All errors are [`BoxError`](crate::BoxError)s: those of the inner service,
//! unchanged, and [`BodyBroken`] for a body that broke off, with the head of
//! the response. The built-in classifiers treat `BodyBroken` as transient: the
//! API executed the request, so only a repeatable one is retried.
//!
//! # Cancellation
//!
//! Dropping the future drops the body, like dropping a response.

mod body;
mod error;
mod future;
pub(crate) mod layer;
mod service;

pub use body::CollectedBody;
pub use error::BodyBroken;
pub use future::ResponseFuture;
pub use service::Collect;
