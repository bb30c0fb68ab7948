//! Requests that can be sent again, body and all.
//!
//! [`ReplayLayer`] turns the body of each request into a [`ReplayBody`]. That changes nothing by
//! itself: it lets the layers inside, [`Refresh`](crate::refresh) and [`Retry`](crate::retry),
//! keep a clone of a request while they send it.
//!
//! | body | kept | cost |
//! |---|---|---|
//! | in memory, up to 64 KiB | always | a reference count |
//! | in memory, longer | always | one allocation; goes out in frames of 64 KiB |
//! | stream of known length | up to 1 MiB ([`with_known_cap`](ReplayLayer::with_known_cap)) | clones of its frames, while there is a clone of the body |
//! | stream of unknown length | up to 64 KiB ([`with_unknown_cap`](ReplayLayer::with_unknown_cap)) | the same |
//! | [`ReplayBody::from_fn`] | nothing | made anew for each attempt |
//!
//! A body in memory is known by its first poll: it announces its length, and gives all of it at
//! once. So it does not matter whether it is in a box. Whatever is not kept is sent all the same,
//! but once.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_genesys::{CloneBody, ReplayBody, ReplayLayer};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What a layer does that sends again: the older body first, and a newer one later.
//! async fn send_twice(request: Request<ReplayBody<Full<Bytes>>>) -> Result<Response<String>, Infallible> {
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
//! let service = ServiceBuilder::new().layer(ReplayLayer::new()).service_fn(send_twice);
//! let response = service.oneshot(Request::new(Full::from("hello "))).await?;
//! assert_eq!(response.into_body(), "hello hello ");
//! # Ok(())
//! # }
//! ```
//!
mod body;
mod caps;
mod clone_body;
mod drain;
mod error;
mod frames;
mod fresh;
mod layer;
mod lock;
mod log;
mod marks;
mod out;
mod request;
mod service;
mod size;
mod stream;
mod turns;

pub use body::ReplayBody;
pub use clone_body::CloneBody;
pub(crate) use drain::Drain;
pub use error::{ReplayBodyError, ReplayBodyErrorKind};
pub use layer::ReplayLayer;
pub use marks::{Renewable, Resend, Unreplayed};
pub(crate) use request::clone_request;
pub use service::Replay;
