use std::collections::HashSet;

use super::{
    PageError, PageErrorKind,
    checkpoint::Place,
    fetch::Fetched,
    plan::Plan,
    rule::{Known, Seen},
    way::By,
};

/// So many pages without a row are followed in a row, as long as each names a
/// next one.
const MOST_EMPTY: u32 = 16;

/// What the pages so far have brought, against which the next one is held.
pub(super) struct Progress {
    pub(super) total: Option<u64>,
    /// How many rows have come.
    pub(super) rows: u64,
    /// The number of the page before.
    pub(super) page: Option<u64>,
    previous: Option<[u8; 32]>,
}

/// Where a stream has been, so that it is not led in circles.
#[derive(Debug, Default)]
pub(super) struct Trail {
    been: HashSet<Box<str>>,
    empty: u32,
}

impl Progress {
    pub(super) fn new(total: Option<u64>, rows: u64, page: Option<u64>) -> Self {
        Self {
            total,
            rows,
            page,
            previous: None,
        }
    }

    /// Counts the rows of a page that can follow those before it.
    pub(super) fn take<T>(
        &mut self,
        plan: &Plan,
        seen: &Seen<'_>,
        fetched: &Fetched<T>,
    ) -> Result<Known, PageError> {
        self.check_place(plan, seen.asked, fetched)?;
        self.total = self.total_after(plan, seen)?;
        self.rows = self.rows.saturating_add(seen.rows);
        let skipped = plan.skipped(seen.signs.size.or(seen.size).unwrap_or(seen.rows));
        let field = seen
            .signs
            .total
            .as_ref()
            .map_or("total", |(field, _)| &**field);
        let known = Known {
            rows: self.rows.saturating_add(skipped),
            total: self.total.map(|total| (field.to_owned(), total)),
        };
        check_most(plan, self.total)?;
        check_rows(plan, fetched, &known)?;
        Ok(known)
    }

    /// Takes note of a page that was found to be right.
    pub(super) fn note<T>(&mut self, fetched: &Fetched<T>) {
        self.page = fetched.body.signs.number.or(self.page);
        self.previous = Some(fetched.digest);
    }

    /// Whether it is the page that was asked for, and none that was there
    /// before.
    fn check_place<T>(
        &self,
        plan: &Plan,
        at: &Place,
        fetched: &Fetched<T>,
    ) -> Result<(), PageError> {
        let signs = &fetched.body.signs;
        let (stated, asked) = match (&plan.paging.by, at) {
            (By::Number(_), Place::Number(number)) => (signs.number, Some(*number)),
            (By::Index(_), Place::Number(index)) => (signs.index, Some(*index)),
            _ => (None, None),
        };
        let another = stated
            .zip(asked)
            .is_some_and(|(stated, asked)| stated != asked);
        let same = self.previous == Some(fetched.digest) && !fetched.body.rows.is_empty();
        if another || same {
            let message = "the answer is another page than the one that was asked for; look at what \
                           stands in between (a cache?), then go on from the checkpoint";
            return Err(PageError::new(PageErrorKind::Loop, message));
        }
        // The trail ends where a stream was resumed; numbers do not.
        let back = |number: u64| self.page.is_some_and(|before| number < before);
        match asked.is_none() && signs.number.is_some_and(back) {
            true => Err(in_circles()),
            false => Ok(()),
        }
    }

    /// How many rows there are in all, after this page.
    fn total_after(&self, plan: &Plan, seen: &Seen<'_>) -> Result<Option<u64>, PageError> {
        let stated = seen.signs.total.as_ref().map(|(_, total)| *total);
        let stated = plan.settings.heeded(stated);
        // None is said beside rows, or after all of them.
        let all = self.total.is_none_or(|total| total <= self.rows);
        let is_empty_word = stated == Some(0) && (seen.rows > 0 || all && self.rows > 0);
        let stated = stated.filter(|_| !is_empty_word);
        let total = not_shrunk(self.total, stated)?;
        let size = seen.size.unwrap_or(seen.rows.max(25));
        match self.total.zip(total) {
            Some((before, now))
                if now > before.saturating_add(before / 2) && now.saturating_sub(before) > size =>
            {
                Err(grown(before, now))
            }
            _ => Ok(total),
        }
    }
}

