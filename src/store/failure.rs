//! What a process does when the store fails: it goes on alone, seldom, and comes back.

use std::time::Duration;

use tokio::time::Instant;

use super::{StoreError, StoreErrorKind};

/// Callers do not ask a store that has just failed: renewals for which nobody waits find out that
/// it is back.
const FOREGROUND_PAUSE: Duration = Duration::from_secs(30);
const BACKGROUND_PAUSE: Duration = Duration::from_secs(2);
/// Between tokens that a process gets for itself: what a fleet mints in an outage shall not evict
/// what it uses.
const ALONE_PAUSE: Duration = Duration::from_secs(10);
/// Until a process that is alone looks for the others again, so that all are together 30 seconds
/// after an outage.
const CHECK_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));

/// Lets a store rest that has failed, so that an outage costs callers one time-out and not one
/// each.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failed_at: Option<Instant>,
    foreground_pause: Duration,
}

impl Breaker {
    pub(super) fn allows(&self, in_background: bool, now: Instant) -> bool {
        let pause = match in_background {
            true => BACKGROUND_PAUSE,
            false => self.foreground_pause,
        };
        self.failed_at
            .is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Whether the store has failed since it last worked.
    pub(super) fn is_failing(&self) -> bool {
        self.failed_at.is_some()
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.failed_at = Some(now);
        self.foreground_pause = FOREGROUND_PAUSE.mul_f64(1.0 + fastrand::f64() / 3.0);
    }

    pub(super) fn worked(&mut self) {
        self.failed_at = None;
    }
}

/// Counts the requests that a process makes for itself alone.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    last: Option<Instant>,
}

impl Limiter {
    /// How long until the next one may be made.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| {
            (last + ALONE_PAUSE).saturating_duration_since(now)
        })
    }

    pub(super) fn made(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

/// When a process that is alone looks for the others again.
pub(super) fn check_after() -> Duration {
    let (shortest, longest) = CHECK_AFTER;
    shortest + (longest - shortest).mul_f64(fastrand::f64())
}

pub(super) fn timed_out() -> StoreError {
    StoreError::new(
        StoreErrorKind::Timeout,
        "the token store did not answer in time; check that it can be reached from here, or allow it more with \
         `Sharing::with_operation_timeout`",
    )
}

pub(super) fn panicked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "the code of the token store panicked; its message went to the panic hook",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_failed_is_asked_by_nobody_who_waits_for_half_a_minute() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        let seconds = |seconds| now + Duration::from_secs(seconds);
        assert!(breaker.allows(false, now));
        breaker.failed(now);
        for (at, foreground, background) in [(0, false, false), (2, false, true), (40, true, true)]
        {
            assert_eq!(breaker.allows(false, seconds(at)), foreground, "{at}");
            assert_eq!(breaker.allows(true, seconds(at)), background, "{at}");
        }
        assert!(!breaker.allows(false, seconds(29)));
        breaker.worked();
        assert!(breaker.allows(false, now));
    }

    #[test]
    fn checks_are_spread_over_five_to_twenty_seconds() {
        let mut checks: Vec<_> = (0..200).map(|_| check_after().as_secs()).collect();
        checks.sort_unstable();
        checks.dedup();
        assert_eq!(checks, (5..20).collect::<Vec<_>>());
    }
}
