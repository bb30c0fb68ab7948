//! How long a token is used: what the cache, and the processes that share a token, agree on.

use std::time::Duration;

/// A token without a life is used for so long: a source that hands out such tokens would be asked in
/// a loop otherwise, and a fleet that could not keep one would ask together.
const SHORTEST: Duration = Duration::from_secs(2);

/// Genesys' longest, for SCIM clients, counts for a token that seems to live for ever: every clock
/// can show it, every store keep it, and no sum exceeds.
const LONGEST: Duration = Duration::from_secs(450 * 24 * 60 * 60);

/// The clocks of client and service may differ a little, and a request takes its time to arrive.
pub(crate) const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// A lifetime that is believed, and how much of it is left.
pub(super) fn bounded(lifetime: Duration, remaining: Duration) -> (Duration, Duration) {
    let believed = lifetime.clamp(SHORTEST, LONGEST);
    // What is left of a life that is not believed says nothing.
    match lifetime < SHORTEST {
        true => (believed, believed),
        false => (believed, remaining.min(believed)),
    }
}

/// How long before its end a token of this lifetime is no longer sent: a tenth of it at most, so
/// that there is a time in which it is.
pub(crate) fn margin(expiry_margin: Duration, lifetime: Duration) -> Duration {
    expiry_margin.min(lifetime / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_lifetime_is_two_seconds_to_450_days() {
        assert_eq!(
            bounded(Duration::ZERO, Duration::ZERO),
            (2 * SECOND, 2 * SECOND)
        );
        assert_eq!(bounded(SECOND, Duration::ZERO), (2 * SECOND, 2 * SECOND));
        assert_eq!(bounded(2 * SECOND, SECOND), (2 * SECOND, SECOND));
        assert_eq!(bounded(Duration::MAX, SECOND), (LONGEST, SECOND));
        assert_eq!(bounded(Duration::MAX, Duration::MAX), (LONGEST, LONGEST));
        assert_eq!(LONGEST.as_secs(), 38_880_000);
    }

    #[test]
    fn a_margin_is_a_tenth_of_a_short_life() {
        assert_eq!(margin(EXPIRY_MARGIN, 3600 * SECOND), 30 * SECOND);
        assert_eq!(margin(EXPIRY_MARGIN, 300 * SECOND), 30 * SECOND);
        assert_eq!(margin(EXPIRY_MARGIN, 20 * SECOND), 2 * SECOND);
        assert_eq!(margin(Duration::ZERO, 20 * SECOND), Duration::ZERO);
    }
}
