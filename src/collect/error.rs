use std::{error::Error, fmt};

use http::response::Parts;

use crate::{BoxError, error::find};

/// A response body that broke off while [`Collect`](super::Collect) read it.
///
/// The built-in classifiers of [`retry`](crate::retry) treat it as transient.
/// If the request is not retried, the caller gets this error, with the
/// [`head`](Self::head) of the response.
///
/// ```
/// use std::io;
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body::Frame;
/// use http_body_util::StreamBody;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_genesys::{BoxError, CollectLayer, collect::BodyBroken};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let client = service_fn(async |_: Request<()>| {
///     let half = Ok(Frame::data(Bytes::from_static(b"[1, ")));
///     let rest = Err(io::Error::from(io::ErrorKind::ConnectionReset));
///     let frames = futures_util::stream::iter([half, rest]);
///     Ok::<_, BoxError>(Response::new(StreamBody::new(frames)))
/// });
/// let client = CollectLayer::new().layer(client);
/// let error = client.oneshot(Request::new(())).await.unwrap_err();
/// let broken = BodyBroken::find(&*error).expect("the body broke off");
/// assert_eq!((broken.head().status.as_u16(), broken.received()), (200, 4));
/// # Ok(())
/// # }
/// ```
pub struct BodyBroken {
    head: Box<Parts>,
    received: u64,
    source: BoxError,
}

impl BodyBroken {
    /// Creates the error of a response with this head, of whose body `received`
    /// bytes arrived.
    pub(super) fn new(head: Parts, received: u64, source: BoxError) -> Self {
        Self {
            head: Box::new(head),
            received,
            source,
        }
    }

    /// Returns the head of the response: status and headers.
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// Returns the number of body bytes that had arrived.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Finds the first `BodyBroken` in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for BodyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the body of a response ({}) broke off after {} bytes; the API executed the request, so \
             repeat it only if that is safe",
            self.head.status, self.received
        )
    }
}

/// Omits the headers, which may contain cookies.
impl fmt::Debug for BodyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyBroken")
            .field("status", &self.head.status)
            .field("received", &self.received)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Error for BodyBroken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
