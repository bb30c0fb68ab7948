//! Times as the API writes them, in milliseconds since 1970.

use std::ops::Range;

const DAY: i64 = 86_400_000;

/// The two ends of `2026-01-05T00:00:00.000Z/2026-01-12T00:00:00.000Z`.
pub(super) fn parse_interval(text: &str) -> Option<Range<i64>> {
    let (start, end) = text.split_once('/')?;
    let (start, end) = (parse(start)?, parse(end)?);
    (start < end).then_some(start..end)
}

/// A time of UTC, with seconds and fractions of them or without.
fn parse(text: &str) -> Option<i64> {
    let text = text
        .strip_suffix('Z')
        .or_else(|| text.strip_suffix("+00:00"))
        .or_else(|| text.strip_suffix("+0000"))
        .unwrap_or(text);
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = fields(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = match fields(time, ':') {
        Some(fields) => fields,
        None => fields(time, ':').map(|[hour, minute]| [hour, minute, 0])?,
    };
    let possible = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !possible || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = hour * 3600 + minute * 60 + second;
    Some(days_before(year, month, day) * DAY + seconds * 1000 + millis)
}

fn fields<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let number = |text: &str| {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let fields: Option<Vec<_>> = text.split(separator).map(number).collect();
    fields?.try_into().ok()
}

pub(super) fn format(millis: i64) -> String {
    let (year, month, day) = date(millis.div_euclid(DAY));
    let rest = millis.rem_euclid(DAY);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Days from 1970-01-01 to a date; the year is taken to begin in March, so that the leap day is
/// its last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date that is so many days after 1970-01-01.
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
        assert_eq!(parse("2026-01-05T00:00:00.5Z"), Some(1_767_571_200_500));
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
            "2026-01-05T00:00:00.éZ/2027-01-05T00:00Z",
            "2026-01-05T00:00:00.+1Z/2027-01-05T00:00Z",
        ] {
            assert_eq!(parse_interval(text), None, "{text}");
        }
    }
}
