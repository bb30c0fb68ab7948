//! Bodies that a function makes for each attempt, so that nothing is kept.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    log::{Kept, remaining},
    turns::{FIRST, Turns},
};
use crate::{
    BoxError,
    lock::{lock, unpoisoned},
    replay::{ReplayBodyError, ReplayBodyErrorKind},
};

/// One clone of a body that the caller's function makes.
pub(super) struct Remade<B> {
    shared: Arc<Shared<B>>,
    /// The place of this clone among all clones.
    ticket: u64,
    /// The body of this clone, from its first poll to its end. It is in a
    /// mutex, which is never locked, so that `Remade` is `Sync` even if the
    /// body is not.
    body: Mutex<Option<B>>,
    /// Whether this clone was polled: its body is made once.
    started: bool,
    /// The number of data bytes that this clone has handed over.
    sent: u64,
    /// Whether this clone has handed over all its frames.
    done: bool,
}

/// The caller's function. It runs without the lock of [`State`].
pub(super) type Make<B> = Arc<dyn Fn() -> B + Send + Sync>;

/// The part that all clones share.
struct Shared<B> {
    make: Make<B>,
    /// The length that the first body announced. Every later one must have
    /// the same exact length, so that each attempt is framed alike.
    hint: SizeHint,
    state: Mutex<State>,
}

/// The part of [`Shared`] that changes.
struct State {
    turns: Turns,
    /// Whether a body has failed, or announced another length than the first:
    /// no clone can be sent any more.
    failed: bool,
}

impl<B: Body> Remade<B> {
    pub(super) fn new(first: B, make: Make<B>) -> Self {
        let shared = Shared {
            make,
            hint: first.size_hint(),
            state: Mutex::new(State {
                turns: Turns::new(),
                failed: false,
            }),
        };
        Self::with(Arc::new(shared), FIRST, Some(first))
    }
}

impl<B> Remade<B> {
    const fn with(shared: Arc<Shared<B>>, ticket: u64, body: Option<B>) -> Self {
        Self {
            shared,
            ticket,
            body: Mutex::new(body),
            started: false,
            sent: 0,
            done: false,
        }
    }

    pub(super) fn try_clone(&self) -> Option<Self> {
        let mut state = lock(&self.shared.state);
        if state.failed {
            return None;
        }
        let ticket = state.turns.issue();
        drop(state);
        Some(Self::with(Arc::clone(&self.shared), ticket, None))
    }

    pub(super) const fn is_end_stream(&self) -> bool {
        self.done
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        remaining(&self.shared.hint, self.sent)
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.can_start(&lock(&self.shared.state))
    }

    /// Whether this clone can be sent from the beginning.
    const fn can_start(&self, state: &State) -> bool {
        self.sent == 0 && !self.done && !state.failed && !state.turns.is_revoked(self.ticket)
    }

    pub(super) fn is_sent(&self) -> bool {
        lock(&self.shared.state).turns.is_sent()
    }

    pub(super) fn revoke_others(&self) -> bool {
        let mut state = lock(&self.shared.state);
        if !self.can_start(&state) {
            return false;
        }
        let older = state.turns.revoke_older(self.ticket);
        drop(state);
        wake(older);
        true
    }

    /// Checks that this clone is valid, and invalidates all older ones.
    fn enter(&mut self) -> Result<(), ReplayBodyErrorKind> {
        let mut state = lock(&self.shared.state);
        // Although each clone has its own body, at most one is sent at a time:
        // an older one would only keep its connection busy.
        if state.turns.is_revoked(self.ticket) {
            return Err(ReplayBodyErrorKind::Revoked);
        }
        if state.failed {
            return Err(ReplayBodyErrorKind::Gone);
        }
        let older = state.turns.start(self.ticket);
        drop(state);
        wake(older);
        Ok(())
    }

    /// Ends this clone in an error.
    ///
    /// A body of another length makes every clone fail, because the function
    /// does not return the same bytes each time.
    fn fail(&mut self, kind: ReplayBodyErrorKind) -> ReplayBodyError {
        if kind == ReplayBodyErrorKind::Changed {
            lock(&self.shared.state).failed = true;
        }
        self.drop_body();
        ReplayBodyError::new(kind)
    }

    fn drop_body(&mut self) {
        *unpoisoned(self.body.get_mut()) = None;
    }

    /// Waits for the body of this clone, or until a newer clone invalidates it.
    fn wait(&mut self, cx: &Context<'_>) -> Poll<Result<(), ReplayBodyError>> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.shared.state);
        // A newer clone may have been polled on another thread since `enter`.
        // It found no waker then, so it would never wake this one.
        if state.turns.is_revoked(self.ticket) {
            drop(state);
            return Poll::Ready(Err(self.fail(ReplayBodyErrorKind::Revoked)));
        }
        let before = state.turns.wait(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Records that the transport has all frames of this clone.
    fn finish(&mut self) {
        lock(&self.shared.state).turns.finish(self.ticket);
    }
}

impl<B> Remade<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayBodyError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        loop {
            if let Err(kind) = self.enter() {
                return Poll::Ready(Some(Err(self.fail(kind))));
            }
            let body = match self.body() {
                Ok(body) => body,
                Err(kind) => return Poll::Ready(Some(Err(self.fail(kind)))),
            };
            let Poll::Ready(polled) = Pin::new(&mut *body).poll_frame(cx) else {
                return self.wait(cx).map(|ended| ended.err().map(Err));
            };
            let told = body.is_end_stream();
            // An error is final for every clone, because the rest of the body
            // is unknown.
            match polled {
                Some(Ok(frame)) => {
                    if let Some(frame) = Kept::of(frame) {
                        return Poll::Ready(Some(Ok(self.hand_over(frame, told))));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(self.broken(error.into())))),
                None => {
                    self.done = true;
                    self.finish();
                    self.drop_body();
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Returns the body of this clone, which is made at the first call.
    fn body(&mut self) -> Result<&mut B, ReplayBodyErrorKind> {
        let body = unpoisoned(self.body.get_mut());
        // After an error, a clone does not start over.
        if body.is_none() {
            if self.started {
                return Err(ReplayBodyErrorKind::Gone);
            }
            let made = (self.shared.make)();
            if made.size_hint().exact() != self.shared.hint.exact() {
                return Err(ReplayBodyErrorKind::Changed);
            }
            *body = Some(made);
        }
        self.started = true;
        body.as_mut().ok_or(ReplayBodyErrorKind::Gone)
    }

    /// Counts a frame, and returns it. `told` states that it is the last one.
    fn hand_over(&mut self, frame: Kept, told: bool) -> Frame<Bytes> {
        self.sent += frame.len() as u64;
        self.done = told;
        // HTTP/1 asks for no more frames once it has the announced length.
        if told || self.shared.hint.exact() == Some(self.sent) {
            self.finish();
        }
        frame.into_frame()
    }

    /// Ends every clone, with the error of the caller's body for this one.
    fn broken(&mut self, error: BoxError) -> ReplayBodyError {
        lock(&self.shared.state).failed = true;
        self.drop_body();
        ReplayBodyError::body(error)
    }
}

impl<B> Drop for Remade<B> {
    fn drop(&mut self) {
        let waker = lock(&self.shared.state).turns.leave(self.ticket);
        drop(waker);
    }
}

/// Wakes the task of an invalidated clone. Call it without a lock: waking runs
/// foreign code.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
