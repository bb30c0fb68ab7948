//! Which page comes next. The way of paging has a rule for it; if the rule says
//! that the page is the last, no other field of the page may contradict it.
//! Pure: one page and the known facts go in, a place or an error comes out.

use super::{
    PageError, PageErrorKind, Paging, checkpoint::Place, job_state, signs::Signs, way::By,
};

/// A page, as far as the rule looks at it.
pub(super) struct Seen<'a> {
    pub(super) signs: &'a Signs,
    /// How many rows it has.
    pub(super) rows: u64,
    /// The place that was requested.
    pub(super) asked: &'a Place,
    /// The page size: as requested, or as the page states it.
    pub(super) size: Option<u64>,
    /// The id of the last row, if the way of paging needs it.
    pub(super) last_id: Option<String>,
}

/// The facts known after a page.
pub(super) struct Known {
    /// How many rows have come, including this page and the rows before the
    /// place where the caller began.
    pub(super) rows: u64,
    /// The total, and the field that states it.
    pub(super) total: Option<(String, u64)>,
}

/// Returns the place of the next page, or `None` after the last one.
///
/// # Errors
///
/// [`PageErrorKind::Incomplete`] if the page would be the last, but shows a
/// sign of more rows.
pub(super) fn next(
    paging: &Paging,
    seen: &Seen<'_>,
    known: &Known,
) -> Result<Option<Place>, PageError> {
    // Before the rule: an incomplete page may lack its link or its rows.
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
        // `Whole`, and no other: a way by number always has a number.
        _ => end(seen, known),
    }
}

/// Returns the number of the last page, if this page states it. Read-ahead
/// stops there.
pub(super) fn last(paging: &Paging, seen: &Seen<'_>, known: &Known) -> Option<u64> {
    if paging.full_pages {
        let (_, total) = known.total.as_ref()?;
        return Some(total.div_ceil(seen.size?));
    }
    count(seen)
}

