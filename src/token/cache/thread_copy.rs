use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{stamp::Stamp, sync::thread_local, visible::Visible};
use crate::token::AccessToken;

/// The number of what a cell shows, which no other cell of this process ever has.
///
/// So a thread can tell by one number whether its copy is of this cell, and still what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u64);

impl Version {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// How many hits in a row of one version it takes until a thread copies the token.
///
/// A copy allocates twice. A thread that serves many organisations in turn makes none, and for one
/// that changes between them the price is spread over as many hits.
const HITS_FOR_A_COPY: u32 = if cfg!(shuttle) { 2 } else { 8 };

thread_local! {
    /// One for a thread and not one for each cache: ten thousand organisations on a hundred threads
    /// would be a million copies.
    static LAST: RefCell<Last> = const { RefCell::new(Last::NONE) };
}

/// The token that this thread uses, with bytes and a reference count of its own, so that a hit
/// writes to nothing that threads share.
struct Last {
    copy: Option<Copied>,
    /// The version of the last hit, and how many there were in a row.
    hits_of: Version,
    hits: u32,
}

struct Copied {
    version: Version,
    cell: CellId,
    visible: Visible,
}

/// The address of a cell. It only makes a copy go sooner: of a cell that has another version now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CellId(usize);

impl CellId {
    pub(super) fn of<T>(cell: &T) -> Self {
        Self(std::ptr::from_ref(cell).addr())
    }
}

impl Last {
    const NONE: Self = Self {
        copy: None,
        hits_of: Version(0),
        hits: 0,
    };

    #[inline]
    fn serve(&mut self, version: Version, now: Stamp) -> Option<AccessToken> {
        let copy = self.copy.as_ref().filter(|copy| copy.version == version)?;
        // Other hits in between do not add up.
        self.hits_of = version;
        copy.visible.serve(now)
    }

    /// Of what was served from the cell, as it was no copy.
    fn note(&mut self, version: Version, cell: CellId, visible: &Visible) {
        if self.hits_of != version {
            (self.hits_of, self.hits) = (version, 0);
        }
        self.hits = self.hits.saturating_add(1);
        let outdated = |copy: &Copied| copy.cell == cell && copy.version != version;
        if self.hits >= HITS_FOR_A_COPY {
            let of = |visible| Copied {
                version,
                cell,
                visible,
            };
            self.copy = visible.detached().map(of);
        } else if self.copy.as_ref().is_some_and(outdated) {
            self.copy = None;
        }
    }
}

/// The token of this version, if this thread has a copy of it and it may be served now.
#[inline]
pub(super) fn serve(version: Version, now: Stamp) -> Option<AccessToken> {
    // A thread that ends has none any more.
    LAST.try_with(|last| last.try_borrow_mut().ok()?.serve(version, now))
        .ok()
        .flatten()
}

/// Notes that a token was served from its cell; after enough of the same version the thread has a
/// copy.
pub(super) fn note(version: Version, cell: CellId, visible: &Visible) {
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            last.note(version, cell, visible);
        }
    });
}

#[cfg(test)]
mod tests;
