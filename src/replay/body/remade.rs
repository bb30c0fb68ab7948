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

/// A body for which the caller's function makes the content of each clone.
pub(super) struct Remade<B> {
    shared: Arc<Shared<B>>,
    ticket: u64,
    // Never locked: it is in a mutex so that this is `Sync` whatever the body
    // is.
    body: Mutex<Option<B>>,
    started: bool,
    sent: u64,
    done: bool,
}

/// The caller's function.
pub(super) type Make<B> = Arc<dyn Fn() -> B + Send + Sync>;

struct Shared<B> {
    make: Make<B>,
    hint: SizeHint,
    state: Mutex<State>,
}

struct State {
    turns: Turns,
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

    /// Checks that this clone is valid. Its first call invalidates the older
    /// clones.
    fn enter(&mut self) -> Result<(), ReplayBodyErrorKind> {
        let mut state = lock(&self.shared.state);
        // At most one clone is sent at a time, though each has a body of its
        // own: the older would only keep its connection.
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

    fn wait(&mut self, cx: &Context<'_>) -> Poll<Result<(), ReplayBodyError>> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.shared.state);
        if state.turns.is_revoked(self.ticket) {
            drop(state);
            return Poll::Ready(Err(self.fail(ReplayBodyErrorKind::Revoked)));
        }
        let before = state.turns.wait(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

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
            // An error of the caller's body is final for every clone: the next
            // body would fail too.
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

    /// This clone's own body, made when it is first polled.
    fn body(&mut self) -> Result<&mut B, ReplayBodyErrorKind> {
        let body = unpoisoned(self.body.get_mut());
        // A clone makes its body once: what is gone after that has failed, or
        // was handed over.
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

    fn hand_over(&mut self, frame: Kept, told: bool) -> Frame<Bytes> {
        self.sent += frame.len() as u64;
        self.done = told;
        if told || self.shared.hint.exact() == Some(self.sent) {
            self.finish();
        }
        frame.into_frame()
    }

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

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
