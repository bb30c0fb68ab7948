//! The pauses of a process: while another process leads, after a failure of the
//! store, between fetches without the store, and after a failure of the token
//! endpoint.

use std::time::Duration;

use tokio::time::Instant;

use crate::token::{TokenError, TokenErrorKind};

/// The ceiling of the first pause between two questions to the store.
const FIRST_POLL: Duration = Duration::from_millis(100);
/// The most that a follower may lose after the leader has finished.
const LONGEST_POLL: Duration = Duration::from_millis(250);
/// A lower bound, so that a store whose leases are always about to end is not
/// asked in a loop.
const SHORTEST_POLL: Duration = Duration::from_millis(20);
/// The number of changes of leader after which a follower stops waiting. One
/// is normal: a leader was killed. After the second, two leaders have published
/// neither a token nor a cooldown, and a third one would leave no time for a
/// request.
const HANDOVERS: u32 = 2;
/// How long callers skip a store that has failed, before the random third that
/// [`Breaker::failed`] adds. Renewals in the background notice when it works.
const FOREGROUND_PAUSE: Duration = Duration::from_secs(30);
/// The same for renewals in the background, for which no caller waits.
const BACKGROUND_PAUSE: Duration = Duration::from_secs(2);
/// The pause between fetches of a process without the store. Otherwise a fleet
/// in an outage would mint so many tokens that Genesys evicts those in use.
const ALONE_PAUSE: Duration = Duration::from_secs(10);
/// How soon a process without the store looks for the others again: all are
/// together 30 seconds after an outage.
const CHECK_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));
/// Makes a fleet call a failing endpoint once a second, instead of once per
/// process.
const TRANSIENT_COOLDOWN: Duration = Duration::from_secs(1);
/// For the 400 by which the token endpoint throttles, which names no time; it
/// ends after about a minute.
const THROTTLED_COOLDOWN: Duration = Duration::from_secs(10);
/// Bounds an absurd `Retry-After`, which would disable a fleet for the day.
pub(super) const LONGEST_COOLDOWN: Duration = Duration::from_secs(60 * 60);

/// A wait for the leaders. It starts over after an unusable token and after a
/// cooldown, since either shows that a leader got further.
#[derive(Debug)]
pub(super) struct Polling {
    /// The longest next pause. It grows with each one.
    ceiling: Duration,
    /// The leader's remaining time at the last question.
    left: Option<Duration>,
    /// How many leaders have replaced another one during this wait.
    handovers: u32,
}

impl Polling {
    pub(super) const fn new() -> Self {
        Self {
            ceiling: FIRST_POLL,
            left: None,
            handovers: 0,
        }
    }

    /// Records the remaining time of the current leader: more than before means
    /// another leader. Returns whether too many leaders have failed for waiting
    /// to be useful.
    pub(super) fn is_in_vain(&mut self, left: Duration) -> bool {
        let before = self.left.replace(left);
        self.handovers += u32::from(before.is_some_and(|before| left > before));
        self.handovers >= HANDOVERS
    }

    /// Returns the next pause: random, so that not all processes ask at once,
    /// and longer each time. `left` is the leader's remaining time.
    pub(super) fn next(&mut self, left: Duration) -> Duration {
        let wait = self.ceiling.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.ceiling = (self.ceiling * 3 / 2).min(LONGEST_POLL);
        wait.min(left).max(SHORTEST_POLL)
    }
}

/// Skips a store that has failed, so that an outage costs one time-out in all
/// instead of one per caller.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The last failure, unless an operation has succeeded since.
    failed_at: Option<Instant>,
    /// How long callers skip the store after it. Drawn once for each failure,
    /// so that all fetches agree.
    foreground_pause: Duration,
}

impl Breaker {
    /// Returns whether a fetch may ask the store now.
    pub(super) fn allows(&self, in_background: bool, now: Instant) -> bool {
        let pause = match in_background {
            true => BACKGROUND_PAUSE,
            false => self.foreground_pause,
        };
        self.failed_at
            .is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Returns whether the store has failed since it last worked.
    pub(super) fn is_failing(&self) -> bool {
        self.failed_at.is_some()
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.failed_at = Some(now);
        // Up to a third longer, so that a fleet does not return all at once.
        self.foreground_pause = FOREGROUND_PAUSE.mul_f64(1.0 + fastrand::f64() / 3.0);
    }

    pub(super) fn worked(&mut self) {
        self.failed_at = None;
    }
}

/// Limits the fetches of a process without the store.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// The begin of the last fetch, successful or not.
    last: Option<Instant>,
}

