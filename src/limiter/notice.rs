use std::time::Duration;

use tokio::time::Instant;

/// How long no send must wait before the next wait is worth a warning again.
const CALM: Duration = Duration::from_secs(60);
/// A wait that is worth a warning.
const WORTH_A_WARNING: Duration = Duration::from_secs(1);
/// A closure that ends at most this much later than the reported one counts as
/// the same.
const SAME: Duration = Duration::from_secs(1);

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
