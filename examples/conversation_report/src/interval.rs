use std::{fmt, str::FromStr};

use time::{
    Duration, OffsetDateTime, Time,
    format_description::well_known::{Iso8601, Rfc3339},
};

/// An interval as the API writes it: two times with a slash between them.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    text: String,
    begin: OffsetDateTime,
    end: OffsetDateTime,
}

impl Interval {
    /// The seven whole days (UTC) before today.
    pub(crate) fn last_seven_days() -> Self {
        let end = OffsetDateTime::now_utc().replace_time(Time::MIDNIGHT);
        let begin = end - Duration::days(7);
        let days = [begin, end].map(|day| day.format(&Rfc3339).unwrap_or_default());
        Self {
            text: days.join("/"),
            begin,
            end,
        }
    }

    /// The two ends, as the user wrote them.
    pub(crate) fn ends(&self) -> (&str, &str) {
        self.text.split_once('/').unwrap_or_default()
    }

    pub(crate) fn begin(&self) -> OffsetDateTime {
        self.begin
    }

    pub(crate) fn end(&self) -> OffsetDateTime {
        self.end
    }
}

/// Rejects a malformed interval before a run creates a file, which only the
/// same interval could continue.
impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "`{text}` is no interval: {why}; write 2026-01-05T00:00:00Z/2026-01-12T00:00:00Z"
            )
        };
        let (begin, end) = text.split_once('/').ok_or_else(|| wrong("it has no `/`"))?;
        let time = |which: &str, text: &str| {
            OffsetDateTime::parse(text, &Iso8601::DEFAULT)
                .map_err(|_| wrong(&format!("its {which} is no date with a time and `Z`")))
        };
        let (begin, end) = (time("begin", begin)?, time("end", end)?);
        if begin >= end {
            return Err(wrong("it ends before it has begun"));
        }
        Ok(Self {
            text: text.to_owned(),
            begin,
            end,
        })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_takes_is_taken_and_the_rest_is_explained() {
        for text in [
            "2026-01-05T00:00:00Z/2026-01-12T00:00:00Z",
            "2026-01-05T00:00:00.000Z/2026-01-12T00:00:00.000Z",
            "2026-01-05T00:00Z/2026-01-12T00:00Z",
            "2026-01-05T00:00:00+02:00/2026-01-12T00:00:00+02:00",
        ] {
            assert!(text.parse::<Interval>().is_ok(), "{text}");
        }
        for (text, why) in [
            ("today", "no `/`"),
            ("2026-01-05/2026-01-12", "begin is no date"),
            (
                "2026-01-05T00:00:00Z/2026-02-30T00:00:00Z",
                "end is no date",
            ),
            ("2026-01-05T00:00:00Z/", "end is no date"),
            ("2026-01-12T00:00:00Z/2026-01-05T00:00:00Z", "ends before"),
            ("2026-01-05T00:00:00Z/2026-01-05T00:00:00Z", "ends before"),
        ] {
            let error = text.parse::<Interval>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let default = Interval::last_seven_days();
        assert!(default.to_string().parse::<Interval>().is_ok(), "{default}");
    }
}
