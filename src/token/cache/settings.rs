use std::{ops::RangeInclusive, time::Duration};

use crate::token::lifetime::EXPIRY_MARGIN;

/// How a [`TokenCache`](super::TokenCache) renews its token.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::token::CacheSettings;
///
/// const SETTINGS: CacheSettings = CacheSettings::new()
///     .with_renew_before(Duration::from_secs(30 * 60))
///     .with_expiry_margin(Duration::from_secs(60))
///     .without_jitter() // there is only one process
///     .with_deadline(Duration::from_secs(20))
///     .with_attempt_timeout(Duration::from_secs(10))
///     .with_attempts(2)
///     .with_denied_pause(Duration::from_secs(30)..=Duration::from_secs(600))
///     .with_damper(2, Duration::from_secs(30)..=Duration::from_secs(600));
/// assert_ne!(SETTINGS, CacheSettings::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheSettings {
    // The setters document the fields.
    pub(super) renew_before: Duration,
    pub(super) jitter: bool,
    pub(super) expiry_margin: Duration,
    pub(super) deadline: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) attempts: u32,
    pub(super) cooldown: CooldownSettings,
    pub(super) damper: DamperSettings,
}

/// How long the cache pauses token requests after the token endpoint failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CooldownSettings {
    /// The pause after the first failure. It doubles with each further one.
    pub(super) first: Duration,
    /// The cap on that pause.
    pub(super) longest: Duration,
    /// The pause after the endpoint has refused the client for the first time.
    pub(super) denied_first: Duration,
    /// The cap on that pause.
    pub(super) denied_longest: Duration,
    /// The cap on a `Retry-After`.
    pub(super) retry_after_longest: Duration,
}

/// How many renewals 401s may force, and the pauses after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DamperSettings {
    /// How many forced renewals run without a pause.
    pub(super) burst: u32,
    /// The pause after them. It doubles with each further one.
    pub(super) first: Duration,
    /// The cap on that pause.
    pub(super) longest: Duration,
    /// How long the API must accept tokens for the count to start again.
    pub(super) accepted_after: Duration,
}

/// Ten minutes leave time for several attempts, and cost less than 1 % of a
/// day's token.
const RENEW_BEFORE: Duration = Duration::from_secs(10 * 60);
/// The longest time that a caller waits for a token: shorter than most callers'
/// time-outs.
const DEADLINE: Duration = Duration::from_secs(15);
/// Many times the latency of a working endpoint; it leaves the second request
/// time for a response.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// The first may be lost, the second may fail the same way, the third gets
/// through.
const ATTEMPTS: u32 = 3;

/// With a shorter deadline, the cache would take each renewal for lost before
/// the endpoint could respond, and start another one.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(100);

/// `Duration::max` is not const.
const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() < other.as_nanos() {
        other
    } else {
        one
    }
}

/// The default cooldown.
const COOLDOWN: CooldownSettings = CooldownSettings {
    first: Duration::from_millis(250),
    // The token endpoint lifts its throttling (a 400) after about a minute.
    longest: Duration::from_secs(60),
    // Only a person can correct refused credentials, and that takes minutes.
    denied_first: Duration::from_secs(5),
    denied_longest: Duration::from_secs(5 * 60),
    // An absurd `Retry-After` must not disable a service for a day.
    retry_after_longest: Duration::from_secs(60 * 60),
};

/// The default damper.
const DAMPER: DamperSettings = DamperSettings {
    // A second revocation soon after the first is normal and must not be
    // damped.
    burst: 3,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    accepted_after: Duration::from_secs(60),
};

impl CacheSettings {
    /// Returns the defaults, which each method states.
    pub const fn new() -> Self {
        Self {
            renew_before: RENEW_BEFORE,
            jitter: true,
            expiry_margin: EXPIRY_MARGIN,
            deadline: DEADLINE,
            attempt_timeout: ATTEMPT_TIMEOUT,
            attempts: ATTEMPTS,
            cooldown: COOLDOWN,
            damper: DAMPER,
        }
    }

    /// Sets how long before expiry the cache renews a token in the background;
    /// it serves the old token meanwhile. Default: 10 minutes.
    ///
    /// The value is capped at a quarter of the token's lifetime. At random, the
    /// cache renews each token earlier still, by up to half of the capped
    /// value, so that processes that started together renew at different times.
    #[must_use]
    pub const fn with_renew_before(mut self, margin: Duration) -> Self {
        self.renew_before = margin;
        self
    }

