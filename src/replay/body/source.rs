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
/// If it panics, the others must not wait for it for ever: it has then failed
/// for all.
pub(super) struct SourceGuard<'a, B> {
    log: &'a Mutex<Log<B>>,
    source: Option<B>,
}

/// The result of one poll of the caller's body.
pub(super) enum Brought {
    Pending(Waker),
    Frame(Option<Kept>, End),
    End(End),
}

impl<'a, B> SourceGuard<'a, B> {
    pub(super) const fn new(log: &'a Mutex<Log<B>>, source: B) -> Self {
        Self {
            log,
            source: Some(source),
        }
    }

    /// Returns the body to the log, and wakes the clone that asked for it in
    /// the meantime.
    ///
    /// Pending if the body yielded nothing and this clone may still wait for
    /// it.
    pub(super) fn put_back(mut self, ticket: u64, brought: Brought) -> Poll<()> {
        let mut aside = Aside::new();
        let source = self.source.take();
        let mut log = lock(self.log);
        // All that the poll has brought goes into the log in one step, so a
        // clone that takes over in between finds either the body or what came
        // of it.
        let waker = match brought {
            Brought::Pending(waker) => Some(waker),
            Brought::Frame(frame, end) => {
                if let Some(frame) = frame {
                    log.push(frame);
                }
                log.end = end;
                None
            }
            Brought::End(end) => {
                log.end = end;
                None
            }
        };
        if matches!(log.end, End::Open) {
            log.source = source;
        } else {
            aside.source = source;
        }
        log.desert(&mut aside);
        // A newer clone has taken over while this one polled: it waits for the
        // body, which is back now.
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
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Brought {
        let Some(source) = &mut self.source else {
            return Brought::End(End::Failed(None));
        };
        match Pin::new(source).poll_frame(cx) {
            Poll::Ready(polled) => {
                let told = self.source.as_ref().is_some_and(Body::is_end_stream);
                take_in(polled, told)
            }
            Poll::Pending => Brought::Pending(cx.waker().clone()),
        }
    }
}

impl<B> Drop for SourceGuard<'_, B> {
    fn drop(&mut self) {
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

/// `told` is whether the body said, along with this, that it was all.
pub(super) fn take_in<D, E>(polled: Option<Result<Frame<D>, E>>, told: bool) -> Brought
where
    D: Buf,
    E: Into<BoxError>,
{
    // Only an error or an end without one ends a body; a last frame that says
    // so saves another poll.
    match polled {
        None => Brought::End(End::Clean { told: false }),
        Some(Err(error)) => Brought::End(End::Failed(Some(error.into()))),
        Some(Ok(frame)) if told => Brought::Frame(Kept::of(frame), End::Clean { told }),
        Some(Ok(frame)) => Brought::Frame(Kept::of(frame), End::Open),
    }
}
