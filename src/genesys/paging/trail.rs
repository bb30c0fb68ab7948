use std::collections::HashSet;

use super::{PageError, PageErrorKind, checkpoint::Place};

/// So many pages without a row are followed in a row, as long as each names a
/// next one.
const MOST_EMPTY: u32 = 16;

/// Where a stream has been, so that it is not led in circles.
#[derive(Debug, Default)]
pub(super) struct Trail {
    been: HashSet<Box<str>>,
    empty: u32,
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

pub(super) fn in_circles() -> PageError {
    let message = "the page names a next one that was there before, and to follow it would bring rows \
                   twice; start afresh, and if that brings the same, report it to Genesys";
    PageError::new(PageErrorKind::Loop, message)
}

/// The total, unless it has become smaller than it was.
pub(super) fn not_shrunk(before: Option<u64>, now: Option<u64>) -> Result<Option<u64>, PageError> {
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
pub(super) fn grown(before: u64, now: u64) -> PageError {
    let message = format!(
        "there are {now} rows in all, and there were {before}: the page may belong to a list without \
         the request's filters; look at what stands in between, and start afresh"
    );
    PageError::new(PageErrorKind::Grown, message)
}
