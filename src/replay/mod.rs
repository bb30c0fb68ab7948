//! Wraps request bodies so that they can be sent more than once.
//!
//! [`ReplayLayer`] turns the body of each request into a [`ReplayBody`], which
//! can be cloned. That alone changes nothing. The layers inside,
//! [`Refresh`](crate::refresh) and [`Retry`](crate::retry), keep a clone of a
//! request while they send it, and send the clone if the first attempt fails.
//!
//! ```text
//!           ┌─ older body ──► sent first. The frames that it takes out of the
//!  request ─┤                 caller's body are kept for the clone
//!           └─ newer body ──► sent if another attempt is needed: first the
//!              (a clone)      kept frames, then the rest of the caller's body
//! ```
//!
//! | body | can be resent (a stream: up to its *cap*) | cost |
//! |---|---|---|
//! | in memory, up to 64 KiB | always | a reference count |
//! | in memory, longer | always | three small allocations; the body goes out in frames of 64 KiB |
//! | stream of known length | up to 1 MiB | references to its frames, while a clone is kept |
//! | stream of unknown length | up to 64 KiB | the same |
//! | of a request with a [`Remake`], a function in its extensions that makes the body | always | a new body for each attempt |
//!
//! The length is known if the body states it, or if the request has a
//! `content-length`: reqwest's multipart forms have only that.
//!
//! A body counts as in memory if it states its length and yields all its bytes
//! at the first poll. So a boxed body counts, too.
//!
//! A stream that is longer than its cap is sent, but only once: the current
//! attempt continues, and no later one is possible. The cap also limits the
//! number of kept frames: to 16, and one more for each 128 bytes of the cap,
//! because keeping a frame costs about 128 bytes besides its data.
//!
//! Each attempt states the length in the same way as the first, so
//! `content-length` and trailers stay the same.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_genesys::{ReplayBody, ReplayLayer, replay::CloneBody};
//!
//! type Body = ReplayBody<Full<Bytes>>;
//!
//! // As a layer that resends does: first the older body, later a newer one.
//! async fn send_twice(
//!     request: Request<Body>,
//! ) -> Result<Response<String>, Infallible> {
//!     let older = request.into_body();
//!     let newer = older.try_clone().expect("the body is small");
//!     let mut seen = String::new();
//!     for body in [older, newer] {
//!         let whole = body.collect().await.expect("no error").to_bytes();
//!         seen.push_str(std::str::from_utf8(&whole).expect("it is text"));
//!     }
//!     Ok(Response::new(seen))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(ReplayLayer::new())
//!     .service_fn(send_twice);
//! let response = service.oneshot(Request::new(Full::from("hello "))).await?;
//! assert_eq!(response.into_body(), "hello hello ");
//! # Ok(())
//! # }
//! ```
//!
//! Set the caps with [`with_known_cap`](ReplayLayer::with_known_cap) for
//! streams that state their length, and with
//! [`with_unknown_cap`](ReplayLayer::with_unknown_cap) for the others.
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body::Frame;
//! use http_body_util::{BodyExt, StreamBody};
//! use tower::{Layer, Service, service_fn};
//! use tower_genesys::{BoxError, ReplayBody, ReplayLayer, replay::CloneBody};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let layer = ReplayLayer::new().with_unknown_cap(4);
//! let service = service_fn(async |request: Request<ReplayBody<_>>| {
//!     let older = request.into_body();
//!     let newer = older.try_clone().expect("nothing was sent yet");
//!     older.collect().await?;
//!     Ok::<_, BoxError>(newer.is_replayable())
//! });
//! let mut can_resend = layer.layer(service);
//! for (chunk, expected) in [("four", true), ("fiver", false)] {
//!     let frames = [Ok::<_, std::io::Error>(Frame::data(Bytes::from(chunk)))];
//!     let body = StreamBody::new(futures_util::stream::iter(frames));
//!     assert_eq!(can_resend.call(Request::new(body)).await?, expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Ordering
//!
//! Put `ReplayLayer` outside of [`Retry`](crate::retry) and
//! [`Refresh`](crate::refresh), which need a body that can be cloned. A layer
//! outside of it sees the body once. A layer inside sees a body at each
//! attempt.
//!
//! Use it once per stack, even with several layers that resend. They recognise
//! each other by a mark on the body ([`CloneBody::mark_kept`]), which a second
//! `Replay` between them hides. The body is then kept twice, and two retry
//! layers send up to 4 + 3 times instead of 4.
//!
//! The body must be `Unpin`, as for hyper-util's client.
//! `BodyExt::boxed_unsync` makes any body `Unpin`.
//!
//! # Cloning
//!
//! A clone of a body is *newer* than its original. When a newer body is polled,
//! or [`revoke_others`](CloneBody::revoke_others) is called on it, all older
//! ones are invalidated: they end in an error, and a task that waits for one is
//! woken.
//!
//! This frees connections. If an HTTP/1 server responds before it has read the
//! request, hyper continues to send. If the rest of the body never comes, hyper
//! neither closes the connection nor reuses it ([hyper#4176]). The error of an
//! invalidated body makes hyper close the connection, or on HTTP/2 reset the
//! stream.
//!
//! hyper sees that error when it next asks for a frame:
//!
//! - If it waits for the caller's stream, it asks at once.
//! - If its buffers are full, it asks when the server has read more. A server
//!   that neither reads nor closes keeps the connection busy until it does one
//!   of the two.
//! - An in-memory body of up to 64 KiB is one frame, which hyper takes with the
//!   head of the request. There is nothing to invalidate.
//!
//! All clones of a stream share one buffer of frames. A frame stays in it only
//! while a clone exists that may need the frame. You may drop clones at any
//! time and in any order.
//!
//! # Errors
//!
//! The service returns the errors of the inner service. The body's error is a
//! [`ReplayBodyError`]. Clients wrap it in their own error, and
//! [`ReplayBodyError::find`] finds it there. An error of the caller's body is
//! its `source` and is final, because the rest of that body is unknown. A body
//! whose bytes are gone returns an error: it never ends as if it were complete.
//!
//! # Cancellation
//!
//! The future is that of the inner service. Dropping a body frees everything
//! that no other clone needs, including the caller's body.
//!
//! [hyper#4176]: https://github.com/hyperium/hyper/issues/4176

pub(crate) mod body;
mod drain;
mod error;
pub(crate) mod layer;
mod marks;
mod request;
mod service;

pub use body::Remake;
pub(crate) use body::ReplayBody;
pub(crate) use drain::Drain;
pub use error::{ReplayBodyError, ReplayBodyErrorKind};
pub(crate) use layer::ReplayLayer;
pub use marks::{CloneBody, Renewable, Resend, Unreplayed};
pub(crate) use request::{LazyUri, RequestCopy};
pub use service::Replay;
