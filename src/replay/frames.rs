use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{
    ReplayBodyError, ReplayBodyErrorKind,
    turns::{FIRST, Turns},
};
use crate::lock::lock;

/// How much of a body in memory is handed over at once.
///
/// The transport asks for the next frame only when it has room, so this bounds what still goes
/// out after a revocation. It is four HTTP/2 frames of the default size (16 KiB), and the default
/// HTTP/2 window (64 KiB less one byte); smaller frames cost more polls per byte and bound
/// nothing else, since the socket's own buffer is of about this size.
pub(super) const FRAME: usize = 64 * 1024;

/// A body in memory, sent in frames so that it can be revoked between them.
pub(super) struct Frames {
    turns: Arc<Mutex<Turns>>,
    ticket: u64,
    whole: Bytes,
    sent: usize,
}

impl Frames {
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

    // Nobody waits for a frame that is in memory, so there are no wakers to care for.
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

    fn can_start(&self, turns: &Turns) -> bool {
        self.sent == 0 && !turns.is_revoked(self.ticket)
    }

    pub(super) fn revoke_others(&self) -> bool {
        let mut turns = lock(&self.turns);
        if !self.can_start(&turns) {
            return false;
        }
        let _nobody = turns.revoke_older(self.ticket);
        true
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        let _nobody = lock(&self.turns).leave(self.ticket);
    }
}
