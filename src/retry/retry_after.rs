use std::time::{Duration, SystemTime};

use fastrand::Rng;
use http::{
    HeaderMap,
    header::{DATE, HeaderValue, RETRY_AFTER},
};

/// How long the server asked to be left alone, from `Retry-After` (RFC 9110, section 10.2.3).
///
/// A floor: what is waited is this or more, never less.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
/// use tower_genesys::retry::RetryAfter;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(RETRY_AFTER, HeaderValue::from_static("42"));
/// let after = RetryAfter::from_headers(&headers, SystemTime::now());
/// assert_eq!(after, Some(RetryAfter::new(Duration::from_secs(42))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// The longest wait there is, 100 years: larger numbers count as this one, so that no sum of
    /// waits and clocks can overflow.
    pub const MAX: Self = Self(Duration::from_secs(100 * 365 * 24 * 60 * 60));

    /// At most this part of the wait is added to it at random (a tenth), so that the clients that
    /// were told the same number do not all come back in the same instant.
    const JITTER_DIVISOR: u32 = 10;

    /// At most this is added at random: ten percent of three minutes, the longest wait that the
    /// default policy accepts, is not worth more than a few seconds of latency.
    const JITTER_CAP: Duration = Duration::from_secs(5);

    /// A wait of this length, [`MAX`](Self::MAX) at most.
    pub const fn new(wait: Duration) -> Self {
        if wait.as_secs() >= Self::MAX.0.as_secs() {
            return Self::MAX;
        }
        Self(wait)
    }

    /// What the headers of a response ask for: a number of seconds, or an HTTP date.
    ///
    /// White space around the value is ignored, and so is a value that is neither. A date is
    /// compared with the response's own `Date`, if there is one, and else with `now`: the two
    /// clocks need not agree. A date that is over is a wait of zero.
    pub fn from_headers(headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let value = text(headers.get(RETRY_AFTER)?)?;
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // Only digits: what does not parse is too large.
            let seconds = value.parse().unwrap_or(u64::MAX);
            return Some(Self::new(Duration::from_secs(seconds)));
        }
        let at = httpdate::parse_http_date(value).ok()?;
        let sent = headers.get(DATE).and_then(text);
        let sent = sent.and_then(|date| httpdate::parse_http_date(date).ok());
        let wait = at.duration_since(sent.unwrap_or(now)).unwrap_or_default();
        Some(Self::new(wait))
    }

    /// How long the wait is at least.
    pub const fn wait(self) -> Duration {
        self.0
    }

    /// The wait and a little more: up to a tenth, and 5 s at most.
    pub(crate) fn jittered(self, rng: &mut Rng) -> Duration {
        let span = (self.0 / Self::JITTER_DIVISOR).min(Self::JITTER_CAP);
        self.0.saturating_add(span.mul_f64(rng.f64()))
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &str, now: SystemTime) -> Option<RetryAfter> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        RetryAfter::from_headers(&headers, now)
    }

    fn seconds(seconds: u64) -> Option<RetryAfter> {
        Some(RetryAfter(Duration::from_secs(seconds)))
    }

    #[test]
    fn a_number_is_seconds_with_white_space_around_it_or_without() {
        let now = SystemTime::now();
        assert_eq!(parse("42", now), seconds(42));
        assert_eq!(parse("  42\t", now), seconds(42));
        assert_eq!(parse("007", now), seconds(7));
        assert_eq!(parse("0", now), seconds(0));
    }

    #[test]
    fn what_is_neither_number_nor_date_is_ignored() {
        let now = SystemTime::now();
        for value in ["", " ", "-5", "1.5", "soon", "4 2", "+3", "0x10"] {
            assert_eq!(parse(value, now), None, "{value:?}");
        }
        assert_eq!(RetryAfter::from_headers(&HeaderMap::new(), now), None);
    }

    #[test]
    fn absurd_numbers_saturate() {
        let now = SystemTime::now();
        let max = Some(RetryAfter::MAX);
        assert_eq!(parse("18446744073709551615", now), max);
        assert_eq!(parse("99999999999999999999999999999999999999", now), max);
        assert_eq!(RetryAfter::new(Duration::MAX), RetryAfter::MAX);
        let far = RetryAfter::MAX.jittered(&mut Rng::with_seed(1));
        assert!(far >= RetryAfter::MAX.wait());
    }

    #[test]
    fn a_date_counts_from_now() {
        let now = httpdate::parse_http_date("Tue, 15 Nov 1994 08:12:31 GMT").unwrap();
        assert_eq!(parse("Tue, 15 Nov 1994 08:13:31 GMT", now), seconds(60));
        assert_eq!(parse("Tue, 15 Nov 1994 08:12:00 GMT", now), seconds(0));
    }

    #[test]
    fn a_date_counts_from_the_server_clock_when_it_is_given() {
        let now = SystemTime::UNIX_EPOCH;
        let mut headers = HeaderMap::new();
        let at = HeaderValue::from_static("Tue, 15 Nov 1994 08:13:31 GMT");
        headers.insert(RETRY_AFTER, at);
        let date = HeaderValue::from_static("Tue, 15 Nov 1994 08:12:31 GMT");
        headers.insert(DATE, date);
        assert_eq!(RetryAfter::from_headers(&headers, now), seconds(60));
    }

    proptest! {
        #[test]
        fn no_value_panics(value in "[ -~]{0,60}", at in 0u64..u64::MAX / 2) {
            let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at));
            if let Some(after) = parse(&value, now.unwrap_or(SystemTime::UNIX_EPOCH)) {
                prop_assert!(after <= RetryAfter::MAX);
            }
        }

        #[test]
        fn jitter_goes_upward_only_and_by_a_tenth_at_most(ms: u64, seed: u64) {
            let after = RetryAfter::new(Duration::from_millis(ms));
            let wait = after.jittered(&mut Rng::with_seed(seed));
            prop_assert!(wait >= after.wait());
            prop_assert!(wait <= after.wait() + after.wait() / 10);
            prop_assert!(wait <= after.wait() + Duration::from_secs(5));
        }
    }
}
