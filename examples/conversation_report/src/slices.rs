use time::{
    Duration, OffsetDateTime,
    error::Format,
    format_description::well_known::{Iso8601, Rfc3339},
};

use crate::{
    conversation::Row,
    failure::{Code, Failure},
    interval::Interval,
};

/// How many days of 24 hours a slice of a query has, counted from the start of
/// the interval.
///
/// The API bounds a query twice: its interval, and its rows (100,000). A week
/// stays below the first bound, and the second then holds for each week instead
/// of the whole report. A shorter list of pages also loses less if it breaks
/// off for good. If the interval runs from midnight to midnight (UTC), no day
/// is read twice.
///
/// A stored [`State`](crate::state::State) counts slices of this length, so a
/// change of the length needs a new version of the state.
pub(crate) const SLICE_DAYS: i64 = 7;

/// An interval and the slices in which it is read, with a list of pages for
/// each.
pub(crate) struct Slices<'a> {
    interval: &'a Interval,
    days: Option<i64>,
}

/// A part of an interval, and the conversations that belong to it.
pub(crate) struct Slice {
    pub(crate) interval: String,
    /// The first slice has no lower bound and the last one no upper bound: the
    /// API finds conversations of whole days, and those outside of the interval
    /// belong to the slice that they are next to.
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl<'a> Slices<'a> {
    /// Returns the slices of a details query, which finds the conversations
    /// that *started* on a day that its interval touches.
    pub(crate) fn of_query(interval: &'a Interval) -> Self {
        let days = Some(SLICE_DAYS);
        Self { interval, days }
    }

    /// Returns the only slice of a details job.
    ///
    /// A job finds the conversations that were *active* in its interval. One
    /// that started earlier and paused may be active in a late slice only, so
    /// the start does not tell which slice finds it. A job also needs no
    /// slices: its rows have no bound, and its cursor resumes after any page.
    pub(crate) fn with_job(interval: &'a Interval) -> Self {
        let days = None;
        Self { interval, days }
    }

    pub(crate) fn count(&self) -> u64 {
        let length = (self.interval.end() - self.interval.begin()).whole_nanoseconds();
        let count = self.days.map_or(1, |days| {
            (length - 1) / Duration::days(days).whole_nanoseconds() + 1
        });
        u64::try_from(count).unwrap_or(1)
    }

    /// Returns the slice of this number; the first is 0.
    pub(crate) fn get(&self, number: u64) -> Result<Slice, Format> {
        let (from, to) = (self.boundary(number), self.boundary(number + 1));
        let (begin, end) = self.interval.ends();
        Ok(Slice {
            interval: format!("{}/{}", written(from, begin)?, written(to, end)?),
            from,
            to,
        })
    }

    /// The time between this slice and the one before, unless one of them does
    /// not exist.
    fn boundary(&self, number: u64) -> Option<OffsetDateTime> {
        let days = self.days?.checked_mul(i64::try_from(number).ok()?)?;
        let boundary = self.interval.begin().checked_add(Duration::days(days))?;
        (number > 0 && boundary < self.interval.end()).then_some(boundary)
    }
}

impl Slice {
    /// Returns the rows that belong to this slice.
    pub(crate) fn own(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        if let Some(row) = rows.iter().find(|row| self.owns(&row.start).is_none()) {
            let message = format!(
                "the report is not complete: conversation {} started at `{}`, which is no time, so its \
                 slice is not known; ask for {SLICE_DAYS} days at most, or use --job",
                row.id, row.start
            );
            return Err(Failure::new(Code::Unusable, message));
        }
        rows.retain(|row| self.owns(&row.start) == Some(true));
        Ok(rows)
    }

