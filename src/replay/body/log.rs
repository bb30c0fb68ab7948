use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Waker,
};

use super::{frame::Kept, turns::Turns};
use crate::BoxError;

/// What the clones of one stream share: the frames that one of them may still have to send, and
/// the caller's body, from which the rest comes.
///
/// While somebody polls it, the body is taken out: it belongs to the caller, and anything that it
/// does under the lock could come back here.
pub(super) struct Log<B> {
    pub(super) source: Option<B>,
    pub(super) end: End,
    pub(super) turns: Turns,
    frames: VecDeque<Kept>,
    /// The number, counted from the beginning of the body, of the first of `frames`.
    first: usize,
    /// How long all frames are that were ever here. What is forgotten still counts: once anything
    /// is, there is nobody left to keep the rest for.
    bytes: usize,
    cap: usize,
    /// No further clone may be made: too much would have to be kept for it.
    over: bool,
}

/// How the caller's body ended.
pub(super) enum End {
    Open,
    /// `told` is whether it had said so along with its last frame.
    Clean {
        told: bool,
    },
    /// The error is there until a clone has given it out.
    Failed(Option<BoxError>),
}

/// What was put aside under the lock, to be dropped or woken after it.
///
/// It has to be declared before the guard: locals are dropped in reverse order.
pub(super) struct Aside<B> {
    pub(super) wake: Option<Waker>,
    pub(super) waker: Option<Waker>,
    pub(super) source: Option<B>,
    pub(super) frames: Vec<Kept>,
}

impl<B> Log<B> {
    pub(super) fn new(source: B, cap: usize, over: bool) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            source: Some(source),
            end: End::Open,
            turns: Turns::new(),
            frames: VecDeque::new(),
            first: 0,
            bytes: 0,
            cap,
            over,
        }))
    }

    pub(super) fn push(&mut self, frame: Kept) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back(frame);
        let count = self.first + self.frames.len();
        self.over |= self.bytes > self.cap || count > most_frames(self.cap);
    }

    /// Frame number `n`; `None` when it is yet to come from the caller's body.
    ///
    /// It stays in the log only if there is somebody else who may have to send it.
    pub(super) fn read(&mut self, n: usize, aside: &mut Aside<B>) -> Option<Kept> {
        let at = n.checked_sub(self.first)?;
        // The log keeps a frame while another clone may need it; the last clone takes it out
        // uncopied.
        if !self.over && !self.turns.is_sole() {
            return self.frames.get(at).map(Kept::clone);
        }
        self.forget(at, aside);
        let frame = self.frames.pop_front()?;
        self.first += 1;
        Some(frame)
    }

    fn forget(&mut self, count: usize, aside: &mut Aside<B>) {
        let count = count.min(self.frames.len());
        aside.frames.extend(self.frames.drain(..count));
        self.first += count;
    }

    /// Whether frame `n` is the next one to come from the caller's body.
    pub(super) fn is_last(&self, n: usize) -> bool {
        n == self.first + self.frames.len()
    }

    /// Whether frame `n`, or one after it, was there and is no more.
    pub(super) fn has_lost(&self, n: usize) -> bool {
        n < self.first || matches!(self.end, End::Failed(None))
    }

    /// Whether nothing is kept from here on, and nothing of what came before is there for anybody.
    pub(super) fn is_past_keeping(&self) -> bool {
        self.over && self.frames.is_empty() && self.first > 0
    }

    pub(super) fn can_clone(&self) -> bool {
        !self.over && self.first == 0 && !matches!(self.end, End::Failed(_))
    }

    /// Lets go of everything once nobody is left who could send it.
    pub(super) fn desert(&mut self, aside: &mut Aside<B>) {
        if self.turns.is_deserted() {
            self.over = true;
            aside.source = aside.source.take().or_else(|| self.source.take());
            let all = self.frames.len();
            self.forget(all, aside);
        }
    }
}

impl<B> Aside<B> {
    pub(super) const fn new() -> Self {
        Self {
            wake: None,
            waker: None,
            source: None,
            frames: Vec::new(),
        }
    }
}

impl<B> Drop for Aside<B> {
    fn drop(&mut self) {
        if let Some(waker) = self.wake.take() {
            waker.wake();
        }
    }
}

/// How much of a stream is kept while it is sent, so that it can be sent again.
#[derive(Clone, Copy, Debug)]
pub(in crate::replay) struct Caps {
    pub(in crate::replay) unknown: usize,
    pub(in crate::replay) known: usize,
}

impl Caps {
    pub(in crate::replay) const DEFAULT: Self = Self {
        unknown: DEFAULT_UNKNOWN_CAP,
        known: DEFAULT_KNOWN_CAP,
    };
}

/// A stream that does not say how long it is may be endless, so little is staked on it: what one
/// request may hold stays below what its connection's buffers hold anyway (hyper's are 400 KiB).
const DEFAULT_UNKNOWN_CAP: usize = 64 * 1024;

/// A stream that says how long it is costs nothing when it is too long, as nothing of it is kept
/// then; and a mebibyte for each of a hundred requests in flight is little to a process that
/// uploads so much. The bodies of the API's JSON endpoints are well below it.
const DEFAULT_KNOWN_CAP: usize = 1024 * 1024;

/// How many bytes a kept frame counts for at least.
///
/// To keep a frame costs about this much besides its content: 40 bytes in the log, twice that when
/// the log has just grown, and what the allocator and `Bytes` add to a buffer of its own. So a
/// stream of tiny frames is kept up to about twice its cap in memory, not two hundred times.
const LEAST_PER_FRAME: usize = 128;

/// So that a small cap is one of bytes alone, as long as there are few frames.
const FREE_FRAMES: usize = 16;

/// How many frames are kept under a cap of so many bytes.
const fn most_frames(cap: usize) -> usize {
    (cap / LEAST_PER_FRAME).saturating_add(FREE_FRAMES)
}
