//! Collects response bodies, so that a connection that breaks in the middle of one can be retried.
//!
//! A layer is done with a response when its head is there. A body that breaks off later fails the
//! caller who reads it, and no layer sends the request again. [`CollectLayer`](crate::CollectLayer), inside of
//! [`RetryLayer`](crate::RetryLayer), reads the body of a success first, up to a cap. A body that
//! breaks off is then an error of the service, after which a repeatable request is sent again.
//!
//! ```
//! use std::io;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full, StreamBody};
//! use http_body::Frame;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{CollectLayer, ReplayBody, ReplayLayer, RetryLayer, retry::Attempt};
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
//! | a body longer than the cap | handed on as it is, at once if it states its length |
//! | a stream by its type: server-sent events, newline-delimited JSON, multipart replacement, gRPC | handed on as it is |
//! | to a request with [`CallOptions::without_collecting`](crate::CallOptions::without_collecting) | handed on as it is |
//! | no success | handed on as it is: its status says more than its body |
//!
//! Frames and trailers stay as they came, and are not copied.
//!
//! # Customising
//!
//! The cap is 4 MiB by default; [`CollectLayer::with_cap`](crate::CollectLayer::with_cap) sets another one. Each call holds at
//! most that much, counted with the place that frames take, and one frame.
//!
//! # Ordering
//!
//! Inside of [`RetryLayer`](crate::RetryLayer). [`GenesysLayer`](crate::GenesysLayer) has no place
//! for it in between, so put it around the client: `genesys.layer(CollectLayer::new().layer(client))`.
//! A layer that decompresses belongs outside of it, where the cap counts what comes over the wire.
//!
//! The attempt time-out of `RetryLayer` (30 s by default) covers the body too, since the attempt
//! ends with it. Raise it for large bodies over slow lines.
//!
//! # Cloning
//!
//! A clone costs what a clone of the inner service does. Clones share nothing else.
//!
//! # Errors
//!
//! All as [`BoxError`](crate::BoxError): those of the inner service as they came, and
//! [`BodyBroken`] for a body that broke off, which has the head of the response. The built-in
//! classifiers take it for transient: the request was executed, so only a repeatable one is sent
//! again.
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