impl Limiter {
    /// Returns the time until the next fetch is allowed.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.last.map_or(Duration::ZERO, |last| {
            (last + ALONE_PAUSE).saturating_duration_since(now)
        })
    }

    /// Records a fetch that begins now.
    pub(super) fn fetches(&mut self, now: Instant) {
        self.last = Some(now);
    }
}

/// Returns when a process without the store looks for the others again.
pub(super) fn check_after() -> Duration {
    let (shortest, longest) = CHECK_AFTER;
    shortest + (longest - shortest).mul_f64(fastrand::f64())
}

/// Returns the cooldown for all processes after this error, or `None` if this
/// process may have caused it: a process with a wrong secret must not stop the
/// others.
pub(super) fn cooldown_after(error: &TokenError) -> Option<Duration> {
    use TokenErrorKind as Kind;
    // The endpoint itself asks for a pause. It means the client, which all
    // processes use.
    if error.asks_for_rest() {
        let asked = error.retry_after().unwrap_or(THROTTLED_COOLDOWN);
        return Some(asked.clamp(TRANSIENT_COOLDOWN, LONGEST_COOLDOWN));
    }
    match error.kind() {
        // The endpoint or the way to it fails, for other processes as well.
        Kind::Unavailable | Kind::Transport | Kind::TimedOut | Kind::Malformed => {
            Some(TRANSIENT_COOLDOWN)
        }
        // About this process: its secret, its credentials, its runtime.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_tenth_to_a_quarter_of_a_second_and_end_with_the_lease() {
        let mut polling = Polling::new();
        let hour = Duration::from_secs(3600);
        let waits: Vec<_> = (0..100).map(|_| polling.next(hour).as_millis()).collect();
        assert!((50..=100).contains(&waits[0]), "{waits:?}");
        assert!(
            waits[5..].iter().all(|wait| (125..=250).contains(wait)),
            "{waits:?}"
        );
        for (left, expected) in [(27, 27), (7, 20), (0, 20)] {
            let wait = polling.next(Duration::from_millis(left));
            assert_eq!(wait.as_millis(), expected, "{left}");
        }
    }

    #[test]
    fn waiting_is_in_vain_when_the_second_leader_is_followed_by_a_third() {
        for (lefts, expected) in [
            (&[10, 9, 1, 10, 9, 8, 0][..], false),
            (&[10, 9, 10, 9, 10], true),
            (&[10, 10, 10, 10], false),
            (&[1, 2, 3], true),
        ] {
            let mut polling = Polling::new();
            let lefts = lefts.iter().map(|left| Duration::from_secs(*left));
            let is_in_vain = lefts.fold(false, |_, left| polling.is_in_vain(left));
            assert_eq!(is_in_vain, expected);
        }
    }

    #[test]
    fn a_failed_store_is_not_asked_for_callers_for_half_a_minute() {
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

    #[test]
    fn only_the_endpoints_own_trouble_keeps_others_from_asking() {
        use TokenErrorKind as Kind;
        let seconds = |error: TokenError| cooldown_after(&error).map(|wait| wait.as_secs());
        for (kind, expected) in [
            (Kind::Denied, None),
            (Kind::Credentials, None),
            (Kind::LoginRequired, None),
            (Kind::Throttled, Some(10)),
            (Kind::Unavailable, Some(1)),
            (Kind::Transport, Some(1)),
            (Kind::TimedOut, Some(1)),
            (Kind::Malformed, Some(1)),
        ] {
            assert_eq!(seconds(TokenError::new(kind, "")), expected, "{kind:?}");
        }
        let asked = |kind, wait| TokenError::new(kind, "").with_retry_after(wait);
        assert_eq!(
            seconds(asked(Kind::Throttled, Duration::from_secs(42))),
            Some(42)
        );
        assert_eq!(seconds(asked(Kind::Unavailable, Duration::MAX)), Some(3600));
    }
}
