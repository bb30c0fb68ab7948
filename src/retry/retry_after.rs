use std::time::{Duration, SystemTime};

use fastrand::Rng;
use http::{
    HeaderMap,
    header::{DATE, HeaderValue, RETRY_AFTER},
};

/// The wait that a server asks for in `Retry-After` (RFC 9110, section 10.2.3).
///
/// It is a minimum: `Retry` waits for this time or slightly longer.
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
    /// The longest wait, 100 years. A larger number counts as this one, so that
    /// no sum of a wait and a time overflows.
    pub const MAX: Self = Self(Duration::from_secs(100 * 365 * 24 * 60 * 60));

    /// The random time that is added to a wait is at most the wait divided by
    /// this, so that clients with the same `Retry-After` do not all return at
    /// once.
    const JITTER_DIVISOR: u32 = 10;

    /// The maximum of that random time. A tenth of three minutes, the longest
    /// wait that the default policy accepts, would be more latency than spread
    /// is worth.
    const JITTER_CAP: Duration = Duration::from_secs(5);

    /// Creates a wait of this length, or of [`MAX`](Self::MAX) if it is longer.
    pub const fn new(wait: Duration) -> Self {
        if wait.as_secs() >= Self::MAX.0.as_secs() {
            return Self::MAX;
        }
        Self(wait)
    }

    /// Returns the wait that the headers of a response ask for: a number of
    /// seconds, or an HTTP date.
    ///
    /// - A decimal fraction (`1.5`) is rounded up to the next second.
    /// - Of several values (a gateway may add its own) the longest wait
    ///   applies.
    /// - White space around a value is ignored. A value that is neither number
    ///   nor date is ignored, too.
    /// - A date is compared with the response's own `Date`, because its clock
    ///   may differ from ours, or without one with `now`. A date in the past is
    ///   a wait of zero.
    ///
    /// Only headers are read. Genesys repeats the number in the message of a
    /// 429 (`Retry the request in [42] seconds`), but the body belongs to the
    /// caller, and arrives after the decision.
    /// [`ApiError::retry_after`](crate::ApiError::retry_after) reads it.
    pub fn from_headers(headers: &HeaderMap, now: SystemTime) -> Option<Self> {
        let sent = headers.get(DATE).and_then(text);
        let sent = sent.and_then(|date| httpdate::parse_http_date(date).ok());
        let values = headers.get_all(RETRY_AFTER).iter().filter_map(text);
        values
            .filter_map(|value| Self::parse(value, sent.unwrap_or(now)))
            .max()
    }

    /// Parses the value of one header: a date, or numbers, which a proxy may
    /// have joined by commas.
    fn parse(value: &str, now: SystemTime) -> Option<Self> {
        // The date comes first: it contains a comma itself.
        if let Ok(at) = httpdate::parse_http_date(value) {
            return Some(Self::new(at.duration_since(now).unwrap_or_default()));
        }
        let seconds = value.split(',').filter_map(|part| seconds(part.trim()));
        seconds.max().map(Duration::from_secs).map(Self::new)
    }

    /// Returns the minimum wait.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Returns the wait plus a random time: up to a tenth of it, and at most 5
    /// s.
    pub(crate) fn jittered(self, rng: &mut Rng) -> Duration {
        let span = (self.0 / Self::JITTER_DIVISOR).min(Self::JITTER_CAP);
        self.0.saturating_add(span.mul_f64(rng.f64()))
    }
}

/// Parses a number of seconds, rounded up: digits, perhaps with a point and a
/// fraction.
fn seconds(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // Digits that do not parse are too large.
    let seconds: u64 = whole.parse().unwrap_or(u64::MAX);
    let more = fraction.bytes().any(|digit| digit != b'0');
    Some(seconds.saturating_add(u64::from(more)))
}

