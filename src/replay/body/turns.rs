//! Which clone of a body may be sent.

use std::task::Waker;

/// The order of the clones of one body, and which of them are still valid.
///
/// Each clone has a ticket, a number larger than that of every clone before it.
/// A clone whose ticket is below the floor is invalid. Polling a clone raises
/// the floor to its ticket. So at most one of the polled clones is valid, and
/// one waker is enough.
///
/// `Turns` neither wakes nor drops a waker: its caller holds a lock, and does
/// both after releasing it.
#[derive(Debug)]
pub(super) struct Turns {
    /// The newest ticket.
    issued: u64,
    /// The oldest valid ticket.
    floor: u64,
    /// The ticket of the clone that was polled last; zero before the first
    /// poll.
    polled: u64,
    /// The ticket of the clone that last handed over all its frames, or zero.
    finished: u64,
    /// The tickets of the valid clones that are not dropped.
    live: Vec<u64>,
    /// The waker of the clone that was polled last, while that waits.
    waiting: Option<Waker>,
}

/// The ticket of the original body. Zero stands for no body.
pub(super) const FIRST: u64 = 1;

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            issued: FIRST,
            floor: FIRST,
            polled: 0,
            finished: 0,
            live: vec![FIRST],
            waiting: None,
        }
    }

    /// Returns the ticket of a new clone.
    pub(super) fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.live.push(self.issued);
        self.issued
    }

    /// Whether a newer clone was polled or has claimed the body.
    pub(super) const fn is_revoked(&self, ticket: u64) -> bool {
        ticket < self.floor
    }

    /// Whether at most one valid clone is left.
    pub(super) fn is_sole(&self) -> bool {
        self.live.len() <= 1
    }

    /// Whether no valid clone is left.
    pub(super) fn is_deserted(&self) -> bool {
        self.live.is_empty()
    }

    /// Whether the clone that was polled last has handed over all its frames.
    ///
    /// A clone that finished and was then replaced proves nothing about the one
    /// that is sent now.
    pub(super) const fn is_sent(&self) -> bool {
        self.polled != 0 && self.polled == self.finished
    }

    /// Invalidates all older clones. Returns the waker of the one that waits,
    /// if any, for the caller to wake.
    #[must_use]
    pub(super) fn revoke_older(&mut self, ticket: u64) -> Option<Waker> {
        // The oldest valid clone has no older ones to invalidate, and an
        // invalid clone must not wake the valid one.
        if ticket <= self.floor {
            return None;
        }
        self.floor = ticket;
        self.live.retain(|live| *live >= ticket);
        self.waiting.take()
    }

    /// Records that this clone is polled, which invalidates all older ones.
    /// Returns the waker of the one that waits, if any, for the caller to wake.
    #[must_use]
    pub(super) fn start(&mut self, ticket: u64) -> Option<Waker> {
        let waker = self.revoke_older(ticket);
        self.polled = ticket;
        waker
    }

    /// Records that the clone that was polled last waits. Returns the waker of
    /// its previous wait, for the caller to drop.
    #[must_use]
    pub(super) fn wait(&mut self, waker: Waker) -> Option<Waker> {
        self.waiting.replace(waker)
    }

    /// Takes the waker of the clone that waits, for the caller to wake.
    #[must_use]
    pub(super) fn take_waiting(&mut self) -> Option<Waker> {
        self.waiting.take()
    }

    /// Records that this clone has handed over all its frames.
    pub(super) const fn finish(&mut self, ticket: u64) {
        self.finished = ticket;
    }

    /// Records that this clone is dropped. Returns its waker if it waits, for
    /// the caller to drop.
    #[must_use]
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        self.live.retain(|live| *live != ticket);
        // The waker belongs to the clone that was polled last, so only that
        // clone takes it along.
        if self.polled == ticket {
            self.waiting.take()
        } else {
            None
        }
    }
}
