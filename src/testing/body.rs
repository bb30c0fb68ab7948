//! The bodies of responses, with their faults.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::MockError;

/// The size of one frame of an endless body.
const CHUNK: usize = 16 * 1024;

/// The response body of a [`MockService`](super::MockService).
///
/// It is whole, unless a [`Script`](super::Script) truncates it or lets it
/// never end.
///
/// ```
/// use http_body_util::BodyExt;
/// use tower_genesys::testing::MockBody;
///
/// # tokio_test::block_on(async {
/// let empty = MockBody::default(); // for a service of your own
/// assert!(empty.collect().await?.to_bytes().is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct MockBody {
    /// The bytes that were not read yet.
    rest: Bytes,
    /// The length that the sender announced, even if less arrives.
    promised: u64,
    fault: Fault,
    /// Whether a truncated body has been pending once.
    paused: bool,
}

/// The fault of a body in transit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// It breaks off after half of its bytes.
    Truncated,
    /// It never ends.
    Endless,
}

impl MockBody {
    pub(super) fn new(body: Bytes, fault: Fault) -> Self {
        let promised = body.len() as u64;
        let rest = match fault {
            Fault::Truncated => body.slice(..body.len() / 2),
            Fault::None | Fault::Endless => body,
        };
        Self {
            rest,
            promised,
            fault,
            paused: false,
        }
    }
}

/// An empty body.
impl Default for MockBody {
    fn default() -> Self {
        Self::new(Bytes::new(), Fault::None)
    }
}

impl Body for MockBody {
    type Data = Bytes;
    type Error = MockError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, MockError>>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match self.fault {
            Fault::None => Poll::Ready(None),
            Fault::Endless => {
                let chunk = Bytes::from_static(&[b' '; CHUNK]);
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            // hyper flushes the first half while the body is pending, but not
            // on an error.
            Fault::Truncated if !self.paused => {
                self.paused = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            // Once: after its error, a body has ended.
            Fault::Truncated => {
                self.fault = Fault::None;
                Poll::Ready(Some(Err(MockError::truncated())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fault == Fault::None && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.fault {
            Fault::None => SizeHint::with_exact(self.rest.len() as u64),
            // The length that was announced, as in the header.
            Fault::Truncated => SizeHint::with_exact(self.promised),
            Fault::Endless => SizeHint::default(),
        }
    }
}

/// Omits the bytes, which may contain a token.
impl fmt::Debug for MockBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockBody")
            .field("len", &self.rest.len())
            .field("fault", &self.fault)
            .finish()
    }
}
