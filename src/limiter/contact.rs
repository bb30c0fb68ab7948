use std::time::Duration;

use tokio::time::Instant;

use crate::store::book::Terms;

/// How long a process that could not reach the book waits before it tries
/// again, plus up to a fifth of it.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How often a process that knows no limit asks the book whether another
/// process does. Up to a quarter is taken off, so that processes ask at
/// different times.
const LOOK_AFTER: Duration = Duration::from_secs(60);
/// The pause after a reservation that brought no slot, which the rules of a
/// book exclude.
const EMPTY_HANDED: Duration = Duration::from_millis(250);

/// Whether the book is within reach, and when the process may ask it.
#[derive(Debug)]
pub(super) struct Contact {
    /// The time of the last grant.
    granted_at: Option<Instant>,
    /// Set while the book is out of reach: when to try again.
    alone_until: Option<Instant>,
    /// Whether the process has gone without the book since its last grant.
    was_alone: bool,
    /// When to ask for an unknown limit again.
    look_at: Option<Instant>,
    /// The reservation in flight.
    asking: Option<Asking>,
    /// The number of reservations so far.
    asks: u64,
    /// The end of a pause after a grant without slots.
    resting_until: Option<Instant>,
    /// The time after which a reservation counts as lost.
    patience: Duration,
}

/// A reservation in flight.
#[derive(Clone, Copy, Debug)]
struct Asking {
    id: u64,
    at: Instant,
    /// Whether it states a limit. If not, it only asks for one.
    states_limit: bool,
}

impl Contact {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            granted_at: None,
            alone_until: None,
            was_alone: false,
            look_at: None,
            asking: None,
            asks: 0,
            resting_until: None,
            patience,
        }
    }

    /// Returns when to try the book again, while it is out of reach.
    pub(super) fn alone_until(&self) -> Option<Instant> {
        self.alone_until
    }

    /// Returns whether the process has gone without the book since its last
    /// grant.
    pub(super) fn was_alone(&self) -> bool {
        self.was_alone
    }

    /// Returns whether this process had slots of the book recently.
    pub(super) fn is_known(&self, now: Instant) -> bool {
        // A book expires two windows after its last use. If it does not know
        // this process after that, it has expired, and was not lost.
        let known = |at: Instant| now.saturating_duration_since(at) < Terms::WINDOW * 2;
        self.granted_at.is_some_and(known)
    }

    /// Returns whether it is time to ask for an unknown limit, or to try the
    /// book again.
    pub(super) fn is_to_look(&mut self, knows_limit: bool, now: Instant) -> bool {
        // With a known limit, this is asked only while the book is out of
        // reach.
        let due = if knows_limit {
            self.alone_until
        } else {
            self.look_at
        };
        let is_due = due.is_none_or(|due| now >= due);
        if is_due {
            self.look_at = now.checked_add(LOOK_AFTER.mul_f64(1.0 - fastrand::f64() / 4.0));
        }
        is_due
    }

    /// Begins a reservation and returns its number, if one may begin now. There
    /// is one at a time.
    pub(super) fn begin(&mut self, now: Instant, states_limit: bool) -> Option<u64> {
        // A reservation counts as lost after `patience`: its runtime may have
        // stopped, and then no result ever arrives.
        let waits_for = |asking: Asking| now.saturating_duration_since(asking.at) < self.patience;
        if self.resting_until.is_some_and(|until| now < until) || self.asking.is_some_and(waits_for)
        {
            return None;
        }
        self.asks += 1;
        self.asking = Some(Asking {
            id: self.asks,
            at: now,
            states_limit,
        });
        Some(self.asks)
    }

    /// Returns whether this reservation is the current one. The result of any
    /// other is too late.
    pub(super) fn is_current(&self, id: u64) -> bool {
        self.asking.is_some_and(|asking| asking.id == id)
    }

    /// Returns whether the reservation in flight states a limit.
    pub(super) fn states_limit(&self) -> bool {
        self.asking.is_some_and(|asking| asking.states_limit)
    }

    /// Ends a reservation that brought no grant: the book knows no limit.
    pub(super) fn end(&mut self) {
        self.asking = None;
    }

    /// Returns when a waiting send must look again at the latest. The task of
    /// the reservation may be on a runtime that no thread drives; and after a
    /// rest, the waiting send asks.
    pub(super) fn not_after_patience(&self, at: Instant, now: Instant) -> Instant {
        let over = self
            .asking
            .and_then(|asking| asking.at.checked_add(self.patience));
        let times = [over, self.resting_until].into_iter().flatten();
        times.filter(|time| *time > now).fold(at, Instant::min)
    }

    /// Records a grant of the book. Returns whether the book was out of reach
    /// before.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        self.asking = None;
        self.was_alone = false;
        self.granted_at = Some(now);
        self.alone_until.take().is_some()
    }

    /// Pauses reservations, because a book that grants nothing would be asked
    /// again and again.
    pub(super) fn rest(&mut self, now: Instant) {
        self.resting_until = now.checked_add(EMPTY_HANDED);
    }

    /// Records a failure of the book. Returns whether the book was within reach
    /// before.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.asking = None;
        // Processes lose the book at the same time, and must not all return to
        // it at the same time.
        let jitter = RETRY_AFTER.mul_f64(fastrand::f64() / 5.0);
        let was_within = self.alone_until.is_none();
        self.alone_until = now.checked_add(RETRY_AFTER + jitter);
        was_within
    }

    /// Records that the process sends without slots of the book from now on.
    pub(super) fn go_alone(&mut self) {
        self.was_alone = true;
    }
}
