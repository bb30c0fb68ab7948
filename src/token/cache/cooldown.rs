use std::time::Duration;

use tokio::time::Instant;

use super::settings::CooldownSettings;
use crate::token::{TokenError, TokenErrorKind};

/// Pauses token requests after the token endpoint failed.
#[derive(Debug)]
pub(super) struct Cooldown {
    settings: CooldownSettings,
    /// The number of failures in a row.
    failures: u32,
    /// How many of the failures a person must correct. Denials and other
    /// failures count separately, each from its own first pause, so that
    /// alternating failures do not reset either.
    denied: u32,
    /// The last pause, active or over.
    pause: Option<Pause>,
    /// Until when background renewals pause. No caller waits for them, so they
    /// can pause longer.
    background_until: Option<Instant>,
}

/// The pause after a failure.
#[derive(Debug)]
struct Pause {
    until: Instant,
    /// The failure, which callers without a token get during the pause.
    error: TokenError,
}

impl Cooldown {
    pub(super) fn new(settings: CooldownSettings) -> Self {
        Self {
            settings,
            failures: 0,
            denied: 0,
            pause: None,
            background_until: None,
        }
    }

    /// Returns the failure whose cooldown is active.
    pub(super) fn error(&self, now: Instant) -> Option<&TokenError> {
        self.pause
            .as_ref()
            .filter(|pause| now < pause.until)
            .map(|pause| &pause.error)
    }

    /// Returns the end of a pause that the token endpoint itself asked for.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        let asked = self.error(now)?.asks_for_rest();
        self.ends().filter(|_| asked)
    }

    /// Returns the end of the last pause, even if it is over.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.pause.as_ref().map(|pause| pause.until)
    }

    /// Returns until when background renewals pause, even if that is over.
    pub(super) fn background_ends(&self) -> Option<Instant> {
        self.background_until
    }

    /// Returns the number of failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the last failure since a success.
    pub(super) fn last_error(&self) -> Option<&TokenError> {
        self.pause.as_ref().map(|pause| &pause.error)
    }

    /// Forgets all failures, because a renewal succeeded.
    pub(super) fn clear(&mut self) {
        self.failures = 0;
        self.denied = 0;
        self.pause = None;
        self.background_until = None;
    }

    /// Ends the pause now, and keeps the count of failures: the next failure
    /// continues with longer pauses.
    pub(super) fn cut_short(&mut self, now: Instant) {
        if let Some(pause) = &mut self.pause {
            pause.until = now;
        }
        self.background_until = None;
    }

    /// Pauses background renewals for this long.
    pub(super) fn pause_background(&mut self, now: Instant, pause: Duration) {
        self.background_until = Some(later(now, pause));
    }

    /// Starts the cooldown after a failure, and returns the error with the end
    /// of the cooldown.
    pub(super) fn begin(
        &mut self,
        error: TokenError,
        now: Instant,
        background_pause: Duration,
        rng: &mut fastrand::Rng,
    ) -> TokenError {
        let until = later(now, self.length(&error, rng));
        self.failures = self.failures.saturating_add(1);
        self.denied = self.denied.saturating_add(u32::from(is_denied(&error)));
        let error = error.with_retry_at(until);
        self.background_until = Some(later(now, background_pause).max(until));
        self.pause = Some(Pause {
            until,
            error: error.clone(),
        });
        error
    }

    /// Returns the length of the pause after this failure.
    fn length(&self, error: &TokenError, rng: &mut fastrand::Rng) -> Duration {
        let backoff = self.backoff(error, rng);
        let Some(asked) = error.retry_after() else {
            return backoff;
        };
        // The pause is at least as long as asked, with jitter, and at least as
        // long as after a failure without a `Retry-After`: otherwise an
        // endpoint that always says "1" would get a request each second.
        let asked = asked.min(self.settings.retry_after_longest);
        backoff.max(asked + asked.mul_f64(rng.f64() / 20.0))
    }

    /// Returns the pause without regard to `Retry-After`.
    fn backoff(&self, error: &TokenError, rng: &mut fastrand::Rng) -> Duration {
        let settings = &self.settings;
        // A person needs minutes to correct refused credentials, so these
        // pauses are longer, and without jitter.
        if is_denied(error) {
            return doubled(settings.denied_first, self.denied, settings.denied_longest);
        }
        let others = self.failures.saturating_sub(self.denied);
        let times = match error.kind() {
            // The requests come too fast, so throttling starts at the pause of
            // a fifth failure.
            TokenErrorKind::Throttled => others.max(4),
            _ => others,
        };
        // At least half of the pause stays, so that jitter cannot turn it into
        // a tight loop.
        let ceiling = doubled(settings.first, times, settings.longest);
        ceiling.mul_f64(0.5 + rng.f64() / 2.0)
    }
}