/// The rule for pages by number. The signs are read in the order of their
/// worth: full pages and a total, the page count, a link, the total, and last
/// the page's own length.
fn by_number(
    paging: &Paging,
    seen: &Seen<'_>,
    known: &Known,
    number: u64,
) -> Result<Option<Place>, PageError> {
    let next = || Ok(Some(Place::Number(number.saturating_add(1))));
    if paging.full_pages {
        if let Some(((_, total), size)) = known.total.as_ref().zip(seen.size) {
            // A short page before the end means that rows are missing.
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
    // After count and link, because it counts rows that the client may not see.
    if let Some((_, total)) = &known.total {
        // An empty page can only be the last; `end` finds missing rows.
        let more = known.rows < *total && seen.rows > 0;
        return if more { next() } else { end(seen, known) };
    }
    // By the page's own size: the API may return fewer rows than requested.
    let is_short = seen.signs.size.is_some_and(|size| seen.rows < size);
    if seen.rows == 0 || paging.names_next && is_short {
        return end(seen, known);
    }
    next()
}

/// The rule for pages by the number of their first row: up to the total, or to
/// the first empty page.
fn by_index(seen: &Seen<'_>, known: &Known, index: u64) -> Result<Option<Place>, PageError> {
    // By the rows that came, not by the page size: SCIM may return fewer.
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

/// The rule for pages after the id of the last row: a page that is shorter than
/// requested, or empty, is the last.
fn by_last_row(seen: &Seen<'_>, known: &Known) -> Result<Option<Place>, PageError> {
    if seen.rows == 0 || seen.size.is_some_and(|size| seen.rows < size) {
        return end(seen, known);
    }
    match &seen.last_id {
        Some(id) => Ok(Some(Place::Token(id.as_str().into()))),
        None => Err(PageError::new(
            PageErrorKind::Malformed,
            "the last row of the page has no `id`, which the request for the next page needs; \
             describe the pages with `PagedRequest::with_paging`",
        )),
    }
}

/// Returns the count of a page, unless it is 0, which is wrong beside rows.
fn count(seen: &Seen<'_>) -> Option<u64> {
    seen.signs.count.filter(|count| *count > 0)
}

/// Refuses a page that the API has not completed.
fn complete(signs: &Signs) -> Result<(), PageError> {
    match &signs.state {
        Some((field, state)) if job_state::is_running(state) => Err(more(&format!(
            "`{field}` says that the response is not complete yet; wait some seconds"
        ))),
        _ => Ok(()),
    }
}

/// Returns `None` for the end, unless a field of the page contradicts it.
fn end(seen: &Seen<'_>, known: &Known) -> Result<Option<Place>, PageError> {
    if let Some((field, _)) = seen.signs.next.first() {
        return Err(more(&format!(
            "the page should be the last, but its `{field}` leads to another one"
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
            "the page is number {number} of {count} by its `pageCount`, but names no next one"
        )));
    }
    let Some((field, total)) = &known.total else {
        return Ok(None);
    };
    // Rows that the client may not see make pages shorter, not fewer. So if
    // all counted pages have come, it is enough that the total fits into them.
    let reach = counted.map(|(_, count)| seen.signs.size.map(|size| count.saturating_mul(size)));
    let is_short = match reach {
        Some(reach) => reach.is_some_and(|reach| reach < *total),
        None => known.rows < *total,
    };
    if is_short {
        let rows = known.rows;
        return Err(more(&format!(
            "{rows} of {total} rows (its `{field}`) have come, and the page leads no further; \
             if the total is an estimate, or the path begins in the middle, use \
             `PagedRequest::without_total`"
        )));
    }
    Ok(None)
}

/// Returns the error for a page that shows a sign of more rows.
fn more(what: &str) -> PageError {
    let message = format!(
        "{what}; try again from the checkpoint, and if that ends in the same way, start afresh, or \
         describe the pages with `PagedRequest::with_paging`"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}

/// Returns the error for a page that is shorter than its total allows.
fn short(rows: u64, total: u64) -> PageError {
    let message = format!(
        "the page has only {rows} rows, but more of the {total} in all are left; try again from \
         the checkpoint, and if that ends in the same way, start afresh"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(signs: &'a Signs, asked: &'a Place, rows: u64) -> Seen<'a> {
        Seen {
            signs,
            rows,
            asked,
            size: None,
            last_id: None,
        }
    }

    fn known(rows: u64, total: Option<u64>) -> Known {
        Known {
            rows,
            total: total.map(|total| ("total".to_owned(), total)),
        }
    }

    fn kind(result: Result<Option<Place>, PageError>) -> Result<Option<Place>, PageErrorKind> {
        result.map_err(|error| error.kind())
    }

    #[test]
    fn pages_by_index_end_with_the_total_or_else_with_the_first_empty_page() {
        let paging = Paging::index("startIndex");
        let (signs, asked) = (Signs::default(), Place::Number(11));
        let next = |rows, known: Known| kind(next(&paging, &seen(&signs, &asked, rows), &known));
        let follows = Ok(Some(Place::Number(21)));
        assert_eq!(next(10, known(20, Some(21))), follows);
        assert_eq!(next(10, known(20, Some(20))), Ok(None));
        assert_eq!(next(10, known(20, None)), follows);
        assert_eq!(next(0, known(10, None)), Ok(None));
        let missing = Err(PageErrorKind::Incomplete);
        assert_eq!(next(0, known(10, Some(20))), missing);
    }

    #[test]
    fn a_page_that_the_api_still_works_on_is_refused_and_any_other_state_is_not() {
        for (state, expected) in [
            ("RUNNING", Err(PageErrorKind::Incomplete)),
            ("FULFILLED", Ok(None)),
            ("active", Ok(None)),
        ] {
            let signs = Signs {
                state: Some(("state".to_owned(), state.to_owned())),
                ..Signs::default()
            };
            let page = seen(&signs, &Place::First, 1);
            let next = next(&Paging::whole(), &page, &known(1, None));
            assert_eq!(kind(next), expected, "{state}");
        }
    }

    #[test]
    fn the_last_page_by_number_is_compared_with_the_page_count() {
        let paging = Paging::number("pageNumber").with_full_pages();
        let signs = Signs {
            count: Some(3),
            ..Signs::default()
        };
        let asked = Place::Number(1);
        let page = Seen {
            size: Some(25),
            ..seen(&signs, &asked, 20)
        };
        let next = next(&paging, &page, &known(20, Some(20)));
        assert_eq!(kind(next), Err(PageErrorKind::Incomplete));
    }

    /// Row 101 is not page 101.
    #[test]
    fn the_index_of_a_row_is_not_compared_with_the_page_count() {
        let signs = Signs {
            count: Some(200),
            index: Some(101),
            ..Signs::default()
        };
        let asked = Place::Number(101);
        let page = seen(&signs, &asked, 0);
        let next = next(&Paging::index("startIndex"), &page, &known(100, None));
        assert_eq!(kind(next), Ok(None));
    }
}
