//! Requests that can be sent again, body and all.
//!
//! [`ReplayLayer`] turns the body of each request into a [`ReplayBody`]. That changes nothing by
//! itself: it lets the layers inside, [`Refresh`](crate::refresh) and [`Retry`](crate::retry),
//! keep a clone of a request while they send it.
//!
//! | body | sent again | cost |
//! |---|---|---|
//! | in memory, up to 64 KiB | always | a reference count |
//! | in memory, longer | always | two small allocations; goes out in frames of 64 KiB |
//! | stream of known length | up to 1 MiB | references to its frames, while a clone is kept |
//! | stream of unknown length | up to 64 KiB | the same |
//! | request with [`Remake`] | always | made anew for each attempt |
//!
//! A length is known when the body says it, or else the `content-length` of the request: reqwest's
//! forms of several parts have it only there.
//!
//! A body in memory is known by its first poll: it announces its length, and gives all of it at
//! once. So it does not matter whether it is in a box. A kept frame counts for 128 bytes at least
//! when there are more than 16, as it costs that much to keep. Whatever is not kept is sent all the
//! same, but once: over the cap this attempt goes on, and only a later one is impossible.
//!
//! Each attempt is framed like the first, so that `content-length` and trailers are the same.
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
//! // What a layer does that sends again: the older body first, and a newer one later.
//! async fn send_twice(request: Request<Body>) -> Result<Response<String>, Infallible> {
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
//! let service = ServiceBuilder::new().layer(ReplayLayer::new()).service_fn(send_twice);
//! let response = service.oneshot(Request::new(Full::from("hello "))).await?;
//! assert_eq!(response.into_body(), "hello hello ");
//! # Ok(())
//! # }
//! ```
//!
//! The caps can be set: [`with_known_cap`](ReplayLayer::with_known_cap) for streams that announce
//! their length, [`with_unknown_cap`](ReplayLayer::with_unknown_cap) for those that do not.
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
//! let mut could_send_again = layer.layer(service_fn(async |request: Request<ReplayBody<_>>| {
//!     let older = request.into_body();
//!     let newer = older.try_clone().expect("nothing was sent yet");
//!     older.collect().await?;
//!     Ok::<_, BoxError>(newer.is_replayable())
//! }));
//! for (chunk, expected) in [("four", true), ("fiver", false)] {
//!     let frames = [Ok::<_, std::io::Error>(Frame::data(Bytes::from(chunk)))];
//!     let body = StreamBody::new(futures_util::stream::iter(frames));
//!     assert_eq!(could_send_again.call(Request::new(body)).await?, expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Ordering
//!
//! Outside [`Retry`](crate::retry) and [`Refresh`](crate::refresh), which ask for a body that can
//! be cloned. What stands outside of it touches the body once, what stands inside touches it at
//! each attempt.
//!
//! Once per stack, also when there are several layers that send again: they know of each other by a
//! mark on the body ([`CloneBody::hold`]), which a second `Replay` between them hides. The body is
//! then kept twice, and two retry layers send up to 4 + 3 times where 4 would be right.
//!
//! The body has to be `Unpin`, as hyper-util's client asks too: `BodyExt::boxed_unsync` makes any
//! body so.
//!
//! # Cloning
//!
//! A clone of a body is *newer* than the one it was made from. As soon as a newer one is polled,
//! or [`revoke_others`](CloneBody::revoke_others) is called on it, all older ones are revoked:
//! they end in an error, and are woken for it if they wait.
//!
//! That is for connections. When an HTTP/1 server answers before it has read the request, hyper
//! goes on sending; if the rest of the body does not come, it neither closes the connection nor
//! uses it again ([hyper#4176]). The error of a revoked body makes hyper close it, and on HTTP/2
//! reset the stream. hyper sees it when it next asks for a frame, and it asks when it has room for
//! one: at once when it waits for a stream, and when the server has read on if its buffers are
//! full. A server that neither reads nor closes holds the connection until it does one of them,
//! whatever the body does. A body of up to 64 KiB in memory is one frame, which hyper takes along
//! with the head of the request: there is nothing to revoke.
//!
//! A stream is kept only while there is a clone that may have to send it, in one log that all
//! clones read. They can be dropped at any time and in any order.
//!
//! # Errors
//!
//! The service has the error of the service inside. The body has [`ReplayBodyError`], which clients
//! wrap in their own, and [`ReplayBodyError::find`] gets out again. An error of the caller's body
//! is its `source`, and final: what would have come after it is not known. A body whose bytes are
//! gone gives an error, never an end.
//!
//! # Cancellation
//!
//! The future is that of the service inside. To drop a body frees what only it still needed, the
//! caller's body included.
//!
//! [hyper#4176]: https://github.com/hyperium/hyper/issues/4176

pub(crate) mod body;
mod caps;
mod clone_body;
mod drain;
mod error;
mod frames;
mod fresh;
mod head;
pub(crate) mod layer;
mod lock;
mod log;
mod marks;
mod out;
mod peek;
mod remake;
mod request;
mod service;
mod size;
mod stream;
mod turns;

pub(crate) use body::ReplayBody;
pub use clone_body::CloneBody;
pub(crate) use drain::Drain;
pub use error::{ReplayBodyError, ReplayBodyErrorKind};
pub(crate) use layer::ReplayLayer;
pub use marks::{Renewable, Resend, Unreplayed};
pub use remake::Remake;
pub(crate) use request::{LazyUri, RequestCopy};
pub use service::Replay;
