use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::BoxError;

/// A body that may be shared between threads, which reqwest asks for and most bodies are not.
///
/// Two never meet at the lock: to be polled, it has to be owned.
struct Shareable<B>(Mutex<B>);

/// A body that tells whether a connection has begun to send it, if only to see that it is empty.
struct Watched<B> {
    body: B,
    begun: Begun,
}

/// Whether a request was on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

/// Any body as one of reqwest's, streamed.
pub(super) fn wrap<B>(body: B) -> ::reqwest::Body
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    ::reqwest::Body::wrap(Shareable(Mutex::new(body)))
}

/// As [`wrap`], and watched.
pub(super) fn watch<B>(body: B, begun: Begun) -> ::reqwest::Body
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    wrap(Watched { body, begun })
}

impl Begun {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.begun.set();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// hyper asks when it writes the head, and nobody before.
    fn is_end_stream(&self) -> bool {
        self.begun.set();
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Shareable<B> {
    fn look(&self) -> MutexGuard<'_, B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Body + Unpin> Body for Shareable<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.look().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.look().size_hint()
    }
}
