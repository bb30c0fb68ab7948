//! The ways to make a [`ReplayBody`]: from bytes, around any body, and with a
//! function.

use std::{any::Any, fmt, mem, sync::Arc};

use bytes::Bytes;
use http_body::Body;
use http_body_util::Full;

use super::{
    Caps, Form, ReplayBody,
    memory::{self, FRAME, Look, Memory},
    remade::{Make, Remade},
    stream::Stream,
};
use crate::BoxError;

/// Request extension with a function that makes a new request body for each
/// resend.
///
/// Use it for bodies that are too long to keep, such as a file: the function
/// opens the file each time. The first send uses the body of the request. For
/// each later send the function makes a body, when that body is first polled.
/// Nothing is kept, so no cap applies.
///
/// `B` is the type of the request body as [`Replay`](crate::replay::Replay)
/// receives it. A `Remake` for another type has no effect.
///
/// The function must return the same bytes each time. If a body announces
/// another length than that of the request, it is not sent
/// ([`Changed`](crate::replay::ReplayBodyErrorKind::Changed)). If making the
/// body can fail, for example at opening the file, let the returned body fail
/// at its first poll.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body::Frame;
/// use http_body_util::{BodyExt, Empty, StreamBody};
/// use tower::{BoxError, ServiceBuilder, ServiceExt};
/// use tower_genesys::{
///     ReplayBody, ReplayLayer, RetryLayer, replay::Remake, retry::Attempt,
/// };
///
/// # type Stream =
/// #     http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;
/// /// Replaces a file of 2 MiB, which exceeds the default cap of any stream.
/// fn open() -> Stream {
///     let chunk = Bytes::from_static(&[7; 65_536]);
///     let frames = (0..32).map(move |_| Ok(Frame::data(chunk.clone())));
///     StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
/// }
///
/// /// Fails once.
/// async fn api(
///     request: Request<ReplayBody<Stream>>,
/// ) -> Result<Response<Empty<Bytes>>, BoxError> {
///     let mut response = Response::new(Empty::new());
///     if Attempt::of(request.extensions()).get() == 1 {
///         *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
///     }
///     let body = request.into_body().collect().await?.to_bytes();
///     assert_eq!(body.len(), 2 * 1024 * 1024);
///     Ok(response)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::default())
///     .service_fn(api);
/// let request = Request::put("https://api.example/upload");
/// let request = request.extension(Remake::new(open)).body(open())?;
/// let response = client.oneshot(request).await?;
/// assert_eq!(response.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
pub struct Remake<B> {
    make: Make<B>,
}

impl<B> ReplayBody<B> {
    fn in_memory(whole: Bytes) -> Self {
        // A body of one frame goes out with the head of the request. No clone
        // of it is ever invalidated, so it needs no lock.
        Self::of(match whole.len() {
            0 => Form::Empty,
            1..=FRAME => Form::Small(Some(whole)),
            _ => Form::Memory(Memory::new(whole).into()),
        })
    }
}

