use std::{collections::HashSet, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    Checkpoint, Page, PageError, PageErrorKind, PagedRequest, checkpoint::Position, job::Job,
    linked::Linked, numbered::Numbered, request::Way,
};

/// One of the ways through the pages of a request.
pub(super) enum Walk<T> {
    Numbered(Numbered<T>),
    Linked(Linked),
    Job(Job),
    Ended,
}

/// What one step of it has brought.
pub(super) enum Step<T> {
    Page(Page<T>),
    /// No page, but a place that a new stream should go on from.
    Reached(Checkpoint),
    End,
}

/// So many pages without a row are followed in a row, as long as each names a next one.
const MOST_EMPTY: u32 = 16;

impl<T: DeserializeOwned + Send + 'static> Walk<T> {
    pub(super) fn new(request: Arc<PagedRequest>, from: Checkpoint) -> Self {
        if from.position == Position::End {
            return Self::Ended;
        }
        match request.way {
            Way::Query | Way::Numbered => Self::Numbered(Numbered::new(request, from)),
            Way::Linked => Self::Linked(Linked::new(request, from)),
            Way::Job => Self::Job(Job::new(request, from)),
        }
    }

    pub(super) async fn step(&mut self) -> Result<Step<T>, PageError> {
        let step = match self {
            Self::Numbered(walk) => walk.step().await,
            Self::Linked(walk) => walk.step().await,
            Self::Job(walk) => walk.step().await,
            Self::Ended => Ok(Step::End),
        };
        let last = |step: &Step<T>| matches!(step, Step::Page(page) if page.checkpoint.is_end());
        if step.as_ref().map_or(true, last) {
            *self = Self::Ended;
        }
        step
    }
}

/// Where a stream has been, so that it is not led in circles.
#[derive(Debug, Default)]
pub(super) struct Trail {
    been: HashSet<Box<str>>,
    empty: u32,
}

impl Trail {
    /// Notes a place about to be asked for; false if it was there before.
    pub(super) fn is_new(&mut self, place: &str) -> bool {
        self.been.insert(place.into())
    }

    /// An error if there have been too many pages without a row, one after the other.
    pub(super) fn count(&mut self, rows: usize) -> Result<(), PageError> {
        self.empty = if rows == 0 { self.empty + 1 } else { 0 };
        if self.empty <= MOST_EMPTY {
            return Ok(());
        }
        let message = "page after page is empty and names a next one; the API is out of order: try \
                       again later, from the checkpoint";
        Err(PageError::new(PageErrorKind::Loop, message))
    }
}

pub(super) fn in_circles() -> PageError {
    let message = "the page names a next one that was there before; the API is out of order, and to \
                   follow would bring rows twice: try again later, from the checkpoint";
    PageError::new(PageErrorKind::Loop, message)
}

/// The total, unless it has become smaller than it was.
pub(super) fn not_shrunk(before: Option<u64>, now: Option<u64>) -> Result<Option<u64>, PageError> {
    match (before, now) {
        (Some(before), Some(now)) if now < before => Err(PageError::new(
            PageErrorKind::Shrunk,
            format!(
                "there are {now} rows in all, and there were {before}: the rest has moved, and rows \
                 would be missed; start afresh, if possible over an interval that has ended"
            ),
        )),
        _ => Ok(now.or(before)),
    }
}
