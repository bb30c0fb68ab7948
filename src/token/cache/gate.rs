use std::time::Duration;

use tokio::time::Instant;

use super::settings::GateSettings;
use crate::token::{TokenError, TokenErrorKind};

/// Keeps the token endpoint from being asked right after it failed.
#[derive(Debug)]
pub(super) struct Gate {
    settings: GateSettings,
    failures: u32,
    /// How many of the last failures were of the same kind: each kind of trouble begins with its
    /// own first pause.
    alike: u32,
    shut: Option<Shut>,
    /// Until when no renewal is made for which nobody waits. Those can wait longer.
    rests_until: Option<Instant>,
}

#[derive(Debug)]
struct Shut {
    until: Instant,
    error: TokenError,
}

impl Gate {
    pub(super) fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            failures: 0,
            alike: 0,
            shut: None,
            rests_until: None,
        }
    }

    /// The failure that keeps the gate shut now.
    pub(super) fn error(&self, now: Instant) -> Option<&TokenError> {
        self.shut
            .as_ref()
            .filter(|shut| now < shut.until)
            .map(|shut| &shut.error)
    }

    pub(super) fn opens(&self) -> Option<Instant> {
        self.shut.as_ref().map(|shut| shut.until)
    }

    pub(super) fn opens_for_background(&self) -> Option<Instant> {
        self.rests_until
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn last_error(&self) -> Option<&TokenError> {
        self.shut.as_ref().map(|shut| &shut.error)
    }

    pub(super) fn open(&mut self) {
        self.failures = 0;
        self.alike = 0;
        self.shut = None;
        self.rests_until = None;
    }

    /// Keeps renewals for which nobody waits from being made for a while.
    pub(super) fn rest(&mut self, now: Instant, pause: Duration) {
        self.rests_until = Some(later(now, pause));
    }

    /// Shuts the gate, and returns the error that says until when.
    pub(super) fn shut(
        &mut self,
        error: TokenError,
        now: Instant,
        background_pause: Duration,
        rng: &mut fastrand::Rng,
    ) -> TokenError {
        if self
            .last_error()
            .is_some_and(|last| is_denied(last) != is_denied(&error))
        {
            self.alike = 0;
        }
        let until = later(now, self.pause(&error, rng));
        self.failures = self.failures.saturating_add(1);
        self.alike = self.alike.saturating_add(1);
        let error = error.with_retry_at(until);
        self.rests_until = Some(later(now, background_pause).max(until));
        self.shut = Some(Shut {
            until,
            error: error.clone(),
        });
        error
    }

    fn pause(&self, error: &TokenError, rng: &mut fastrand::Rng) -> Duration {
        use TokenErrorKind as Kind;
        let settings = &self.settings;
        if let Some(asked) = error.retry_after() {
            // Never earlier than asked, and not all at the same moment.
            let asked = asked.min(settings.retry_after_longest);
            return asked + asked.mul_f64(rng.f64() / 20.0);
        }
        match error.kind() {
            _ if is_denied(error) => {
                doubled(settings.denied_first, self.alike, settings.denied_longest)
            }
            // Throttled means that requests come too fast: it starts where others get after a
            // while.
            Kind::Throttled => {
                let ceiling = doubled(settings.first, self.alike.max(4), settings.longest);
                ceiling.mul_f64(0.5 + rng.f64() / 2.0)
            }
            _ => doubled(settings.first, self.alike, settings.longest).mul_f64(rng.f64()),
        }
    }
}

/// Whether it lasts until somebody corrects something.
fn is_denied(error: &TokenError) -> bool {
    use TokenErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::Denied | Kind::LoginRequired | Kind::Credentials
    )
}

/// `first` doubled `times` times, at most `longest`.
pub(super) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// `at + wait`; a wait that no clock can show counts as a year.
pub(super) fn later(at: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    at.checked_add(wait).unwrap_or_else(|| at + YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::cache::CacheSettings;

    fn gate() -> (Gate, fastrand::Rng) {
        (
            Gate::new(CacheSettings::new().gate),
            fastrand::Rng::with_seed(7),
        )
    }

    fn shut_for(gate: &mut Gate, rng: &mut fastrand::Rng, error: TokenError) -> Duration {
        let now = Instant::now();
        gate.shut(error, now, Duration::ZERO, rng)
            .retry_at()
            .unwrap()
            - now
    }

    #[test]
    fn full_jitter_stays_below_a_ceiling_that_doubles_to_a_minute() {
        let (mut gate, mut rng) = gate();
        for n in 0..40 {
            let error = TokenError::new(TokenErrorKind::Unavailable, "down");
            let ceiling = doubled(Duration::from_millis(250), n, Duration::from_secs(60));
            assert!(
                shut_for(&mut gate, &mut rng, error) <= ceiling,
                "failure {n}"
            );
        }
    }

    #[test]
    fn refused_credentials_wait_five_seconds_to_five_minutes() {
        let (mut gate, mut rng) = gate();
        let mut denied = || {
            shut_for(
                &mut gate,
                &mut rng,
                TokenError::new(TokenErrorKind::Denied, "no"),
            )
        };
        let seconds: Vec<_> = (0..8).map(|_| denied().as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn retry_after_wins_and_is_never_cut_short() {
        let (mut gate, mut rng) = gate();
        let throttled =
            |wait| TokenError::new(TokenErrorKind::Throttled, "busy").with_retry_after(wait);
        let wait = shut_for(&mut gate, &mut rng, throttled(Duration::from_secs(42)));
        assert!((42.0..=44.1).contains(&wait.as_secs_f64()), "{wait:?}");
        let wait = shut_for(&mut gate, &mut rng, throttled(Duration::MAX));
        assert!(
            wait <= Duration::from_secs(3780),
            "an absurd one counts as an hour: {wait:?}"
        );
    }

    #[test]
    fn a_million_failures_overflow_nothing() {
        let (mut gate, mut rng) = gate();
        gate.failures = u32::MAX - 500_000;
        gate.alike = gate.failures;
        for _ in 0..1_000_000 {
            let error = TokenError::new(TokenErrorKind::Transport, "down");
            assert!(shut_for(&mut gate, &mut rng, error) <= Duration::from_secs(60));
        }
        assert_eq!(gate.failures, u32::MAX);
    }
}
