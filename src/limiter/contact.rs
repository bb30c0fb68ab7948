use std::time::Duration;

use tokio::time::Instant;

use crate::store::book::Terms;

/// Until a process that could not reach the book looks for it again.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Until a process that knows no limit asks the book whether another one does.
const LOOK_AFTER: Duration = Duration::from_secs(60);
/// Until the next reservation after one that brought no slot, which the rules rule out.
const EMPTY_HANDED: Duration = Duration::from_millis(250);

/// Whether the book is within reach, and when it may be asked.
#[derive(Debug)]
pub(super) struct Contact {
    granted_at: Option<Instant>,
    /// Without the book: when to look for it again.
    alone_until: Option<Instant>,
    was_alone: bool,
    look_at: Option<Instant>,
    asking: Option<(u64, Instant)>,
    asks: u64,
    resting_until: Option<Instant>,
    /// How long an operation may take, and what it needs before.
    patience: Duration,
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

    /// `Some`: without the book, until it is looked for again.
    pub(super) fn alone_until(&self) -> Option<Instant> {
        self.alone_until
    }

    pub(super) fn was_alone(&self) -> bool {
        self.was_alone
    }

    /// Whether this process had slots of the book not long ago.
    pub(super) fn is_known(&self, now: Instant) -> bool {
        let known = |at: Instant| now.saturating_duration_since(at) < Terms::WINDOW * 2;
        self.granted_at.is_some_and(known)
    }

    /// Whether it is time to look for a limit that the process does not know, or for the book.
    pub(super) fn is_to_look(&mut self, knows_limit: bool, now: Instant) -> bool {
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

    /// The number of a reservation, if one may be made now: there is one at a time.
    pub(super) fn begin(&mut self, now: Instant) -> Option<u64> {
        let is_asking = |at: Instant| now.saturating_duration_since(at) < self.patience;
        if self.resting_until.is_some_and(|until| now < until)
            || self.asking.is_some_and(|(_, at)| is_asking(at))
        {
            return None;
        }
        self.asks += 1;
        self.asking = Some((self.asks, now));
        Some(self.asks)
    }

    /// Whether it is this reservation that is waited for.
    pub(super) fn is_current(&self, id: u64) -> bool {
        self.asking.is_some_and(|(current, _)| current == id)
    }

    pub(super) fn end(&mut self) {
        self.asking = None;
    }

    /// When one who waits looks again, if not before: the task that asks may be on a runtime that is
    /// not driven, and after a rest it is the waiting request that asks.
    pub(super) fn not_after_patience(&self, at: Instant, now: Instant) -> Instant {
        let over = self
            .asking
            .and_then(|(_, at)| at.checked_add(self.patience));
        let times = [over, self.resting_until].into_iter().flatten();
        times.filter(|time| *time > now).fold(at, Instant::min)
    }

    /// The book has answered. True if it could not be reached before.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        self.asking = None;
        self.was_alone = false;
        self.granted_at = Some(now);
        self.alone_until.take().is_some()
    }

    /// A book that grants nothing to those who wait would be asked again and again.
    pub(super) fn rest(&mut self, now: Instant) {
        self.resting_until = now.checked_add(EMPTY_HANDED);
    }

    /// The book cannot be reached. True if it could before.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.asking = None;
        let jitter = RETRY_AFTER.mul_f64(fastrand::f64() / 5.0);
        let was_within = self.alone_until.is_none();
        self.alone_until = now.checked_add(RETRY_AFTER + jitter);
        was_within
    }

    /// From now on it sends without slots of the book.
    pub(super) fn go_alone(&mut self) {
        self.was_alone = true;
    }
}