/// Returns whether a person must correct the cause.
fn is_denied(error: &TokenError) -> bool {
    use TokenErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::Denied | Kind::LoginRequired | Kind::Credentials
    )
}

/// Returns `first`, doubled `times` times, at most `longest`.
pub(super) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

/// Returns `at + wait`. A wait that overflows the clock counts as a year.
pub(super) fn later(at: Instant, wait: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    at.checked_add(wait).unwrap_or_else(|| at + YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::cache::CacheSettings;

    fn cooldown() -> (Cooldown, fastrand::Rng) {
        (
            Cooldown::new(CacheSettings::new().cooldown),
            fastrand::Rng::with_seed(7),
        )
    }

    fn pause_after(
        cooldown: &mut Cooldown,
        rng: &mut fastrand::Rng,
        error: TokenError,
    ) -> Duration {
        let now = Instant::now();
        cooldown
            .begin(error, now, Duration::ZERO, rng)
            .retry_at()
            .unwrap()
            - now
    }

    #[test]
    fn half_of_a_pause_is_chance_and_its_ceiling_doubles_to_a_minute() {
        let (mut cooldown, mut rng) = cooldown();
        for n in 0..40 {
            let error = TokenError::new(TokenErrorKind::Unavailable, "down");
            let ceiling = doubled(Duration::from_millis(250), n, Duration::from_secs(60));
            let pause = pause_after(&mut cooldown, &mut rng, error);
            assert!(ceiling / 2 <= pause && pause <= ceiling, "failure {n}");
        }
    }

    #[test]
    fn refused_credentials_wait_five_seconds_to_five_minutes() {
        let (mut cooldown, mut rng) = cooldown();
        let mut denied = || {
            pause_after(
                &mut cooldown,
                &mut rng,
                TokenError::new(TokenErrorKind::Denied, "no"),
            )
        };
        let seconds: Vec<_> = (0..8).map(|_| denied().as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn retry_after_wins_and_is_never_cut_short() {
        let (mut cooldown, mut rng) = cooldown();
        let throttled =
            |wait| TokenError::new(TokenErrorKind::Throttled, "busy").with_retry_after(wait);
        let wait = pause_after(&mut cooldown, &mut rng, throttled(Duration::from_secs(42)));
        assert!((42.0..=44.1).contains(&wait.as_secs_f64()), "{wait:?}");
        let wait = pause_after(&mut cooldown, &mut rng, throttled(Duration::MAX));
        assert!(
            wait <= Duration::from_secs(3780),
            "an absurd one counts as an hour: {wait:?}"
        );
    }

    #[test]
    fn a_short_retry_after_again_and_again_is_followed_by_the_pauses_of_one_that_says_nothing() {
        let (mut cooldown, mut rng) = cooldown();
        let mut pauses = (0..9).map(|_| {
            let error = TokenError::new(TokenErrorKind::Unavailable, "down");
            pause_after(
                &mut cooldown,
                &mut rng,
                error.with_retry_after(Duration::from_secs(1)),
            )
        });
        let first = pauses.next().unwrap();
        assert!((1.0..=1.05).contains(&first.as_secs_f64()), "{first:?}");
        assert!(pauses.last().unwrap() >= Duration::from_secs(30));
    }

    #[test]
    fn two_kinds_of_trouble_in_turn_cut_neither_pause_short() {
        let (mut cooldown, mut rng) = cooldown();
        let mut pause = |kind| pause_after(&mut cooldown, &mut rng, TokenError::new(kind, "no"));
        for n in 0..6 {
            assert_eq!(pause(TokenErrorKind::Denied).as_secs(), 5 << n);
            let ceiling = Duration::from_millis(250 << n);
            assert!(pause(TokenErrorKind::Transport) >= ceiling / 2, "{n}");
        }
    }

    #[test]
    fn a_million_failures_overflow_nothing() {
        let (mut cooldown, mut rng) = cooldown();
        cooldown.failures = u32::MAX - 500_000;
        for _ in 0..1_000_000 {
            let error = TokenError::new(TokenErrorKind::Transport, "down");
            assert!(pause_after(&mut cooldown, &mut rng, error) <= Duration::from_secs(60));
        }
        assert_eq!(cooldown.failures, u32::MAX);
    }
}
