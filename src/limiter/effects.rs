use std::{task::Waker, time::Duration};

use tokio::time::Instant;

use crate::store::book::{LimitEvent, Terms};

/// How long no send must wait before the next wait is worth a warning again.
const CALM: Duration = Duration::from_secs(60);
/// A wait that is worth a warning.
const WORTH_A_WARNING: Duration = Duration::from_secs(1);
/// A closure that ends at most this much later than the reported one counts as
/// the same.
const SAME: Duration = Duration::from_secs(1);

/// The work that follows a change of the state, after the lock is released.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) woken: Vec<Waker>,
    pub(super) events: Vec<LimitEvent>,
    pub(super) ask: Option<Ask>,
}

/// A reservation to be made.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: u64,
    pub(super) terms: Option<Terms>,
    pub(super) want: u32,
    pub(super) returned: Vec<u64>,
    pub(super) is_known: bool,
    pub(super) was_alone: bool,
}

/// The news that were reported already.
#[derive(Debug, Default)]
pub(super) struct Notices {
    closed_until: Option<Instant>,
    waited_at: Option<Instant>,
}

impl Notices {
    /// Returns whether waiting has begun: a send waits this long, and for a
    /// minute none has.
    pub(super) fn begins(&mut self, wait: Duration, now: Instant) -> bool {
        if wait < WORTH_A_WARNING {
            return false;
        }
        let before = self.waited_at.replace(now);
        before.is_none_or(|at| now.saturating_duration_since(at) >= CALM)
    }

    /// Returns whether a closure until then is news to the other processes.
    pub(super) fn closes(&mut self, until: Instant) -> bool {
        let told = self.closed_until.and_then(|told| told.checked_add(SAME));
        if told.is_some_and(|told| until <= told) {
            return false;
        }
        self.closed_until = Some(until);
        true
    }
}
