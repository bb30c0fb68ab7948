use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// The body of a request, which tells how far its connection is with it.
pub(super) struct Upload<B> {
    body: B,
    progress: Option<Arc<Progress>>,
}

/// When a connection last took something of a body.
pub(super) struct Progress {
    began: Instant,
    /// In milliseconds from then.
    last: AtomicU64,
    /// Whether the next part is the caller's to give.
    is_waiting: AtomicBool,
}

impl<B: Body> Upload<B> {
    /// An empty body is not watched: it is sent with the head.
    pub(super) fn new(body: B) -> Self {
        let watched = !body.is_end_stream();
        Self {
            body,
            progress: watched.then(|| Arc::new(Progress::new())),
        }
    }

    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        self.progress.clone()
    }
}

impl Progress {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
            is_waiting: AtomicBool::new(false),
        }
    }

    /// From when an answer can be waited for: `now`, as long as the caller has yet to give the next
    /// part of the body.
    pub(super) fn last(&self, now: Instant) -> Instant {
        if self.is_waiting.load(Ordering::Relaxed) {
            return now;
        }
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    fn note(&self, is_waiting: bool) {
        // Relaxed: nothing is published by them, and a late value makes a time-out late.
        self.is_waiting.store(is_waiting, Ordering::Relaxed);
        if !is_waiting {
            let elapsed = self.began.elapsed().as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
            self.last.store(elapsed, Ordering::Relaxed);
        }
    }
}

impl<B: Body + Unpin> Body for Upload<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Some(progress) = &self.progress {
            progress.note(polled.is_pending());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
