use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    log::{Aside, End, Log, remaining},
    source::{Brought, SourceGuard, take_in},
    turns::FIRST,
};
use crate::{
    BoxError,
    lock::{lock, unpoisoned},
    replay::{ReplayBodyError, ReplayBodyErrorKind},
};

/// One clone of a stream: a place in the log that all clones share.
pub(super) struct Stream<B> {
    log: Arc<Mutex<Log<B>>>,
    ticket: u64,
    hint: SizeHint,
    /// What the body or the head of the request announces.
    length: Option<u64>,
    position: usize,
    sent: u64,
    done: bool,
    /// The caller's body, once nothing of it is kept any more: from then on no
    /// other clone can go on, and each frame is passed on without the lock. In
    /// a box, as few streams come to that; in a mutex, which is never locked,
    /// since that is `Sync` whatever the body is.
    sole: Mutex<Option<Box<B>>>,
}

type Item = Option<Result<Frame<Bytes>, ReplayBodyError>>;

/// What a clone does next, as things stand under the lock.
enum Next<B> {
    Give(Item),
    Pull(B),
    PassOn(B),
    Wait,
}

const fn fail<B>(kind: ReplayBodyErrorKind) -> Next<B> {
    Next::Give(Some(Err(ReplayBodyError::new(kind))))
}

/// The error of the caller's body, which is there for one clone only.
fn broken(error: Option<BoxError>) -> ReplayBodyError {
    error.map_or_else(
        || ReplayBodyError::new(ReplayBodyErrorKind::Gone),
        ReplayBodyError::body,
    )
}

impl<B> Stream<B> {
    /// `length` is what the body or the head of the request announces. If it is
    /// over the cap, nothing of the body is kept.
    pub(super) fn new(source: B, hint: SizeHint, length: Option<u64>, cap: usize) -> Self {
        let over = length.unwrap_or(hint.lower()) > cap as u64;
        Self {
            log: Log::new(source, cap, over),
            ticket: FIRST,
            hint,
            length,
            position: 0,
            sent: 0,
            done: false,
            sole: Mutex::new(None),
        }
    }

    pub(super) fn try_clone(&self) -> Option<Self> {
        let mut log = lock(&self.log);
        if !log.can_clone() {
            return None;
        }
        Some(Self {
            log: Arc::clone(&self.log),
            ticket: log.turns.issue(),
            hint: remaining(&self.hint, 0),
            length: self.length,
            position: 0,
            sent: 0,
            done: false,
            sole: Mutex::new(None),
        })
    }

    fn sole(&mut self) -> &mut Option<Box<B>> {
        unpoisoned(self.sole.get_mut())
    }

    pub(super) const fn is_end_stream(&self) -> bool {
        self.done
    }

    /// What the caller's body said before anything was sent, less what this
    /// clone has sent: a later attempt, which could know better, has to be
    /// framed like the first.
    pub(super) fn size_hint(&self) -> SizeHint {
        remaining(&self.hint, self.sent)
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.can_start(&lock(&self.log))
    }

    fn can_start(&self, log: &Log<B>) -> bool {
        let failed = matches!(log.end, End::Failed(_));
        let untouched = self.position == 0 && !self.done;
        untouched && !failed && !log.has_lost(0) && !log.turns.is_revoked(self.ticket)
    }

    pub(super) fn is_sent(&self) -> bool {
        lock(&self.log).turns.is_sent()
    }

    pub(super) fn revoke_others(&self) -> bool {
        let mut aside = Aside::<B>::new();
        let mut log = lock(&self.log);
        if !self.can_start(&log) {
            return false;
        }
        aside.wake = log.turns.revoke_older(self.ticket);
        true
    }

