//! The kept part of a stream: the frames that a clone may still need, and the
//! state that all clones share.
//!
//! `stream` decides what a clone does next, `source` polls the caller's body.
//! Both work on a locked [`Log`], which itself calls no foreign code.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Waker,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::turns::Turns;
use crate::BoxError;

/// The state that the clones of one stream share: the frames that a clone may
/// still need, and the caller's body, which yields the rest.
///
/// A clone takes the caller's body out before it polls it: the body runs the
/// caller's code, which could re-enter the log while it is locked.
pub(super) struct Log<B> {
    /// The caller's body. `None` while a clone polls it, after its end, and
    /// after a clone has taken it for good because nothing more is kept.
    pub(super) source: Option<B>,
    pub(super) end: End,
    pub(super) turns: Turns,
    /// The kept frames, without gaps.
    frames: VecDeque<Kept>,
    /// The index in the whole body of the first of `frames`.
    first: usize,
    /// The total length of all frames so far, including forgotten ones: once
    /// one is forgotten, no clone can be made, so the cap matters no more.
    bytes: usize,
    /// The maximum of `bytes`, and by [`most_frames`] of the number of frames.
    cap: usize,
    /// Whether the stream exceeds the cap. From then on it cannot be cloned,
    /// and each frame leaves the log when it is read.
    over: bool,
}

/// How the caller's body ended.
pub(super) enum End {
    /// It has not ended: more frames may come.
    Open,
    /// It yielded all its frames.
    ///
    /// `told`: the body announced its end along with its last frame.
    Clean { told: bool },
    /// It failed. Contains the error until a clone has returned it.
    Failed(Option<BoxError>),
}

/// Values that were taken out under the lock, to be dropped or woken after its
/// release.
///
/// Declare it before the guard: locals are dropped in reverse order.
pub(super) struct Aside<B> {
    /// The waker of a clone to wake.
    pub(super) wake: Option<Waker>,
    /// A waker that is only dropped.
    pub(super) waker: Option<Waker>,
    pub(super) source: Option<B>,
    pub(super) frames: Vec<Kept>,
}

/// A frame in the form in which it is kept, with its data in one piece.
pub(super) enum Kept {
    Data(Bytes),
    /// In a box, because a map is three times as large as the rest.
    Trailers(Box<HeaderMap>),
}

impl<B> Log<B> {
    /// Creates the log of a stream of which nothing is sent yet. `over` states
    /// that it is known to exceed the cap.
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

    /// Appends the next frame of the caller's body.
    pub(super) fn push(&mut self, frame: Kept) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back(frame);
        let count = self.first + self.frames.len();
        self.over |= self.bytes > self.cap || count > most_frames(self.cap);
    }

    /// Returns frame `n`, or `None` if the caller's body has not yielded it
    /// yet.
    ///
    /// The frame stays in the log only if another clone may need it.
    pub(super) fn read(&mut self, n: usize, aside: &mut Aside<B>) -> Option<Kept> {
        let at = n.checked_sub(self.first)?;
        // While another clone may need the frame, this one gets a copy.
        // Otherwise the frame and all before it leave the log: either this is
        // the last clone, or over the cap no other one could be sent.
        if !self.over && !self.turns.is_sole() {
            return self.frames.get(at).map(Kept::clone);
        }
        self.forget(at, aside);
        let frame = self.frames.pop_front()?;
        self.first += 1;
        Some(frame)
    }

    /// Drops the first frames, after the lock is released.
    fn forget(&mut self, count: usize, aside: &mut Aside<B>) {
        let count = count.min(self.frames.len());
        aside.frames.extend(self.frames.drain(..count));
        self.first += count;
    }

    /// Whether frame `n` would be the next one from the caller's body.
    pub(super) fn is_next(&self, n: usize) -> bool {
        n == self.first + self.frames.len()
    }

    /// Whether no clone can get frame `n` any more: the log has forgotten it,
    /// or a clone has taken the caller's body or its error.
    pub(super) fn has_lost(&self, n: usize) -> bool {
        n < self.first || matches!(self.end, End::Failed(None))
    }

    /// Whether the first frame has left the log, and each further one will
    /// leave it when it is read.
    pub(super) fn is_past_keeping(&self) -> bool {
        self.over && self.first > 0
    }

    /// Whether a new clone would find every frame from the first on.
    pub(super) fn can_clone(&self) -> bool {
        !self.over && self.first == 0 && !matches!(self.end, End::Failed(_))
    }

    /// Releases the frames and the caller's body if no clone is left.
    pub(super) fn desert(&mut self, aside: &mut Aside<B>) {
        if self.turns.is_deserted() {
            // An invalidated clone may outlive the last valid one. It must not
            // be cloned any more: without the caller's body, its clone would
            // wait for ever.
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

impl Kept {
    /// Returns `None` for an empty frame: it has no meaning on any wire, and
    /// would not count for the cap.
    pub(super) fn of(frame: Frame<impl bytes::Buf>) -> Option<Self> {
        match frame.into_data() {
            Ok(mut data) => {
                let data = data.copy_to_bytes(data.remaining());
                (!data.is_empty()).then_some(Self::Data(data))
            }
            Err(frame) => frame.into_trailers().ok().map(Box::new).map(Self::Trailers),
        }
    }

    /// The length that counts for the cap and for `size_hint`.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Trailers(_) => 0,
        }
    }

    pub(super) fn into_frame(self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data),
            Self::Trailers(trailers) => Frame::trailers(*trailers),
        }
    }

    pub(super) fn clone(&self) -> Self {
        match self {
            Self::Data(data) => Self::Data(data.clone()),
            Self::Trailers(trailers) => Self::Trailers(trailers.clone()),
        }
    }
}

/// Returns what is left of an announced length after `sent` bytes.
pub(super) fn remaining(whole: &SizeHint, sent: u64) -> SizeHint {
    let mut left = SizeHint::new();
    if let Some(upper) = whole.upper() {
        left.set_upper(upper.saturating_sub(sent));
    }
    left.set_lower(whole.lower().saturating_sub(sent));
    left
}

/// The least number of bytes that a kept frame counts for.
///
/// Keeping a frame costs about this much besides its content: 40 bytes in the
/// log, twice that when the log has just grown, and the overhead of the
/// allocator and of `Bytes`. So a stream of tiny frames takes about twice its
/// cap in memory, not two hundred times.
const LEAST_PER_FRAME: usize = 128;

/// The number of frames up to which only bytes count, so that a small cap works
/// as stated.
const FREE_FRAMES: usize = 16;

/// The maximum number of kept frames under a cap in bytes.
const fn most_frames(cap: usize) -> usize {
    (cap / LEAST_PER_FRAME).saturating_add(FREE_FRAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_the_log_is_as_small_as_its_cap_assumes() {
        assert!(size_of::<Kept>() <= 40, "{}", size_of::<Kept>());
    }
}
