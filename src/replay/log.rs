use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Waker,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::{caps::most_frames, turns::Turns};
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

pub(super) enum Kept {
    Data(Bytes),
    // In a box, as a map is thrice the size of the rest.
    Trailers(Box<HeaderMap>),
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

impl Kept {
    /// `None` for an empty frame, which means nothing on any wire, and would be kept for free.
    pub(super) fn of(frame: Frame<impl bytes::Buf>) -> Option<Self> {
        match frame.into_data() {
            Ok(mut data) => {
                let data = data.copy_to_bytes(data.remaining());
                (!data.is_empty()).then_some(Self::Data(data))
            }
            Err(frame) => frame.into_trailers().ok().map(Box::new).map(Self::Trailers),
        }
    }

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

    fn clone(&self) -> Self {
        match self {
            Self::Data(data) => Self::Data(data.clone()),
            Self::Trailers(trailers) => Self::Trailers(trailers.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_the_log_is_as_small_as_its_cap_assumes() {
        assert!(size_of::<Kept>() <= 40, "{}", size_of::<Kept>());
    }
}