    /// Renews exactly at the time that
    /// [`with_renew_before`](Self::with_renew_before) sets, without the random
    /// part. Use it in tests, or if there is only one process.
    #[must_use]
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// Sets how long before expiry the cache stops serving a token. Default: 30
    /// seconds, capped at a tenth of the token's lifetime.
    ///
    /// On Linux the cache may serve a token up to 10 ms longer, because most
    /// requests read a clock that ticks every 1 to 10 ms. With a
    /// margin of zero, the API may receive a token that has just expired.
    #[must_use]
    pub const fn with_expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
        self
    }

    /// Sets how long a renewal may take: all its requests, and the pauses
    /// between them. After that, all waiting callers get an error. Default: 15
    /// seconds.
    ///
    /// A value below 100 milliseconds counts as 100 milliseconds. If the
    /// runtime of a renewal has stopped, a caller on another runtime takes the
    /// renewal over after this time.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = longer(deadline, SHORTEST_DEADLINE);
        self
    }

    /// Sets how long the cache waits for the token endpoint before it sends a
    /// second request in parallel, if callers wait. Default: 8 seconds.
    ///
    /// The first request may be lost, or the endpoint may be slow. The first
    /// request stays in flight until the [deadline](Self::with_deadline), and
    /// the cache uses the first good response. A renewal sends at most one such
    /// second request. It sends none:
    ///
    /// - in the background,
    /// - after a renewal that has failed,
    /// - if [`with_attempts`](Self::with_attempts) allows only one request,
    /// - for tokens that processes [share](crate::store),
    /// - for a source that [forbids
    ///   it](crate::token::TokenSource::may_overlap), such as codes and refresh
    ///   tokens.
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets how many token requests a renewal may send while callers wait for
    /// it. 0 counts as 1. Default: 3.
    ///
    /// A renewal in the background sends one request. A renewal after a failed
    /// one sends one, too.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// Sets the cooldown after a failed renewal. It starts at the start of the
    /// range, and each further failure doubles it, up to the end of the range.
    /// A random part of at most half is taken off. Default: 250 milliseconds to
    /// 1 minute.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::token::CacheSettings;
    ///
    /// let pause = Duration::from_secs(1)..=Duration::from_secs(30);
    /// let settings = CacheSettings::new().with_failure_pause(pause);
    /// assert_ne!(settings, CacheSettings::new());
    /// ```
    ///
    /// If the token endpoint sends a longer `Retry-After`, the cache follows
    /// it, up to an hour.
    #[must_use]
    pub const fn with_failure_pause(mut self, pause: RangeInclusive<Duration>) -> Self {
        self.cooldown.first = *pause.start();
        self.cooldown.longest = *pause.end();
        self
    }

    /// Sets the cooldown after the token endpoint refused the client, without a
    /// random part. It is longer, because a person must correct the
    /// configuration first. Default: 5 seconds to 5 minutes.
    #[must_use]
    pub const fn with_denied_pause(mut self, pause: RangeInclusive<Duration>) -> Self {
        self.cooldown.denied_first = *pause.start();
        self.cooldown.denied_longest = *pause.end();
        self
    }

    /// Limits the renewals that 401s force while the API refuses fresh tokens.
    /// The first `burst` renewals run at once; 0 counts as 1. After them the
    /// cache renews once per pause. The pause starts at the start of the range
    /// and doubles up to its end. Default: 3, then one per 10 seconds to one
    /// per 5 minutes.
    ///
    /// The limit resets when the API has accepted tokens for a minute. Without
    /// a limit, a configuration error would mint tokens in a loop, and Genesys
    /// disables clients that do so.
    #[must_use]
    pub const fn with_damper(mut self, burst: u32, pause: RangeInclusive<Duration>) -> Self {
        self.damper.burst = if burst == 0 { 1 } else { burst };
        self.damper.first = *pause.start();
        self.damper.longest = *pause.end();
        self
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_docs() {
        let settings = CacheSettings::default();
        assert_eq!(settings.renew_before, Duration::from_secs(600));
        assert_eq!(settings.expiry_margin, Duration::from_secs(30));
        assert_eq!(settings.deadline, Duration::from_secs(15));
        assert_eq!(settings.attempt_timeout, Duration::from_secs(8));
        assert_eq!(settings.attempts, 3);
        assert_eq!(settings.with_attempts(0).attempts, 1);
        assert!(settings.jitter);
        let ms = Duration::from_millis;
        let (cooldown, damper) = (settings.cooldown, settings.damper);
        assert_eq!((cooldown.first, cooldown.longest), (ms(250), ms(60_000)));
        assert_eq!(
            (cooldown.denied_first, cooldown.denied_longest),
            (ms(5_000), ms(300_000))
        );
        assert_eq!(cooldown.retry_after_longest, ms(3_600_000));
        assert_eq!(
            (damper.burst, damper.first, damper.longest),
            (3, ms(10_000), ms(300_000))
        );
        assert_eq!(damper.accepted_after, ms(60_000));
    }
}
