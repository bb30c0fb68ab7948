use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::uri::Authority;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{ClientError, wait::Wait};

/// The response body of a [`Client`](super::Client).
///
/// It is hyper's body, with a limit on the time between two frames
/// ([`ClientBuilder::body_idle_timeout`](super::ClientBuilder::body_idle_timeout)).
/// As long as frames arrive, reading may take any time. The limit counts only
/// while the reader waits, so the reader may pause between two frames.
///
/// # Errors
///
/// A [`ClientError`] that names the host:
/// [`Exchange`](super::ClientErrorKind::Exchange) if the connection breaks,
/// [`ResponseTimedOut`](super::ClientErrorKind::ResponseTimedOut) if no frame
/// arrives in time.
///
/// # Cancellation
///
/// Dropping it before its end closes the HTTP/1.1 connection, or resets the
/// HTTP/2 stream.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, StatusCode};
/// use http_body_util::{BodyExt, Full};
/// use tower::ServiceExt;
/// use tower_genesys::{BoxError, client::ClientBuilder, testing::MockGenesys};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let server = MockGenesys::new().serve().await?;
/// let client = ClientBuilder::new()
///     .without_proxy()
///     .allow_loopback()
///     .build()?;
/// let request = Request::get(server.region().api("/api/v2/users")?);
/// let response = client.oneshot(request.body(Full::<Bytes>::default())?).await?;
/// assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
/// let body = response.into_body().collect().await?.to_bytes();
/// assert!(!body.is_empty());
/// # Ok(())
/// # }
/// ```
pub struct ResponseBody {
    // `None` after an error.
    inner: Option<Incoming>,
    /// For messages.
    authority: Option<Authority>,
    /// The time limit between two frames. `None`: no limit.
    idle: Option<Duration>,
    wait: Wait,
}

impl ResponseBody {
    pub(super) fn new(
        inner: Incoming,
        authority: Option<Authority>,
        idle: Option<Duration>,
    ) -> Self {
        Self {
            inner: Some(inner),
            authority,
            idle,
            wait: Wait::new(),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        let authority = this.authority.as_ref();
        // The body is polled before the limit, so a frame that has arrived
        // counts even if the reader came late.
        let error = match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.wait.end();
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => ClientError::broken_off(authority, error),
            Poll::Pending => match this.idle {
                Some(limit) if this.wait.poll(limit, cx).is_ready() => {
                    ClientError::body_timed_out(authority, limit)
                }
                _ => return Poll::Pending,
            },
        };
        // Dropping hyper's body ends the exchange, also after a time-out.
        this.inner = None;
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
