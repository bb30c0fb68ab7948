//! Times of the mock, in milliseconds since 1970: the clock, and the API's
//! notation.

use std::{
    ops::Range,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// The time of day, advanced by tokio's clock: with a paused clock, a job of an
/// hour reports an hour.
///
/// It starts when it is first read, because a mock may be created outside of a
/// runtime.
#[derive(Default)]
pub(super) struct Clock {
    /// The time of the first reading, on both clocks.
    began: OnceLock<(i64, Instant)>,
}

impl Clock {
    /// Returns the milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        let (wall, began) = self.began.get_or_init(|| (wall(), Instant::now()));
        let since = began.elapsed().as_millis();
        wall.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

/// Returns the time of the system's clock.
fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Parses an interval such as
/// `2026-01-05T00:00:00.000Z/2026-01-12T00:00:00.000Z`.
pub(super) fn parse_interval(text: &str) -> Option<Range<i64>> {
    let (start, end) = text.split_once('/')?;
    let (start, end) = (parse(start)?, parse(end)?);
    (start < end).then_some(start..end)
}

/// Extends an interval to the whole UTC days that it touches.
pub(super) fn days(interval: &Range<i64>) -> Range<i64> {
    let first = interval.start.div_euclid(DAY);
    // The end is exclusive: an interval up to midnight does not touch the next
    // day.
    let last = (interval.end - 1).div_euclid(DAY);
    first * DAY..(last + 1) * DAY
}

/// Parses a time, with or without seconds and their fraction, in UTC or with an
/// offset.
fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], offset(&time[at..])?),
        None => (time, 0),
    };
    let [year, month, day] = fields(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = match fields(time, ':') {
        Some(fields) => fields,
        None => fields(time, ':').map(|[hour, minute]| [hour, minute, 0])?,
    };
    // An invalid date, such as 30 February, comes back from the count as
    // another date.
    let days = days_before(year, month, day);
    // ISO 8601 allows 24:00 for the end of a day.
    let midnight = hour == 24 && (minute, second) == (0, 0);
    if !(1..=12).contains(&month) || self::date(days) != (year, month, day) {
        return None;
    }
    if !(hour < 24 || midnight) || minute > 59 || second > 59 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits beyond the third are cut off.
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = hour * 3600 + minute * 60 + second;
    Some(days * DAY + seconds * 1000 + millis - offset)
}

/// Parses an offset into milliseconds east of UTC: `Z`, or hours with or
/// without minutes.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at(1) {
        ("Z", "") => return Some(0),
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 if digits.is_ascii() => digits.split_at(2),
        _ => digits
            .split_once(':')
            .filter(|(_, minutes)| minutes.len() == 2)?,
    };
    let [hours] = fields(hours, ':')?;
    let [minutes] = fields(minutes, ':')?;
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Parses exactly `N` numbers of one to four digits. Signs are refused.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let number = |text: &str| {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let fields: Option<Vec<_>> = text.split(separator).map(number).collect();
    fields?.try_into().ok()
}

/// Formats a time as the API does, in UTC with milliseconds.
pub(super) fn format(millis: i64) -> String {
    let (year, month, day) = date(millis.div_euclid(DAY));
    let rest = millis.rem_euclid(DAY);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Returns the days from 1970-01-01 to a date. The year is counted from March,
/// so that the leap day is its last day.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns the date this many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2026-01-05T00:00:00.000Z", 1_767_571_200_000),
            ("2026-12-31T12:34:56.789Z", 1_798_720_496_789),
        ] {
            assert_eq!(parse(text), Some(millis));
            assert_eq!(format(millis), text);
        }
        assert_eq!(parse("2026-01-05T00:00Z"), Some(1_767_571_200_000));
        for same in [
            "2026-01-05T00:00:00",
            "2026-01-05T00:00:00+00:00",
            "2026-01-05T01:30:00+01:30",
            "2026-01-05T01:30:00.000+0130",
            "2026-01-04T16:00:00-08",
            "2026-01-04T24:00:00Z",
        ] {
            assert_eq!(parse(same), Some(1_767_571_200_000), "{same}");
        }
        assert_eq!(parse("2026-01-05T00:00:00.5Z"), Some(1_767_571_200_500));
    }

    #[test]
    fn an_interval_touches_whole_days() {
        let touched = |text: &str| {
            let days = days(&parse_interval(text).unwrap());
            format!("{}/{}", format(days.start), format(days.end))
        };
        let day = "2026-01-06T00:00:00.000Z/2026-01-07T00:00:00.000Z";
        assert_eq!(touched(day), day);
        assert_eq!(touched("2026-01-06T12:00Z/2026-01-06T12:01Z"), day);
        let two = "2026-01-06T00:00:00.000Z/2026-01-08T00:00:00.000Z";
        assert_eq!(touched("2026-01-06T23:59Z/2026-01-07T00:00:00.001Z"), two);
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in [
            "",
            "2026-01-05/2026-01-06",
            "2026-01-05T00:00Z",
            "2026-01-06T00:00Z/2026-01-05T00:00Z",
            "2026-01-05T00:00Z/2026-01-05T00:00Z",
            "2026-13-05T00:00Z/2027-01-05T00:00Z",
            "2026-02-29T00:00Z/2027-01-05T00:00Z",
            "2026-04-31T00:00Z/2027-01-05T00:00Z",
            "2026-01-00T00:00Z/2027-01-05T00:00Z",
            "2026-01-05T25:00Z/2027-01-05T00:00Z",
            "2026-01-05T24:00:01Z/2027-01-05T00:00Z",
            "2026-01-05T00:00:60Z/2027-01-05T00:00Z",
            "2026-01-05T00:00+15:00/2027-01-05T00:00Z",
            "2026-01-05T00:00+1:00é/2027-01-05T00:00Z",
            "2026-01-05T00:00Zé/2027-01-05T00:00Z",
            "2026-01-05T00:00+é1/2027-01-05T00:00Z",
            "2026-01-05T00:00+1é1/2027-01-05T00:00Z",
            "2026-01-05T00:00:00.éZ/2027-01-05T00:00Z",
            "2026-01-05T00:00:00.+1Z/2027-01-05T00:00Z",
        ] {
            assert_eq!(parse_interval(text), None, "{text}");
        }
    }
}
