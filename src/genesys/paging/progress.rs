//! What the pages so far have brought, and whether the next page can follow
//! them. `rule.rs` looks at one page; this file compares pages.

use std::collections::HashSet;

use super::{
    PageError, PageErrorKind,
    checkpoint::Place,
    fetch::Fetched,
    plan::Plan,
    rule::{Known, Seen},
    way::By,
};

/// How many pages in a row may be empty, as long as each names a next one. A
/// filter may leave pages empty; without a bound, a faulty cursor would never
/// end.
const MOST_EMPTY: u32 = 16;

/// The state that the next page is compared with. A checkpoint keeps it, except
/// for the digest.
pub(super) struct Progress {
    /// The total that the last page stated.
    pub(super) total: Option<u64>,
    /// How many rows have come, since the first page of the list.
    pub(super) rows: u64,
    /// The last number that a page stated about itself.
    pub(super) page: Option<u64>,
    /// The digest of the last page of this stream.
    previous: Option<[u8; 32]>,
}

/// The places where a stream has been, so that it is not led in circles. A
/// checkpoint does not keep it, because it grows with each page.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Tokens and links that were requested.
    been: HashSet<Box<str>>,
    /// How many pages in a row had no rows.
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

    /// Checks a page against those before it, counts its rows, and returns what
    /// is then known.
    pub(super) fn take<T>(
        &mut self,
        plan: &Plan,
        seen: &Seen<'_>,
        fetched: &Fetched<T>,
    ) -> Result<Known, PageError> {
        self.check_place(plan, seen.asked, fetched)?;
        self.total = self.total_after(plan, seen)?;
        self.rows = self.rows.saturating_add(seen.rows);
        // The total counts the rows before the caller's first page, too, so
        // they count as known.
        let skipped = plan.skipped(seen.signs.size.or(seen.size).unwrap_or(seen.rows));
        // A total from a checkpoint has no field; the name is for errors only.
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

    /// Remembers a page that passed all checks.
    pub(super) fn note<T>(&mut self, fetched: &Fetched<T>) {
        self.page = fetched.body.signs.number.or(self.page);
        self.previous = Some(fetched.digest);
    }

    /// Checks that the page is the one that was requested, and not an earlier
    /// one.
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
        // Two empty pages may well be equal byte for byte.
        let same = self.previous == Some(fetched.digest) && !fetched.body.rows.is_empty();
        if another || same {
            let message = "the response is not the page that was requested; check what is \
                           between the program and Genesys (a cache?), then resume from the \
                           checkpoint";
            return Err(PageError::new(PageErrorKind::Loop, message));
        }
        // After a resume, the trail is empty. The number of the page before is
        // in the checkpoint, so it still detects a link that leads back.
        let back = |number: u64| self.page.is_some_and(|before| number < before);
        match asked.is_none() && signs.number.is_some_and(back) {
            true => Err(in_circles()),
            false => Ok(()),
        }
    }

    /// Returns the total after this page.
    ///
    /// # Errors
    ///
    /// [`PageErrorKind::Shrunk`] and [`PageErrorKind::Grown`].
    fn total_after(&self, plan: &Plan, seen: &Seen<'_>) -> Result<Option<u64>, PageError> {
        let stated = seen.signs.total.as_ref().map(|(_, total)| *total);
        let stated = plan.settings.heeded(stated);
        // A total of 0 beside rows, or on an empty page after all rows, means
        // that the page does not know the total.
        let all = self.total.is_none_or(|total| total <= self.rows);
        let is_empty_word = stated == Some(0) && (seen.rows > 0 || all && self.rows > 0);
        let stated = stated.filter(|_| !is_empty_word);
        let total = not_shrunk(self.total, stated)?;
        // A small list may grow by more than half through a few new rows, so
        // growth must also exceed a page. Without a known size, 25 is the API's
        // usual one.
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
    /// Remembers a place that is about to be requested. Returns false if it was
    /// requested before.
    pub(super) fn is_new(&mut self, place: &Place) -> bool {
        match place {
            Place::Token(place) | Place::Link(place) => self.been.insert(place.clone()),
            // The pager itself counts numbers up, so they cannot repeat.
            Place::First | Place::Number(_) => true,
        }
    }

    /// Counts empty pages.
    ///
    /// # Errors
    ///
    /// [`PageErrorKind::Loop`] after too many in a row.
    pub(super) fn count(&mut self, rows: u64) -> Result<(), PageError> {
        self.empty = if rows == 0 { self.empty + 1 } else { 0 };
        if self.empty <= MOST_EMPTY {
            return Ok(());
        }
        let message = format!(
            "more than {MOST_EMPTY} pages in a row are empty, and each names a next one; check \
             whether the filters match anything, then resume from the checkpoint"
        );
        Err(PageError::new(PageErrorKind::Loop, message))
    }
}

