//! A wait that a server asks for is never longer than documented, and every
//! number is understood.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use tower_genesys::retry::RetryAfter;

/// Panics if not. The data is `Retry-After`, `Date`, and the seconds on the
/// client's clock, on a line each.
pub fn check(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (after, date, clock) = (line(), line(), line());
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(after) else {
        return;
    };
    headers.insert(RETRY_AFTER, value);
    if let Ok(date) = HeaderValue::from_bytes(date) {
        headers.insert(DATE, date);
    }
    let clock = std::str::from_utf8(clock)
        .ok()
        .and_then(|clock| clock.parse().ok());
    let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(clock.unwrap_or_default()));
    let now = now.unwrap_or(SystemTime::UNIX_EPOCH);

    let asked = RetryAfter::from_headers(&headers, now);
    let digits = after.trim_ascii();
    // A number needs no clock, and one too large for a `u64` is still a long
    // wait.
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        let plain = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok());
        let seconds = plain
            .unwrap_or(u64::MAX)
            .min(RetryAfter::MAX.get().as_secs());
        assert_eq!(
            asked.map(RetryAfter::get),
            Some(Duration::from_secs(seconds))
        );
    }
    if let Some(asked) = asked {
        assert!(asked <= RetryAfter::MAX);
        assert_eq!(RetryAfter::new(asked.get()), asked);
    }
}