/// Returns the text of a header without white space around it.
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

    fn wait(seconds: u64) -> Option<RetryAfter> {
        Some(RetryAfter(Duration::from_secs(seconds)))
    }

    #[test]
    fn a_number_is_seconds_with_white_space_around_it_or_without() {
        let now = SystemTime::now();
        assert_eq!(parse("42", now), wait(42));
        assert_eq!(parse("  42\t", now), wait(42));
        assert_eq!(parse("007", now), wait(7));
        assert_eq!(parse("0", now), wait(0));
    }

    #[test]
    fn what_is_neither_number_nor_date_is_ignored() {
        let now = SystemTime::now();
        for value in [
            "", " ", "-5", "soon", "4 2", "+3", "0x10", ".5", "1.", "1.5.0", "1e3", "1,5s", ",",
        ] {
            let found = parse(value, now);
            // Of a list, the parts that are numbers count.
            let expected = if value == "1,5s" { wait(1) } else { None };
            assert_eq!(found, expected, "{value:?}");
        }
        assert_eq!(RetryAfter::from_headers(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_fraction_is_rounded_up() {
        let now = SystemTime::now();
        for (value, expected) in [
            ("30.0", 30),
            ("1.5", 2),
            ("0.001", 1),
            ("0.0", 0),
            ("59.999999999999999999999", 60),
        ] {
            assert_eq!(parse(value, now), wait(expected), "{value:?}");
        }
        let huge = format!("{}.5", u64::MAX);
        assert_eq!(parse(&huge, now), Some(RetryAfter::MAX));
    }

    #[test]
    fn of_two_headers_the_longer_wait_counts_in_any_order_and_form() {
        let now = httpdate::parse_http_date("Tue, 15 Nov 1994 08:12:31 GMT").unwrap();
        for (first, second, expected) in [
            ("30", "60", 60),
            ("60", "30", 60),
            ("soon", "7", 7),
            ("5", "Tue, 15 Nov 1994 08:13:31 GMT", 60),
            ("Tue, 15 Nov 1994 08:13:31 GMT", "90.5", 91),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(RETRY_AFTER, HeaderValue::from_static(first));
            headers.append(RETRY_AFTER, HeaderValue::from_static(second));
            let after = RetryAfter::from_headers(&headers, now);
            assert_eq!(after, wait(expected), "{first}, {second}");
        }
        assert_eq!(parse("30, 60", now), wait(60));
    }

    #[test]
    fn absurd_numbers_saturate() {
        let now = SystemTime::now();
        let max = Some(RetryAfter::MAX);
        assert_eq!(parse("18446744073709551615", now), max);
        assert_eq!(parse("99999999999999999999999999999999999999", now), max);
        assert_eq!(RetryAfter::new(Duration::MAX), RetryAfter::MAX);
        let far = RetryAfter::MAX.jittered(&mut Rng::with_seed(1));
        assert!(far >= RetryAfter::MAX.get());
    }

    #[test]
    fn a_date_counts_from_now() {
        let now = httpdate::parse_http_date("Tue, 15 Nov 1994 08:12:31 GMT").unwrap();
        assert_eq!(parse("Tue, 15 Nov 1994 08:13:31 GMT", now), wait(60));
        assert_eq!(parse("Tue, 15 Nov 1994 08:12:00 GMT", now), wait(0));
    }

    #[test]
    fn a_date_counts_from_the_server_clock_when_it_is_given() {
        let now = SystemTime::UNIX_EPOCH;
        let mut headers = HeaderMap::new();
        let at = HeaderValue::from_static("Tue, 15 Nov 1994 08:13:31 GMT");
        headers.insert(RETRY_AFTER, at);
        let date = HeaderValue::from_static("Tue, 15 Nov 1994 08:12:31 GMT");
        headers.insert(DATE, date);
        assert_eq!(RetryAfter::from_headers(&headers, now), wait(60));
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
            prop_assert!(wait >= after.get());
            prop_assert!(wait <= after.get() + after.get() / 10);
            prop_assert!(wait <= after.get() + Duration::from_secs(5));
        }
    }
}
