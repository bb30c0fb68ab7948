use std::{fmt, sync::Arc};

/// Request extension with a function that makes a new request body for each
/// resend.
///
/// Use it for bodies that are too long to keep, such as a file: the function
/// opens the file each time. The first send uses the body of the request. Each
/// later send uses a body from the function, which is called when that body is
/// first polled. Nothing is kept, so no cap applies.
///
/// `B` is the type of the request body as [`Replay`](super::Replay) receives
/// it. A `Remake` for another type has no effect.
///
/// The function must return the same bytes each time. If a body announces
/// another length than that of the request, it is not sent
/// ([`Changed`](super::ReplayBodyErrorKind::Changed)). If making the body can
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
    pub(super) make: Make<B>,
}

pub(super) type Make<B> = Arc<dyn Fn() -> B + Send + Sync>;

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
