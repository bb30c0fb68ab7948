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
/// opens the file each time. The first send uses the body of the request. Each
/// later send uses a body from the function, which is called when that body is
/// first polled. Nothing is kept, so no cap applies.
///
/// `B` is the type of the request body as [`Replay`](crate::replay::Replay) receives
/// it. A `Remake` for another type has no effect.
///
/// The function must return the same bytes each time. If a body announces
/// another length than that of the request, it is not sent
/// ([`Changed`](crate::replay::ReplayBodyErrorKind::Changed)). If making the body can
/// fail, for example at opening the file, let the returned body fail at its
/// first poll.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body::Frame;
/// use http_body_util::{BodyExt, Empty, StreamBody};
/// use tower::{BoxError, ServiceBuilder, ServiceExt};
/// use tower_genesys::{
///     ReplayBody, ReplayLayer, RetryLayer, RetryPolicy, replay::Remake, retry::Attempt,
/// };
///
/// /// Stands for a file of 2 MiB, which exceeds the default cap of any stream.
/// fn open() -> Stream {
///     let chunks = (0..32).map(|_| Ok(Frame::data(Bytes::from_static(&[7; 65_536]))));
///     StreamBody::new(futures_util::stream::iter(chunks)).boxed_unsync()
/// }
/// # type Stream = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;
///
/// /// Fails once.
/// async fn api(request: Request<ReplayBody<Stream>>) -> Result<Response<Empty<Bytes>>, BoxError> {
///     let mut response = Response::new(Empty::new());
///     if Attempt::of(request.extensions()) == Attempt(1) {
///         *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
///     }
///     assert_eq!(request.into_body().collect().await?.to_bytes().len(), 2 * 1024 * 1024);
///     Ok(response)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::new(RetryPolicy::new()))
///     .service_fn(api);
/// let request = Request::put("https://api.example/upload").extension(Remake::new(open));
/// let response = client.oneshot(request.body(open())?).await?;
/// assert_eq!(response.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
pub struct Remake<B> {
    make: Make<B>,
}

impl<B> ReplayBody<B> {
    fn in_memory(whole: Bytes) -> Self {
        // One frame goes along with the head of the request, so there is
        // nothing to revoke, and no lock.
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
    /// A body that announces its length is polled at once, to see whether that
    /// gives the whole of it: then it is in memory already.
    pub fn new(body: B) -> Self {
        Self::with_caps(body, || None, Caps::DEFAULT)
    }

    /// As [`with_caps`](Self::with_caps); the most common body is known without
    /// a poll.
    pub(in crate::replay) fn wrap(
        mut body: B,
        announced: impl FnOnce() -> Option<u64>,
        caps: Caps,
    ) -> Self
    where
        B: 'static,
    {
        match (&mut body as &mut dyn Any).downcast_mut::<Full<Bytes>>() {
            // By its type, since nearly every body is this one, and a poll
            // costs more than the look.
            Some(full) => mem::take(full).into(),
            None => Self::with_caps(body, announced, caps),
        }
    }

    /// `announced` is what the head of the request says of the length. It
    /// decides on the cap where the body does not say, and is asked for only
    /// then, since most bodies do. The framing stays what the body and the head
    /// make of it.
    fn with_caps(mut body: B, announced: impl FnOnce() -> Option<u64>, caps: Caps) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let hint = body.size_hint();
        let exact = hint.exact();
        let known = exact.or_else(announced);
        let cap = known.map_or(caps.unknown, |_| caps.known);
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
    /// Returns a body that calls `make` for each attempt, for example to open a
    /// file each time.
    ///
    /// Use it in stacks without [`ReplayLayer`](crate::ReplayLayer). That layer
    /// would wrap this body as a stream. With it, give the request a
    /// [`Remake`](crate::replay::Remake) instead.
    ///
    /// Nothing of it is kept, so no cap applies, and it can be sent again
    /// whatever its size. `make` is called once here, and once for each attempt
    /// after the first, when that is polled for the first time. It must give a
    /// body with the same bytes each time; one that announces another length
    /// than the first is not sent
    /// ([`Changed`](crate::replay::ReplayBodyErrorKind::Changed)). What may fail, such
    /// as opening the file, fails best at the first poll of the body that it
    /// returns.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full};
    /// use tower_genesys::{ReplayBody, replay::CloneBody};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let older = ReplayBody::from_fn(|| Full::new(Bytes::from_static(b"a,b,c")));
    /// let newer = older.try_clone().expect("it can always be made again");
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

/// So that one client, whose body is a `ReplayBody`, can also send the requests
/// for tokens.
impl<B> From<Full<Bytes>> for ReplayBody<B> {
    fn from(full: Full<Bytes>) -> Self {
        Self::in_memory(full.into_inner().unwrap_or_default())
    }
}

impl<B> Remake<B> {
    /// Sets the function that makes the bodies of resends.
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
