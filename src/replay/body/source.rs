//! Polling the caller's body, outside of the lock of its log.

use std::{
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use bytes::Buf;
use http_body::{Body, Frame};

use super::log::{Aside, End, Kept, Log};
use crate::{BoxError, lock::lock};

/// The caller's body while it is out of the log to be polled.
///
/// Other clones wait until [`put_back`](Self::put_back). If the body panics
/// before, dropping the guard makes it fail for all of them, so that none waits
/// for ever.
pub(super) struct SourceGuard<'a, B> {
    log: &'a Mutex<Log<B>>,
    source: Option<B>,
}

/// The result of one poll of the caller's body.
pub(super) enum Brought {
    /// Nothing yet, and the waker of the clone that polled.
    Pending(Waker),
    /// What the body yielded.
    Ready(Yielded),
}

/// A frame (`None` if it is empty or missing), and whether the body has ended.
pub(super) type Yielded = (Option<Kept>, End);

impl<'a, B> SourceGuard<'a, B> {
    pub(super) const fn new(log: &'a Mutex<Log<B>>, source: B) -> Self {
        Self {
            log,
            source: Some(source),
        }
    }

    /// Returns the body to the log, with the result of the poll. Wakes a newer
    /// clone that waits for the body.
    ///
    /// Pending if the body yielded nothing and the clone with this ticket is
    /// still valid. The log then has its waker.
    pub(super) fn put_back(mut self, ticket: u64, brought: Brought) -> Poll<()> {
        let mut aside = Aside::new();
        let source = self.source.take();
        let mut log = lock(self.log);
        // The body and the result of its poll return under one lock. A clone
        // that takes over sees either none of it or all of it.
        let waker = match brought {
            Brought::Pending(waker) => Some(waker),
            Brought::Ready((frame, end)) => {
                if let Some(frame) = frame {
                    log.push(frame);
                }
                log.end = end;
                None
            }
        };
        // After its end the body is dropped, outside of the lock.
        if matches!(log.end, End::Open) {
            log.source = source;
        } else {
            aside.source = source;
        }
        log.desert(&mut aside);
        // A newer clone took over during the poll. It may wait for the body,
        // which is back now. This clone must not wait: it would replace the
        // other one's waker.
        if log.turns.is_revoked(ticket) {
            aside.wake = log.turns.take_waiting();
            aside.waker = waker;
            return Poll::Ready(());
        }
        let Some(waker) = waker else {
            return Poll::Ready(());
        };
        aside.waker = log.turns.wait(waker);
        Poll::Pending
    }
}

impl<B> SourceGuard<'_, B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Polls the body once, without the lock.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Brought {
        // The guard has the body until `put_back` consumes both.
        let Some(source) = &mut self.source else {
            return Brought::Ready((None, End::Failed(None)));
        };
        match Pin::new(source).poll_frame(cx) {
            Poll::Ready(polled) => {
                let told = self.source.as_ref().is_some_and(Body::is_end_stream);
                Brought::Ready(take_in(polled, told))
            }
            Poll::Pending => Brought::Pending(cx.waker().clone()),
        }
    }
}

impl<B> Drop for SourceGuard<'_, B> {
    fn drop(&mut self) {
        // Without a panic, `put_back` has taken the body out.
        let Some(source) = self.source.take() else {
            return;
        };
        let mut aside = Aside::new();
        aside.source = Some(source);
        let panicked = BoxError::from("the request body panicked when it was polled");
        let mut log = lock(self.log);
        log.end = End::Failed(Some(panicked));
        aside.wake = log.turns.take_waiting();
    }
}

/// Converts the result of a poll. `told` states that the body announced its end
/// along with it.
pub(super) fn take_in<D, E>(polled: Option<Result<Frame<D>, E>>, told: bool) -> Yielded
where
    D: Buf,
    E: Into<BoxError>,
{
    // A body ends with `None` or an error. If it announces its end along with
    // its last frame, it is not polled again.
    match polled {
        None => (None, End::Clean { told: false }),
        Some(Err(error)) => (None, End::Failed(Some(error.into()))),
        Some(Ok(frame)) if told => (Kept::of(frame), End::Clean { told }),
        Some(Ok(frame)) => (Kept::of(frame), End::Open),
    }
}