impl Trail {
    /// Notes a place about to be asked for; false if it was there before.
    pub(super) fn is_new(&mut self, place: &Place) -> bool {
        match place {
            Place::Token(place) | Place::Link(place) => self.been.insert(place.clone()),
            // Numbers only count up.
            Place::First | Place::Number(_) => true,
        }
    }

    /// An error if there have been too many pages without a row, one after the
    /// other.
    pub(super) fn count(&mut self, rows: u64) -> Result<(), PageError> {
        self.empty = if rows == 0 { self.empty + 1 } else { 0 };
        if self.empty <= MOST_EMPTY {
            return Ok(());
        }
        let message = "page after page is empty and names a next one; look whether the filters match \
                       anything, and go on from the checkpoint";
        Err(PageError::new(PageErrorKind::Loop, message))
    }
}

fn check_most(plan: &Plan, total: Option<u64>) -> Result<(), PageError> {
    let most = plan.settings.max_rows;
    match total.filter(|total| plan.paging.full_pages && *total > most) {
        Some(total) => Err(too_many(total, most)),
        None => Ok(()),
    }
}

/// Whether a page without the field of its rows may have none.
fn check_rows<T>(plan: &Plan, fetched: &Fetched<T>, known: &Known) -> Result<(), PageError> {
    if fetched.body.names_rows {
        return Ok(());
    }
    let rows = &plan.rows;
    let is_short = known
        .total
        .as_ref()
        .is_some_and(|(_, total)| known.rows < *total);
    if is_short && !fetched.has_others {
        let message = format!(
            "the page has no `{rows}` though more rows are left; try again from the checkpoint, and if \
                 that brings the same, start afresh"
        );
        return Err(PageError::new(PageErrorKind::Incomplete, message));
    }
    if plan.paging.optional_rows && !fetched.has_others {
        return Ok(());
    }
    let message = format!(
        "the page has no `{rows}`; name the field that has the rows by `PagedRequest::with_rows`, or, \
             where a page without rows leaves it out, use `Paging::with_optional_rows`"
    );
    Err(PageError::new(PageErrorKind::Malformed, message))
}

fn too_many(total: u64, most: u64) -> PageError {
    let message = format!(
        "{total} rows match, and the API gives the first {most} only; ask for a shorter interval, or \
         use a job"
    );
    PageError::new(PageErrorKind::TooManyRows, message)
}

pub(super) fn in_circles() -> PageError {
    let message = "the page names a next one that was there before, and to follow it would bring rows \
                   twice; start afresh, and if that brings the same, report it to Genesys";
    PageError::new(PageErrorKind::Loop, message)
}

/// The total, unless it has become smaller than it was.
fn not_shrunk(before: Option<u64>, now: Option<u64>) -> Result<Option<u64>, PageError> {
    match (before, now) {
        (Some(before), Some(now)) if now < before => Err(PageError::new(
            PageErrorKind::Shrunk,
            format!(
                "there are {now} rows in all, and there were {before}: rows were deleted while the list \
                 was read, so others have moved and would be missed; start afresh, with larger pages \
                 if the list changes often, or over an interval that has ended if it has one"
            ),
        )),
        _ => Ok(now.or(before)),
    }
}

/// Far more rows than before: the filters were lost, or the list is another
/// one.
fn grown(before: u64, now: u64) -> PageError {
    let message = format!(
        "there are {now} rows in all, and there were {before}: the page may belong to a list without \
         the request's filters; look at what stands in between, and start afresh"
    );
    PageError::new(PageErrorKind::Grown, message)
}
