//! The lifetime of a token, as the cache and the processes that share the token
//! count it.

use std::time::Duration;

/// The minimum: a shorter lifetime counts as this one. Without it, the cache
/// would ask a source of such tokens in a loop, and so would every process of a
/// fleet.
const SHORTEST: Duration = Duration::from_secs(2);

/// The cap on a lifetime: Genesys' longest, for SCIM clients. Every clock and
/// store can represent it, and no sum overflows.
const LONGEST: Duration = Duration::from_secs(450 * 24 * 60 * 60);

/// The default time before expiry at which the cache stops serving a token: the
/// clocks of client and service differ a little, and a request takes time to
/// arrive.
pub(crate) const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// Limits a lifetime and its remainder to plausible values.
pub(super) fn bounded(lifetime: Duration, remaining: Duration) -> (Duration, Duration) {
    let believed = lifetime.clamp(SHORTEST, LONGEST);
    // The remainder of an implausible lifetime means nothing.
    match lifetime < SHORTEST {
        true => (believed, believed),
        false => (believed, remaining.min(believed)),
    }
}

/// Returns how long before expiry the cache stops serving a token of this
/// lifetime: at most a tenth of it, so that the cache serves every token for
/// some time.
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