    /// The next thing to do, decided under the lock.
    fn next(&mut self) -> Next<B> {
        let mut aside = Aside::new();
        let mut log = lock(&self.log);
        // Revoked before anything else: a newer clone is being sent, and
        // nothing of this one may follow.
        if log.turns.is_revoked(self.ticket) {
            return fail(ReplayBodyErrorKind::Revoked);
        }
        // Before it takes over: an older clone that is still being sent is
        // worth more.
        if log.has_lost(self.position) {
            return fail(ReplayBodyErrorKind::Gone);
        }
        aside.wake = log.turns.start(self.ticket);

        if let Some(frame) = log.read(self.position, &mut aside) {
            self.position += 1;
            self.sent += frame.len() as u64;
            self.done = matches!(log.end, End::Clean { told: true }) && log.is_last(self.position);
            // HTTP/1 does not ask again once it has as many bytes as were
            // announced.
            if self.done || self.length == Some(self.sent) {
                log.turns.finish(self.ticket);
            }
            return Next::Give(Some(Ok(frame.into_frame())));
        }
        // Past the kept frames, one clone at a time polls the caller's body.
        // Once the log keeps nothing, no other clone can continue, so the body
        // leaves the log with this one.
        match &mut log.end {
            End::Open => match log.source.take() {
                Some(source) if log.is_past_keeping() => {
                    // What anybody else finds who asks, and this clone if the
                    // body panics.
                    log.end = End::Failed(None);
                    Next::PassOn(source)
                }
                Some(source) => Next::Pull(source),
                None => Next::Wait,
            },
            End::Clean { .. } => {
                self.done = true;
                log.turns.finish(self.ticket);
                Next::Give(None)
            }
            End::Failed(error) => Next::Give(Some(Err(broken(error.take())))),
        }
    }

    /// Waits until the clone that polls the caller's body has put it back,
    /// unless it just has.
    fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        let mut aside = Aside::<B>::new();
        let waker = cx.waker().clone();
        let mut log = lock(&self.log);
        // The state is checked again under the lock: a wake-up that came
        // between the two locks would be lost, and this clone would sleep for
        // ever.
        if log.source.is_some() || !matches!(log.end, End::Open) {
            aside.waker = Some(waker);
            return Poll::Ready(());
        }
        if log.turns.is_revoked(self.ticket) {
            aside.waker = Some(waker);
            return Poll::Ready(());
        }
        aside.waker = log.turns.wait(waker);
        Poll::Pending
    }
}

impl<B> Stream<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    /// Takes in what the caller's body gave before it came here, and whether it
    /// then said that this was all.
    pub(super) fn feed(&self, polled: Option<Result<Frame<B::Data>, B::Error>>, told: bool) {
        let Some(source) = lock(&self.log).source.take() else {
            return;
        };
        let source = SourceGuard::new(&self.log, source);
        let brought = take_in(polled, told);
        let _nobody_polls_yet = source.put_back(self.ticket, brought);
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        if self.done {
            return Poll::Ready(None);
        }
        loop {
            if let Some(source) = self.sole().take() {
                return self.pass_on(source, cx);
            }
            match self.next() {
                Next::Give(item) => return Poll::Ready(item),
                Next::PassOn(source) => *self.sole() = Some(Box::new(source)),
                Next::Pull(source) => ready!(self.pull(source, cx)),
                Next::Wait => ready!(self.wait(cx)),
            }
        }
    }

    fn pass_on(&mut self, mut source: Box<B>, cx: &mut Context<'_>) -> Poll<Item> {
        loop {
            let Poll::Ready(polled) = Pin::new(&mut *source).poll_frame(cx) else {
                *self.sole() = Some(source);
                return Poll::Pending;
            };
            // This needs no lock: no other clone can start any more, so only
            // the end is shared.
            let (frame, end) = match take_in(polled, source.is_end_stream()) {
                Brought::Frame(frame, end) => (frame, end),
                Brought::End(end) => (None, end),
                Brought::Pending(_) => continue,
            };
            self.sent += frame.as_ref().map_or(0, |frame| frame.len() as u64);
            self.done = matches!(end, End::Clean { told } if told || frame.is_none());
            if self.done || self.length == Some(self.sent) {
                lock(&self.log).turns.finish(self.ticket);
            }
            // An empty frame is passed over, an error ends the body for good,
            // and after the last frame the body is dropped rather than kept to
            // be asked again.
            match (frame, end) {
                (None, End::Open) => {}
                (None, End::Clean { .. }) => return Poll::Ready(None),
                (_, End::Failed(error)) => return Poll::Ready(Some(Err(broken(error)))),
                (Some(frame), _) => {
                    *self.sole() = (!self.done).then_some(source);
                    return Poll::Ready(Some(Ok(frame.into_frame())));
                }
            }
        }
    }

    fn pull(&self, source: B, cx: &mut Context<'_>) -> Poll<()> {
        let mut source = SourceGuard::new(&self.log, source);
        let brought = source.poll(cx);
        source.put_back(self.ticket, brought)
    }
}

impl<B> Drop for Stream<B> {
    fn drop(&mut self) {
        let mut aside = Aside::new();
        let mut log = lock(&self.log);
        aside.waker = log.turns.leave(self.ticket);
        log.desert(&mut aside);
    }
}
