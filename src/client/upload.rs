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

/// A request body that records the progress of its upload.
pub(super) struct Upload<B> {
    body: B,
    /// `None` for an empty body.
    progress: Option<Arc<Progress>>,
}

/// When the connection last took a part of the body.
pub(super) struct Progress {
    /// The time at which the request was handed over.
    began: Instant,
    /// The time of the last part, in milliseconds since `began`.
    last: AtomicU64,
    /// Whether the connection waits for the caller's next part.
    is_waiting: AtomicBool,
}

impl<B: Body> Upload<B> {
    /// Watches a body, unless it is empty: the head then carries the whole
    /// request.
    pub(super) fn new(body: B) -> Self {
        let watched = !body.is_end_stream();
        Self {
            body,
            progress: watched.then(|| Arc::new(Progress::new())),
        }
    }

    /// Returns the progress, for the future that waits for the response.
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

    /// Returns when the wait for the server began: `now` while the caller's
    /// body is pending, otherwise the time of the last part.
    pub(super) fn last(&self, now: Instant) -> Instant {
        // The caller is late then, and not the server.
        if self.is_waiting.load(Ordering::Relaxed) {
            return now;
        }
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Notes a poll of the body.
    fn note(&self, is_waiting: bool) {
        // Relaxed suffices: these publish no other data, and a stale value only
        // delays a time-out.
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