impl<B> ReplayBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Wraps any body, with the default caps of
    /// [`ReplayLayer`](crate::ReplayLayer).
    ///
    /// If the body announces its length, it is polled at once. If that yields
    /// all of it, the body counts as in memory.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    /// use tower_genesys::{ReplayBody, replay::CloneBody};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let boxed = Full::<Bytes>::from("a,b,c").boxed();
    /// let older = ReplayBody::new(boxed);
    /// let newer = older.try_clone().expect("it is in memory, though boxed");
    /// assert_eq!(older.collect().await?.to_bytes(), "a,b,c");
    /// assert_eq!(newer.collect().await?.to_bytes(), "a,b,c");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(body: B) -> Self {
        Self::with_caps(body, || None, Caps::DEFAULT)
    }

    /// Wraps the body of a request, as [`with_caps`](Self::with_caps) does,
    /// with a fast path for the most common type of body.
    pub(in crate::replay) fn wrap(
        mut body: B,
        announced: impl FnOnce() -> Option<u64>,
        caps: Caps,
    ) -> Self
    where
        B: 'static,
    {
        match (&mut body as &mut dyn Any).downcast_mut::<Full<Bytes>>() {
            // Nearly every body has this type, and comparing types is cheaper
            // than a poll.
            Some(full) => mem::take(full).into(),
            None => Self::with_caps(body, announced, caps),
        }
    }

    /// Chooses the form for a body.
    ///
    /// `announced` reads the length from the head of the request. It is called
    /// only if the body does not know its length; most do. It decides which cap
    /// applies, and never changes how the body is framed.
    fn with_caps(mut body: B, announced: impl FnOnce() -> Option<u64>, caps: Caps) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let hint = body.size_hint();
        let exact = hint.exact();
        let known = exact.or_else(announced);
        let cap = known.map_or(caps.unknown, |_| caps.known);
        // Only a body that knows its length can be in memory. One that
        // announces zero bytes has not ended, so trailers may follow: a stream.
        let Some(length) = exact.filter(|length| *length > 0) else {
            return Self::of(Form::Stream(Stream::new(body, hint, known, cap).into()));
        };

        let begun = match memory::look(&mut body, length) {
            Look::Whole(whole) => return Self::in_memory(whole),
            Look::Begun(begun) => begun,
        };
        let stream = Stream::new(body, hint, known, cap);
        for (polled, told) in begun.into_iter().flatten() {
            stream.feed(polled, told);
        }
        Self::of(Form::Stream(stream.into()))
    }
}

impl<B: Body> ReplayBody<B> {
    /// Creates a body that calls `make` for each attempt, for example to open a
    /// file each time.
    ///
    /// Use it in stacks without [`ReplayLayer`](crate::ReplayLayer). That layer
    /// would wrap this body as a stream. With it, give the request a
    /// [`Remake`](crate::replay::Remake) instead.
    ///
    /// Nothing is kept, so no cap applies. `make` is called once here, and once
    /// for each later attempt, when the body of that attempt is first polled.
    /// The rules for `make` are those of a `Remake`: it returns the same bytes
    /// each time, and a failure to make the body is an error of that body.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    /// use tower_genesys::{ReplayBody, replay::CloneBody};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let make = || Full::new(Bytes::from_static(b"a,b,c"));
    /// let older = ReplayBody::from_fn(make);
    /// let newer = older.try_clone().expect("`make` can be called again");
    /// assert_eq!(older.collect().await?.to_bytes(), "a,b,c");
    /// assert_eq!(newer.collect().await?.to_bytes(), "a,b,c");
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_fn<F>(make: F) -> Self
    where
        F: Fn() -> B + Send + Sync + 'static,
    {
        Self::remade(make(), Remake::new(make))
    }

    /// Creates a body whose first attempt sends `first`, and whose later ones
    /// call the function.
    pub(in crate::replay) fn remade(first: B, remake: Remake<B>) -> Self {
        if first.is_end_stream() {
            return Self::empty();
        }
        Self::of(Form::Remade(Remade::new(first, remake.make).into()))
    }
}

impl<B> From<Bytes> for ReplayBody<B> {
    fn from(whole: Bytes) -> Self {
        Self::in_memory(whole)
    }
}

/// The body of token requests is a `Full`, so this conversion lets one client
/// send them together with the `ReplayBody` of other requests.
impl<B> From<Full<Bytes>> for ReplayBody<B> {
    fn from(full: Full<Bytes>) -> Self {
        Self::in_memory(full.into_inner().unwrap_or_default())
    }
}

impl<B> Remake<B> {
    /// Creates an extension with the function that makes the body of a resend.
    ///
    /// [`Remake`] has an example.
    pub fn new<F>(make: F) -> Self
    where
        F: Fn() -> B + Send + Sync + 'static,
    {
        Self {
            make: Arc::new(make),
        }
    }
}

impl<B> Clone for Remake<B> {
    fn clone(&self) -> Self {
        Self {
            make: Arc::clone(&self.make),
        }
    }
}

impl<B> fmt::Debug for Remake<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remake").finish_non_exhaustive()
    }
}
