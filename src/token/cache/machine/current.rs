use std::time::Duration;

use tokio::time::Instant;

use crate::token::{
    AccessToken, IssuedToken, TokenError, TokenErrorKind,
    cache::{CacheSettings, cooldown::later, moment::Moment},
    lifetime,
};

/// The token adopted last, and its times.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) token: AccessToken,
    /// When its request was sent. Its lifetime counts from then.
    pub(super) sent: Moment,
    /// When the cache adopted it.
    pub(super) adopted: Instant,
    /// How long the cache serves such a token from its issue on.
    pub(super) whole: Duration,
    /// The time from `sent` until the cache renews it in the background.
    pub(super) due_after: Duration,
    /// The time from `sent` until the cache stops serving it.
    pub(super) expires_after: Duration,
    /// When the source wants a check although the token is valid.
    pub(super) check_at: Option<Instant>,
    /// Whether the API has refused the token.
    pub(super) refused: bool,
    /// Whether the owner wants another token. The cache serves this one until
    /// then.
    pub(super) unwanted: bool,
}

/// The phase of a token's lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// The cache serves it.
    Fresh,
    /// The cache serves it, and renews it in the background.
    Due,
    /// The cache never serves it.
    Expired,
}

/// The shortest time between checks, whatever a source asks for.
const SHORTEST_CHECK: Duration = Duration::from_secs(1);

impl Current {
    /// Computes the token's two times, both counted from the send of its
    /// request. `chance` is a random number from 0 to 1.
    pub(super) fn new(
        token: AccessToken,
        issued: &IssuedToken,
        sent: Moment,
        adopted: Instant,
        settings: &CacheSettings,
        chance: f64,
    ) -> Self {
        let (life, remaining) = issued.bounds();
        let ahead = settings.renew_before.min(life / 4);
        let jitter = (ahead / 2).mul_f64(if settings.jitter { chance } else { 0.0 });
        let margin = lifetime::margin(settings.expiry_margin, life);
        let expires_after = remaining.saturating_sub(margin);
        Self {
            token,
            sent,
            adopted,
            whole: life.saturating_sub(margin),
            due_after: remaining.saturating_sub(ahead + jitter).min(expires_after),
            expires_after,
            check_at: issued
                .check_in()
                .map(|wait| later(adopted, wait.max(SHORTEST_CHECK))),
            refused: false,
            unwanted: false,
        }
    }

    /// Returns whether the token would have lasted this long at its issue, but
    /// no longer did on arrival, because other processes had it first.
    pub(super) fn came_used(&self, lasting: Duration) -> bool {
        self.expires_after < lasting && lasting <= self.whole
    }

    /// Returns whether the API or the owner wants another token.
    pub(super) fn is_given_up(&self) -> bool {
        self.refused || self.unwanted
    }

    /// Returns the phase at this moment.
    pub(super) fn age(&self, now: Moment) -> Age {
        match now.since(self.sent) {
            age if age >= self.expires_after => Age::Expired,
            age if age >= self.due_after => Age::Due,
            _ => Age::Fresh,
        }
    }

    /// Returns whether the source's check is due.
    pub(super) fn wants_check(&self, now: Moment) -> bool {
        self.check_at.is_some_and(|at| at <= now.mono)
    }

    /// Returns how long background renewals pause after one returned this same
    /// token: never past the next check.
    pub(super) fn pause_after_same(&self) -> Duration {
        let pause = self.background_pause();
        let check_in = self.check_at.map(|at| at - self.adopted);
        check_in.map_or(pause, |check_in| pause.min(check_in))
    }

    /// Returns how long background renewals pause after a useless one: an
    /// eighth of the time between due and expiry, so that there are about eight
    /// for a token of any lifetime.
    pub(super) fn background_pause(&self) -> Duration {
        let span = self.expires_after.saturating_sub(self.due_after);
        (span / 8).max(Duration::from_secs(1))
    }
}

pub(super) fn closed() -> TokenError {
    TokenError::new(
        TokenErrorKind::Closed,
        "no valid token: the token cache was closed, so it renews nothing; send requests before \
         `close`",
    )
}

pub(super) fn expired_on_arrival() -> TokenError {
    TokenError::new(
        TokenErrorKind::Malformed,
        "the new token cannot be used: it had already expired on arrival; check the clock of this \
         machine, and the latency of the token endpoint",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Generation;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Returns a token that arrived with 100 of its 200 seconds left, and is
    /// due after 20.
    fn used() -> Current {
        let now = Moment::now();
        let settings = CacheSettings::default();
        let issued = IssuedToken::new("used", seconds(1000));
        let token = AccessToken::new("used", Generation::NONE.next()).unwrap();
        Current {
            whole: seconds(200),
            due_after: seconds(20),
            expires_after: seconds(100),
            ..Current::new(token, &issued, now, now.mono, &settings, 0.0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_came_used_for_those_whom_only_a_whole_one_would_serve() {
        let lasting = [99, 100, 101, 200, 201].map(|lasting| used().came_used(seconds(lasting)));
        assert_eq!(lasting, [false, false, true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_same_token_renewals_rest_for_an_eighth_but_not_past_the_next_check() {
        let checked = |check_in: Option<u64>| {
            let mut current = used();
            current.check_at = check_in.map(|wait| current.adopted + seconds(wait));
            current.pause_after_same()
        };
        let pauses = [None, Some(4), Some(20)].map(checked);
        assert_eq!(pauses, [seconds(10), seconds(4), seconds(10)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_life_leaves_a_pause_of_a_second() {
        let pause = |due_after| {
            let mut current = used();
            current.due_after = seconds(due_after);
            current.background_pause()
        };
        assert_eq!([pause(92), pause(84)], [seconds(1), seconds(2)]);
    }
}