/// Refuses a details query whose total is beyond what the API returns: at its
/// first page, and not after an hour at the last one.
fn check_most(plan: &Plan, total: Option<u64>) -> Result<(), PageError> {
    let most = plan.settings.max_rows;
    match total.filter(|total| plan.paging.full_pages && *total > most) {
        Some(total) => Err(too_many(total, most)),
        None => Ok(()),
    }
}

/// Checks whether a page without the field of its rows may be an empty one.
fn check_rows<T>(plan: &Plan, fetched: &Fetched<T>, known: &Known) -> Result<(), PageError> {
    if fetched.body.names_rows {
        return Ok(());
    }
    let rows = &plan.rows;
    let is_short = known
        .total
        .as_ref()
        .is_some_and(|(_, total)| known.rows < *total);
    // First: missing rows explain the missing field better than a wrong name.
    if is_short && !fetched.has_others {
        let message = format!(
            "the page has no `{rows}`, but more rows are left; try again from the checkpoint, \
             and if that ends in the same way, start afresh"
        );
        return Err(PageError::new(PageErrorKind::Incomplete, message));
    }
    if plan.paging.optional_rows && !fetched.has_others {
        return Ok(());
    }
    let message = format!(
        "the page has no `{rows}`; name the field with the rows in `PagedRequest::with_rows`, \
         or use `Paging::with_optional_rows` if a page without rows omits it"
    );
    Err(PageError::new(PageErrorKind::Malformed, message))
}

/// Returns the error for a list that the API does not return in full.
fn too_many(total: u64, most: u64) -> PageError {
    let message = format!(
        "{total} rows match, and the API returns only the first {most}; query a shorter \
         interval, or use a job"
    );
    PageError::new(PageErrorKind::TooManyRows, message)
}

/// Returns the error for a page that leads back to an earlier one.
pub(super) fn in_circles() -> PageError {
    let message = "the page leads back to an earlier one, and to follow it would return rows \
                   twice; start afresh, and if that ends in the same way, report it to Genesys";
    PageError::new(PageErrorKind::Loop, message)
}

/// Returns the new total, unless it is smaller than before. A page without a
/// total leaves it as it was.
fn not_shrunk(before: Option<u64>, now: Option<u64>) -> Result<Option<u64>, PageError> {
    match (before, now) {
        (Some(before), Some(now)) if now < before => Err(PageError::new(
            PageErrorKind::Shrunk,
            format!(
                "there are {now} rows in all, and there were {before}; rows were deleted while \
                 the list was read, so others have moved and would be missed; start afresh, \
                 with larger pages if the list changes often, or over an interval that has ended"
            ),
        )),
        _ => Ok(now.or(before)),
    }
}

/// Returns the error for a total that leapt: the filters were lost, or the list
/// is another one.
fn grown(before: u64, now: u64) -> PageError {
    let message = format!(
        "there are {now} rows in all, and there were {before}; the page may belong to a list \
         without the request's filters; check what is between the program and Genesys, then \
         start afresh"
    );
    PageError::new(PageErrorKind::Grown, message)
}
