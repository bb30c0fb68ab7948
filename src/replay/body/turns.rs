use std::task::Waker;

/// Which of the clones of one body may go on.
///
/// Each clone has a ticket, a number larger than that of every clone before it. A clone whose
/// ticket is below the floor is revoked. To be polled raises the floor to one's own ticket, so of
/// all clones that were ever polled at most one is not revoked, and one waker is enough.
///
/// Nothing in here wakes or drops a waker: the caller holds a lock, and does it when it has let
/// go.
#[derive(Debug)]
pub(super) struct Turns {
    issued: u64,
    floor: u64,
    polled: u64,
    finished: u64,
    live: Vec<u64>,
    waiting: Option<Waker>,
}

/// The ticket of the body that all others are cloned from; zero stands for nobody.
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

    pub(super) fn issue(&mut self) -> u64 {
        self.issued += 1;
        self.live.push(self.issued);
        self.issued
    }

    pub(super) const fn is_revoked(&self, ticket: u64) -> bool {
        ticket < self.floor
    }

    /// Whether no more than one clone is left that may go on.
    pub(super) fn is_sole(&self) -> bool {
        self.live.len() <= 1
    }

    pub(super) fn is_deserted(&self) -> bool {
        self.live.is_empty()
    }

    /// Whether the clone that was polled last has handed over everything.
    pub(super) const fn is_sent(&self) -> bool {
        self.polled != 0 && self.polled == self.finished
    }

    /// Revokes all that are older; the waker is that of one that waits and must learn of it.
    #[must_use]
    pub(super) fn revoke_older(&mut self, ticket: u64) -> Option<Waker> {
        if ticket <= self.floor {
            return None;
        }
        self.floor = ticket;
        self.live.retain(|live| *live >= ticket);
        self.waiting.take()
    }

    /// This clone is polled: it takes over from all older ones.
    #[must_use]
    pub(super) fn start(&mut self, ticket: u64) -> Option<Waker> {
        let waker = self.revoke_older(ticket);
        self.polled = ticket;
        waker
    }

    /// The clone that was polled last waits; gives back the waker of its wait before.
    #[must_use]
    pub(super) fn wait(&mut self, waker: Waker) -> Option<Waker> {
        self.waiting.replace(waker)
    }

    #[must_use]
    pub(super) fn take_waiting(&mut self) -> Option<Waker> {
        self.waiting.take()
    }

    pub(super) const fn finish(&mut self, ticket: u64) {
        self.finished = ticket;
    }

    /// This clone is dropped; gives back its waker, if it waits.
    #[must_use]
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waker> {
        self.live.retain(|live| *live != ticket);
        // The waker belongs to the clone that was polled last, so only that clone takes it along.
        if self.polled == ticket {
            self.waiting.take()
        } else {
            None
        }
    }
}