    /// Whether a conversation that started then belongs to this slice, and to
    /// no other; Returns `None` if that is not a time.
    ///
    /// Slices that meet within a day both find the conversations of that day.
    /// The start alone decides between them, so a run remembers nothing of
    /// earlier slices, and nothing over a restart. A slice always finds its
    /// conversations: it touches the day of each start between its bounds.
    fn owns(&self, start: &str) -> Option<bool> {
        if self.from.is_none() && self.to.is_none() {
            return Some(true);
        }
        let start = OffsetDateTime::parse(start, &Iso8601::DEFAULT).ok()?;
        let before = self.from.is_some_and(|from| start < from);
        let after = self.to.is_some_and(|to| start >= to);
        Some(!before && !after)
    }
}

/// A boundary, or else the end of the interval as the user wrote it.
fn written(boundary: Option<OffsetDateTime>, end: &str) -> Result<String, Format> {
    match boundary {
        Some(time) => time.format(&Rfc3339),
        None => Ok(end.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(interval: &str) -> Vec<Slice> {
        let interval = interval.parse().unwrap();
        let slices = Slices::of_query(&interval);
        (0..slices.count())
            .map(|number| slices.get(number).unwrap())
            .collect()
    }

    #[test]
    fn slices_meet_and_cover_the_interval() {
        for (interval, expected) in [
            (
                "2026-01-05T00:00Z/2026-01-06T00:00Z",
                &["2026-01-05T00:00Z/2026-01-06T00:00Z"][..],
            ),
            (
                "2026-01-05T00:00Z/2026-01-12T00:00Z",
                &["2026-01-05T00:00Z/2026-01-12T00:00Z"],
            ),
            (
                "2026-01-05T00:00Z/2026-01-12T00:00:00.001Z",
                &[
                    "2026-01-05T00:00Z/2026-01-12T00:00:00Z",
                    "2026-01-12T00:00:00Z/2026-01-12T00:00:00.001Z",
                ],
            ),
            (
                "2026-01-01T12:00:00+02:00/2026-01-15T12:00:00Z",
                &[
                    "2026-01-01T12:00:00+02:00/2026-01-08T12:00:00+02:00",
                    "2026-01-08T12:00:00+02:00/2026-01-15T12:00:00+02:00",
                    "2026-01-15T12:00:00+02:00/2026-01-15T12:00:00Z",
                ],
            ),
        ] {
            let slices = slices(interval);
            let found: Vec<_> = slices.iter().map(|slice| &*slice.interval).collect();
            assert_eq!(found, expected);
        }
        // To the last date there is.
        let long = slices("0001-01-01T00:00Z/9999-12-31T23:59:59Z");
        assert_eq!(long.len(), 3_652_059_usize.div_ceil(7));
        let interval = "2026-01-01T00:00Z/2027-01-01T00:00Z".parse().unwrap();
        let job = Slices::with_job(&interval);
        assert_eq!(job.count(), 1);
        assert_eq!(job.get(0).unwrap().interval, interval.to_string());
    }

    #[test]
    fn a_start_belongs_to_one_slice() {
        let three = slices("2026-01-01T12:00Z/2026-01-16T00:00Z");
        for (start, owner) in [
            ("2026-01-01T00:00:00.000Z", 0),
            ("2025-01-01T00:00:00.000Z", 0),
            ("2026-01-08T11:59:59.999Z", 0),
            ("2026-01-08T12:00:00.000Z", 1),
            ("2026-01-08T13:59:59.999+02:00", 0),
            ("2026-01-15T11:59:59.999Z", 1),
            ("2026-01-15T12:00:00Z", 2),
            ("2026-01-16T23:00:00.000Z", 2),
        ] {
            let owners = three.iter().map(|slice| slice.owns(start).unwrap());
            let owners: Vec<_> = owners.collect();
            let expected: Vec<_> = (0..3).map(|number| number == owner).collect();
            assert_eq!(owners, expected, "{start}");
        }
        assert!(three.iter().all(|slice| slice.owns("noon").is_none()));
        let one = slices("2026-01-01T12:00Z/2026-01-02T00:00Z");
        assert_eq!(one[0].owns("noon"), Some(true), "there is no other");
    }
}
