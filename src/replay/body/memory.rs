//! Bodies in memory: how one is recognised, and how it is sent and invalidated.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use super::turns::{FIRST, Turns};
use crate::{
    lock::lock,
    replay::{ReplayBodyError, ReplayBodyErrorKind},
};

/// The size of the frames of an in-memory body.
///
/// The transport asks for the next frame only when it has room, so this size
/// bounds the bytes that an invalidated body still sends. It is four HTTP/2
/// frames of the default size (16 KiB), and the default HTTP/2 window (64 KiB
/// less one byte). Smaller frames would cost more polls per byte for no tighter
/// bound, because the socket's buffer is about as large.
pub(super) const FRAME: usize = 64 * 1024;

/// An in-memory body, sent in frames so that it can be invalidated between
/// them.
pub(super) struct Memory {
    /// The order of all clones of this body.
    turns: Arc<Mutex<Turns>>,
    /// The place of this clone in that order.
    ticket: u64,
    /// The bytes, which all clones share.
    whole: Bytes,
    /// The number of bytes that this clone has handed over.
    sent: usize,
}

impl Memory {
    pub(super) fn new(whole: Bytes) -> Self {
        Self {
            turns: Arc::new(Mutex::new(Turns::new())),
            ticket: FIRST,
            whole,
            sent: 0,
        }
    }

    pub(super) fn try_clone(&self) -> Self {
        Self {
            turns: Arc::clone(&self.turns),
            ticket: lock(&self.turns).issue(),
            whole: self.whole.clone(),
            sent: 0,
        }
    }

    /// Returns the next frame, which is always ready: no task waits for one, so
    /// the results of `turns` below are never a waker.
    pub(super) fn next(&mut self) -> Option<Result<Frame<Bytes>, ReplayBodyError>> {
        if self.is_end_stream() {
            return None;
        }
        let mut turns = lock(&self.turns);
        if turns.is_revoked(self.ticket) {
            return Some(Err(ReplayBodyError::new(ReplayBodyErrorKind::Revoked)));
        }
        let _nobody = turns.start(self.ticket);
        let end = self.whole.len().min(self.sent + FRAME);
        let frame = self.whole.slice(self.sent..end);
        self.sent = end;
        if self.sent == self.whole.len() {
            turns.finish(self.ticket);
        }
        Some(Ok(Frame::data(frame)))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.sent == self.whole.len()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.whole.len() - self.sent) as u64)
    }

    pub(super) fn is_replayable(&self) -> bool {
        self.can_start(&lock(&self.turns))
    }

    pub(super) fn is_sent(&self) -> bool {
        lock(&self.turns).is_sent()
    }

    /// Whether this clone can be sent from the beginning.
    fn can_start(&self, turns: &Turns) -> bool {
        self.sent == 0 && !turns.is_revoked(self.ticket)
    }

    pub(super) fn revoke_others(&self) -> bool {
        // One lock for the check and the claim: in between, another thread
        // could poll a newer clone.
        let mut turns = lock(&self.turns);
        if !self.can_start(&turns) {
            return false;
        }
        let _nobody = turns.revoke_older(self.ticket);
        true
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _nobody = lock(&self.turns).leave(self.ticket);
    }
}

/// The result of polling a body before its first send.
pub(super) enum Look<B: Body> {
    /// The body is in memory.
    Whole(Bytes),
    /// The body is a stream, which begins with the frames that the look took
    /// out of it.
    Begun([Option<Taken<B>>; 2]),
}

/// The result of a poll, and whether the body then announced its end.
pub(super) type Taken<B> = (Polled<B>, bool);

type Polled<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

/// Polls a body that announces this length, to see whether it is in memory: its
/// first frame has the whole length, and it ends after it.
///
/// The second poll, of a body that does not announce its end with that frame,
/// tells whether trailers follow.
pub(super) fn look<B: Body + Unpin>(body: &mut B, length: u64) -> Look<B> {
    let Poll::Ready(first) = peek(body) else {
        return Look::Begun([None, None]);
    };
    let told = body.is_end_stream();
    let is_whole = is_data_of(&first, length);
    let second = match is_whole && !told {
        true => peek(body),
        false => Poll::Pending,
    };
    // The frames of a stream are returned, because the body yields them only
    // once.
    match second {
        _ if is_whole && told => Look::Whole(into_bytes(first)),
        Poll::Ready(None) => Look::Whole(into_bytes(first)),
        Poll::Ready(second) => {
            Look::Begun([Some((first, told)), Some((second, body.is_end_stream()))])
        }
        Poll::Pending => Look::Begun([Some((first, told)), None]),
    }
}

/// Polls with a no-op waker: the next poll replaces it.
fn peek<B: Body + Unpin>(body: &mut B) -> Poll<Polled<B>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// Whether the poll yielded data of this length.
fn is_data_of<D: Buf, E>(polled: &Option<Result<Frame<D>, E>>, length: u64) -> bool {
    let frame = polled.as_ref().and_then(|polled| polled.as_ref().ok());
    let data = frame.and_then(Frame::data_ref);
    data.is_some_and(|data| data.remaining() as u64 == length)
}

/// Takes the data out of a frame for which [`is_data_of`] was true.
fn into_bytes<D: Buf, E>(polled: Option<Result<Frame<D>, E>>) -> Bytes {
    let frame = polled.and_then(Result::ok);
    let data = frame.and_then(|frame| frame.into_data().ok());
    data.map(|mut data| data.copy_to_bytes(data.remaining()))
        .unwrap_or_default()
}
