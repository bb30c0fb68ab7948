use std::{task::Waker, time::Duration};

use tokio::time::Instant;

use crate::store::book::{LimitEvent, Terms};

/// A wait is reported again only if no send has waited for this long: under
/// constant load, each grant would otherwise report one.
const CALM: Duration = Duration::from_secs(60);
/// The shortest wait that is worth a warning. Shorter ones are the normal
/// spacing of slots.
const WORTH_A_WARNING: Duration = Duration::from_secs(1);
/// A closure that ends at most this much later than the reported one counts as
/// the same. The 429s of sends in flight end at nearly the same time, and one
/// report tells the other processes enough.
const SAME: Duration = Duration::from_secs(1);

/// The work that follows a change of the state, after the lock is released.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// The sends to wake. A waker can run the caller's code, which may call
    /// the limiter again.
    pub(super) woken: Vec<Waker>,
    /// The events to report to the observer, in order.
    pub(super) events: Vec<LimitEvent>,
    /// The reservation to start, at most one per change.
    pub(super) ask: Option<Ask>,
}

/// A reservation that the caller must start now.
#[derive(Debug)]
pub(super) struct Ask {
    /// Identifies the result. A late result of an earlier reservation is
    /// ignored.
    pub(super) id: u64,
    /// The limit that this process states; `None` if it knows none.
    pub(super) terms: Option<Terms>,
    /// The number of slots. Zero only asks for the limit.
    pub(super) want: u32,
    /// Reserved slots that were not used.
    pub(super) returned: Vec<u64>,
    /// Whether the process had slots of this book recently. A book that was
    /// lost since then grants no burst.
    pub(super) is_known: bool,
    /// Whether the process has sent without slots of the book since its last
    /// grant.
    pub(super) was_alone: bool,
}

/// Which events were reported already, so that a state is reported when it
/// begins and not with each grant.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// The end of the closure that the other processes know of.
    closed_until: Option<Instant>,
    /// When a send last waited for [`WORTH_A_WARNING`] or longer.
    waited_at: Option<Instant>,
}

impl Notices {
    /// Returns whether waiting has begun: a send waits for `wait`, and no send
    /// has waited in the last minute.
    pub(super) fn begins(&mut self, wait: Duration, now: Instant) -> bool {
        if wait < WORTH_A_WARNING {
            return false;
        }
        // Each wait restarts the minute, so a continuous wait is one event.
        let before = self.waited_at.replace(now);
        before.is_none_or(|at| now.saturating_duration_since(at) >= CALM)
    }

    /// Returns whether a closure until `until` is news to the other processes,
    /// and remembers it.
    pub(super) fn closes(&mut self, until: Instant) -> bool {
        let told = self.closed_until.and_then(|told| told.checked_add(SAME));
        if told.is_some_and(|told| until <= told) {
            return false;
        }
        self.closed_until = Some(until);
        true
    }
}
