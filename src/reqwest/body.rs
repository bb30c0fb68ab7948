use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{
    BoxError,
    lock::{lock, unpoisoned},
};

/// Makes a body `Sync`: reqwest requires that, and a boxed body often is not.
///
/// Polling needs no lock, so only [`look`](Self::look) takes it, for a moment.
struct Shareable<B>(Mutex<B>);

/// Records whether a connection began to send the body, even an empty one.
struct Watched<B> {
    body: B,
    begun: Begun,
}

/// Whether a request reached a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

/// Turns any body into a streaming body of reqwest.
pub(super) fn wrap<B>(body: B) -> ::reqwest::Body
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    ::reqwest::Body::wrap(Shareable(Mutex::new(body)))
}

/// Like [`wrap`], and records whether a connection began to send the body.
pub(super) fn watch<B>(body: B, begun: Begun) -> ::reqwest::Body
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    wrap(Watched { body, begun })
}

impl Begun {
    /// Returns whether a connection began to send the request.
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
        // Set before the poll: even a body that fails was begun.
        self.begun.set();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// Counts as sending, because only hyper calls it, when it writes the head.
    fn is_end_stream(&self) -> bool {
        self.begun.set();
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Shareable<B> {
    /// Locks the body for the methods that take `&self`.
    fn look(&self) -> MutexGuard<'_, B> {
        lock(&self.0)
    }
}

impl<B: Body + Unpin> Body for Shareable<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        // `&mut self` proves that no other thread has the body, so no lock is
        // taken.
        let body = unpoisoned(self.0.get_mut());
        Pin::new(body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.look().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.look().size_hint()
    }
}
