//! What a clone of a stream does at each poll.
//!
//! A clone first reads the kept frames from the log. After those, one clone at
//! a time takes the caller's body out of the log, polls it, and puts it back
//! (`source`). When the log keeps nothing more, no other clone can continue,
//! and the one that is left takes the body for good.

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

/// One clone of a stream: a position in the log that all clones share.
pub(super) struct Stream<B> {
    log: Arc<Mutex<Log<B>>>,
    /// The place of this clone among all clones.
    ticket: u64,
    /// The length that the caller's body announced before the first send.
    hint: SizeHint,
    /// The exact length that the body or the head of the request announces.
    length: Option<u64>,
    /// The index of the next frame to read.
    position: usize,
    /// The number of data bytes that this clone has handed over.
    sent: u64,
    /// Whether this clone has handed over all its frames.
    done: bool,
    /// The caller's body, if this clone has taken it for good.
    ///
    /// It is in a box because few streams come to that, and in a mutex, which
    /// is never locked, so that `Stream` is `Sync` even if the body is not.
    sole: Mutex<Option<Box<B>>>,
}

/// The result of a poll of a body.
type Item = Option<Result<Frame<Bytes>, ReplayBodyError>>;

/// What a clone does next, decided under the lock and done after its release.
enum Next<B> {
    /// Returns this.
    Give(Item),
    /// Polls the caller's body, and puts it back.
    Pull(B),
    /// Takes the caller's body for good.
    PassOn(B),
    /// Waits for the clone that polls the caller's body.
    Wait,
}

const fn fail<B>(kind: ReplayBodyErrorKind) -> Next<B> {
    Next::Give(Some(Err(ReplayBodyError::new(kind))))
}

/// Returns the error of the caller's body. Only the first clone that asks gets
/// it, because it cannot be cloned; any other finds the bytes gone.
fn broken(error: Option<BoxError>) -> ReplayBodyError {
    error.map_or_else(
        || ReplayBodyError::new(ReplayBodyErrorKind::Gone),
        ReplayBodyError::body,
    )
}

impl<B> Stream<B> {
    /// Creates the original of a stream. `length` is the one that the body or
    /// the head of the request announces. If it exceeds the cap, nothing is
    /// kept.
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

    /// Returns the length that the caller's body announced before the first
    /// send, less the bytes that this clone has sent.
    ///
    /// A body knows its length better after some frames, but each attempt must
    /// be framed like the first.
    pub(super) fn size_hint(&self) -> SizeHint {
        remaining(&self.hint, self.sent)
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.can_start(&lock(&self.log))
    }

    /// Whether this clone can be sent from the beginning.
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

    /// Decides what to do next.
    fn next(&mut self) -> Next<B> {
        let mut aside = Aside::new();
        let mut log = lock(&self.log);
        // A newer clone is being sent, so nothing more of this one may be.
        if log.turns.is_revoked(self.ticket) {
            return fail(ReplayBodyErrorKind::Revoked);
        }
        // Checked before `start`: a clone that cannot be sent must not
        // invalidate an older one that is still being sent.
        if log.has_lost(self.position) {
            return fail(ReplayBodyErrorKind::Gone);
        }
        aside.wake = log.turns.start(self.ticket);

        if let Some(frame) = log.read(self.position, &mut aside) {
            self.position += 1;
            self.sent += frame.len() as u64;
            self.done = matches!(log.end, End::Clean { told: true }) && log.is_next(self.position);
            // HTTP/1 asks for no more frames once it has the announced length.
            if self.done || self.length == Some(self.sent) {
                log.turns.finish(self.ticket);
            }
            return Next::Give(Some(Ok(frame.into_frame())));
        }
        match &mut log.end {
            End::Open => match log.source.take() {
                Some(source) if log.is_past_keeping() => {
                    // The log is empty, since `read` found no frame. Every
                    // other clone finds this state. If the body panics, this
                    // one finds it too.
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

    /// Waits until the clone that polls the caller's body has put it back.
    /// Ready if there is something new to decide.
    fn wait(&self, cx: &Context<'_>) -> Poll<()> {
        let mut aside = Aside::<B>::new();
        let waker = cx.waker().clone();
        let mut log = lock(&self.log);
        // The state may have changed since `next` released the lock, when this
        // clone had no waker in the log: it would then sleep for ever.
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
    /// Puts a frame into the log that was taken out of the body before the
    /// stream was made. `told` states that the body announced its end with it.
    pub(super) fn feed(&self, polled: Option<Result<Frame<B::Data>, B::Error>>, told: bool) {
        let Some(source) = lock(&self.log).source.take() else {
            return;
        };
        let source = SourceGuard::new(&self.log, source);
        let brought = Brought::Ready(take_in(polled, told));
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

    /// Polls the body that this clone alone has, and hands its frame over
    /// without keeping it.
    fn pass_on(&mut self, mut source: Box<B>, cx: &mut Context<'_>) -> Poll<Item> {
        loop {
            let Poll::Ready(polled) = Pin::new(&mut *source).poll_frame(cx) else {
                *self.sole() = Some(source);
                return Poll::Pending;
            };
            // Only the end is shared with other clones, for `is_sent`.
            let (frame, end) = take_in(polled, source.is_end_stream());
            self.sent += frame.as_ref().map_or(0, |frame| frame.len() as u64);
            self.done = matches!(end, End::Clean { told } if told || frame.is_none());
            if self.done || self.length == Some(self.sent) {
                lock(&self.log).turns.finish(self.ticket);
            }
            // An empty frame has no meaning on any wire. After the end or an
            // error, the body is dropped.
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

    /// Polls the caller's body once, and puts the result into the log. Pending
    /// if the body yields nothing yet.
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
