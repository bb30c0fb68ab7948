use std::{ops::RangeInclusive, time::Duration};

use crate::token::lifetime::EXPIRY_MARGIN;

/// How a [`TokenCache`](super::TokenCache) renews its token.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::token::CacheSettings;
///
/// const SETTINGS: CacheSettings =
///     CacheSettings::new().with_renew_before(Duration::from_secs(30 * 60)).with_attempts(2);
/// assert_ne!(SETTINGS, CacheSettings::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheSettings {
    pub(super) renew_before: Duration,
    pub(super) jitter: bool,
    pub(super) expiry_margin: Duration,
    pub(super) deadline: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) attempts: u32,
    pub(super) cooldown: CooldownSettings,
    pub(super) damper: DamperSettings,
}

/// How long the token endpoint is left alone after it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CooldownSettings {
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) denied_first: Duration,
    pub(super) denied_longest: Duration,
    pub(super) retry_after_longest: Duration,
}

/// How many renewals 401s may force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DamperSettings {
    pub(super) burst: u32,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) accepted_after: Duration,
}

/// Ten minutes leave room for several attempts, and cost less than 1 % of a day's token.
const RENEW_BEFORE: Duration = Duration::from_secs(10 * 60);
/// What a caller who needs a token can be asked to wait, below the time-outs of most callers.
const DEADLINE: Duration = Duration::from_secs(15);
/// Many times what an endpoint takes that works, with time left for the second request to be answered.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// One that is lost, one that meets the same trouble, one that gets through.
const ATTEMPTS: u32 = 3;

/// With less, a renewal would be taken for lost before it could have been answered, and another one
/// started.
const SHORTEST_DEADLINE: Duration = Duration::from_millis(100);

const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() < other.as_nanos() {
        other
    } else {
        one
    }
}

const COOLDOWN: CooldownSettings = CooldownSettings {
    first: Duration::from_millis(250),
    // The throttled 400 of the token endpoint is over after about a minute.
    longest: Duration::from_secs(60),
    // Refused credentials heal only when somebody acts, which takes a person minutes.
    denied_first: Duration::from_secs(5),
    denied_longest: Duration::from_secs(5 * 60),
    // An absurd `Retry-After` shall not switch a service off for the day.
    retry_after_longest: Duration::from_secs(60 * 60),
};

const DAMPER: DamperSettings = DamperSettings {
    // A second revocation right after the first is nobody's fault.
    burst: 3,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    accepted_after: Duration::from_secs(60),
};

impl CacheSettings {
    /// The defaults that each method states.
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

    /// How long before its end a token is renewed in the background, while it is still served.
    ///
    /// Never more than a quarter of the token's life. Each token is renewed up to half of this
    /// earlier, by chance, so that processes that started together do not renew together.
    /// Default: 10 minutes.
    #[must_use]
    pub const fn with_renew_before(mut self, margin: Duration) -> Self {
        self.renew_before = margin;
        self
    }

    /// Renews at the very moment that [`with_renew_before`](Self::with_renew_before) names, not up
    /// to half as much earlier. For tests, and where there is one process only.
    #[must_use]
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// How long before its end a token is no longer sent. Never more than a tenth of its life.
    /// Default: 30 seconds.
    ///
    /// On Linux a token may be sent for up to 10 ms longer than that: most requests look at a clock
    /// that goes on in such steps. With a margin of zero the API may see a token that has just
    /// expired.
    #[must_use]
    pub const fn with_expiry_margin(mut self, margin: Duration) -> Self {
        self.expiry_margin = margin;
        self
    }

    /// How long a renewal may take in all, attempts and the pauses between them, before all who
    /// wait for it get an error. Default: 15 seconds.
    ///
    /// At least 100 milliseconds. A renewal on a runtime that nobody drives any more is taken over
    /// by a caller on another one when this is over.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = longer(deadline, SHORTEST_DEADLINE);
        self
    }

    /// How long a request to the token endpoint may take before a second one is made beside it, while
    /// callers wait. Default: 8 seconds.
    ///
    /// The first may be lost, or the endpoint slow: it goes on until the
    /// [deadline](Self::with_deadline), and the first good answer is used. There is one such request
    /// at most in a renewal, and none in the background, after a renewal that has failed, where
    /// [`with_attempts`](Self::with_attempts) allows one request only, for tokens that processes
    /// [share](crate::store), or for a source that
    /// [forbids it](crate::token::TokenSource::may_overlap), such as codes and refresh tokens.
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How many requests a renewal may make while callers wait for it; at least one. Default: 3.
    ///
    /// A renewal in the background makes one, and so does one that follows a failure.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// How long the token endpoint is left alone after a failure: the start of the range, which each
    /// further failure doubles up to its end, less a random part, half of it at most. Default: 250
    /// milliseconds to 1 minute.
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
    /// A token endpoint that says how long it wants to be left alone is believed, up to an hour,
    /// unless that is shorter than this.
    #[must_use]
    pub const fn with_failure_pause(mut self, pause: RangeInclusive<Duration>) -> Self {
        self.cooldown.first = *pause.start();
        self.cooldown.longest = *pause.end();
        self
    }

    /// The same after the client was refused, without chance: somebody has to correct something
    /// first. Default: 5 seconds to 5 minutes.
    #[must_use]
    pub const fn with_denied_pause(mut self, pause: RangeInclusive<Duration>) -> Self {
        self.cooldown.denied_first = *pause.start();
        self.cooldown.denied_longest = *pause.end();
        self
    }

    /// How many renewals 401s may force one right after the other while fresh tokens go on being
    /// refused; then one in each pause, which begins at the start of the range and doubles up to its
    /// end. Default: 3, then one in 10 seconds to one in 5 minutes.
    ///
    /// Tokens that are accepted for a minute begin this anew. Without a limit, a mistake in the
    /// configuration would mint tokens in a loop, for which Genesys disables clients.
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
