//! Which page comes next, by what a page says: the rule of its way, and that no
//! other sign of more is overlooked.

use super::{
    PageError, PageErrorKind, Paging, checkpoint::Place, job_state, signs::Signs, way::By,
};

/// A page, as far as the rule looks at it.
pub(super) struct Seen<'a> {
    pub(super) signs: &'a Signs,
    /// How many rows it holds.
    pub(super) rows: u64,
    /// The place in the request for this page.
    pub(super) asked: &'a Place,
    /// How many rows were asked for, if the caller or the page says so.
    pub(super) size: Option<u64>,
    pub(super) last_id: Option<String>,
}

/// The facts known after a page.
pub(super) struct Known {
    /// How many rows have come, this page's included, and those skipped by
    /// where the caller began.
    pub(super) rows: u64,
    /// How many there are in all.
    pub(super) total: Option<(String, u64)>,
}

/// The place of the next page; none after the last one.
pub(super) fn next(
    paging: &Paging,
    seen: &Seen<'_>,
    known: &Known,
) -> Result<Option<Place>, PageError> {
    complete(seen.signs)?;
    match (&paging.by, seen.asked) {
        (By::Number(_), Place::Number(number)) => by_number(paging, seen, known, *number),
        (By::Index(_), Place::Number(index)) => by_index(seen, known, *index),
        (By::LastRow(_), _) => by_last_row(seen, known),
        (By::Token(_, field), _) => match seen.signs.next(field) {
            Some(token) => Ok(Some(Place::Token(token.into()))),
            None => end(seen, known),
        },
        (By::Link(field) | By::Verbatim(field), _) => match seen.signs.next(field) {
            Some(link) => Ok(Some(Place::Link(link.into()))),
            None => end(seen, known),
        },
        _ => end(seen, known),
    }
}

/// The number of the last page, if this one says it.
pub(super) fn last(paging: &Paging, seen: &Seen<'_>, known: &Known) -> Option<u64> {
    if paging.full_pages {
        let (_, total) = known.total.as_ref()?;
        return Some(total.div_ceil(seen.size?));
    }
    count(seen)
}

fn by_number(
    paging: &Paging,
    seen: &Seen<'_>,
    known: &Known,
    number: u64,
) -> Result<Option<Place>, PageError> {
    let next = || Ok(Some(Place::Number(number.saturating_add(1))));
    if paging.full_pages {
        if let Some(((_, total), size)) = known.total.as_ref().zip(seen.size) {
            let before = number.saturating_sub(1).saturating_mul(size);
            if seen.rows < total.saturating_sub(before).min(size) {
                return Err(short(seen.rows, *total));
            }
            return match number.saturating_mul(size) < *total {
                true => next(),
                false => end(seen, known),
            };
        }
    }
    // The count is the best witness, then a link, then the total: it counts
    // rows that are hidden.
    if let Some(count) = count(seen) {
        return if number < count {
            next()
        } else {
            end(seen, known)
        };
    }
    let is_linked = ["nextUri", "nextPage"]
        .iter()
        .any(|field| seen.signs.next(field).is_some());
    if is_linked {
        return next();
    }
    if let Some((_, total)) = &known.total {
        // An empty page can only be the last: what it lacks is said by `end`.
        let more = known.rows < *total && seen.rows > 0;
        return if more { next() } else { end(seen, known) };
    }
    // By its own word: the service may give fewer than were asked for.
    let is_short = seen.signs.size.is_some_and(|size| seen.rows < size);
    if seen.rows == 0 || paging.names_next && is_short {
        return end(seen, known);
    }
    next()
}

fn by_index(seen: &Seen<'_>, known: &Known, index: u64) -> Result<Option<Place>, PageError> {
    let next = index.saturating_add(seen.rows);
    let more = match &known.total {
        Some((_, total)) => known.rows < *total,
        None => true,
    };
    if more && seen.rows > 0 {
        return Ok(Some(Place::Number(next)));
    }
    end(seen, known)
}

fn by_last_row(seen: &Seen<'_>, known: &Known) -> Result<Option<Place>, PageError> {
    if seen.rows == 0 || seen.size.is_some_and(|size| seen.rows < size) {
        return end(seen, known);
    }
    match &seen.last_id {
        Some(id) => Ok(Some(Place::Token(id.as_str().into()))),
        None => Err(PageError::new(
            PageErrorKind::Malformed,
            "the last row of the page has no `id`, after which the next page begins",
        )),
    }
}

/// Returns the count of a page, unless it is 0, which is wrong beside rows.
fn count(seen: &Seen<'_>) -> Option<u64> {
    seen.signs.count.filter(|count| *count > 0)
}

/// Refuses an answer that the API has not completed.
fn complete(signs: &Signs) -> Result<(), PageError> {
    match &signs.state {
        Some((field, state)) if job_state::is_running(state) => Err(more(&format!(
            "`{field}` says that the answer is not complete; ask again in some seconds, from the \
             checkpoint"
        ))),
        _ => Ok(()),
    }
}

/// The end, unless anything on the page speaks of more.
fn end(seen: &Seen<'_>, known: &Known) -> Result<Option<Place>, PageError> {
    if let Some((field, _)) = seen.signs.next.first() {
        return Err(more(&format!(
            "the page would be the last, but its `{field}` leads to another one"
        )));
    }
    let number = match seen.asked {
        // An index counts rows, so it does not tell the number of a page.
        Place::Number(number) if seen.signs.index.is_none() => Some(*number),
        _ => seen.signs.number,
    };
    let counted = number.zip(count(seen));
    if let Some((number, count)) = counted.filter(|(number, count)| number < count) {
        return Err(more(&format!(
            "the page is number {number} of {count} by its `pageCount`, and names no next one"
        )));
    }
    let Some((field, total)) = &known.total else {
        return Ok(None);
    };
    // Rows that are hidden from the client make pages short, not fewer.
    let reach = counted.map(|(_, count)| seen.signs.size.map(|size| count.saturating_mul(size)));
    let is_short = match reach {
        Some(reach) => reach.is_some_and(|reach| reach < *total),
        None => known.rows < *total,
    };
    if is_short {
        let rows = known.rows;
        return Err(more(&format!(
            "{rows} rows have come of {total} by its `{field}`, and the page leads no further; if the total \
             is known to be an estimate, or the path begins in the middle, go on with \
             `PagedRequest::without_total`"
        )));
    }
    Ok(None)
}

fn more(what: &str) -> PageError {
    let message = format!(
        "{what}; try again from the checkpoint, and if that brings the same, start afresh, or \
         describe the pages with `PagedRequest::with_paging`"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}

fn short(rows: u64, total: u64) -> PageError {
    let message = format!(
        "the page holds only {rows} rows though more are left, of {total} in all; try again from \
         the checkpoint, and if that brings the same, start afresh"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}
