use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    machine::View,
    moment::{Moment, Stamp},
    sync::thread_local,
};
use crate::token::AccessToken;

/// A [`View`] in the form that a hit compares.
#[derive(Debug)]
pub(super) struct Visible {
    pub(super) token: AccessToken,
    end: Stamp,
}

/// The version of a cell's view, unique among all cells of this process.
///
/// One comparison tells a thread whether its copy is of this cell, and current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u64);

impl Visible {
    pub(super) fn new(view: View) -> Self {
        let end = Stamp::of(Moment {
            mono: view.until,
            wall: view.wall_until,
        });
        let token = view.token;
        Self { token, end }
    }

    #[inline]
    pub(super) fn serve(&self, now: Stamp) -> Option<AccessToken> {
        now.is_before(self.end).then(|| self.token.clone())
    }

    /// Copies the view and the token's bytes.
    pub(super) fn detached(&self) -> Option<Self> {
        let (token, end) = (self.token.detached()?, self.end);
        Some(Self { token, end })
    }
}

/// The generation identifies the token.
impl PartialEq for Visible {
    fn eq(&self, other: &Self) -> bool {
        (self.token.generation(), self.end) == (other.token.generation(), other.end)
    }
}

impl Version {
    pub(super) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// How many consecutive hits of one version make a thread copy the token.
///
/// A copy allocates twice. A thread that serves many organisations in turn
/// copies nothing, and a thread that switches now and then spreads the cost
/// over this many hits.
const HITS_FOR_A_COPY: u32 = if cfg!(shuttle) { 2 } else { 8 };

thread_local! {
    /// One copy per thread, not one per cache: ten thousand organisations on a
    /// hundred threads would make a million copies.
    static LAST: RefCell<Last> = const { RefCell::new(Last::NONE) };
}

/// The token that this thread uses, with separate bytes and reference count, so
/// that a hit writes to no shared memory.
struct Last {
    copy: Option<Copied>,
    /// The version of the last hit, and the number of consecutive hits.
    hits_of: Version,
    hits: u32,
}

/// A copy of a cell's view.
struct Copied {
    version: Version,
    cell: CellId,
    visible: Visible,
}

/// The address of a cell. It only serves to drop a copy sooner, when its cell
/// has a newer version.
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
        // Ends a run of hits of another version, which starts again at zero.
        self.hits_of = version;
        copy.visible.serve(now)
    }

    /// Counts a hit that was served from the cell, and copies the token after
    /// enough of them.
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

/// Returns the token of this version, if this thread has a copy and the cache
/// may serve it now.
#[inline]
pub(super) fn serve(version: Version, now: Stamp) -> Option<AccessToken> {
    // A thread that is ending has no copy any more.
    LAST.try_with(|last| last.try_borrow_mut().ok()?.serve(version, now))
        .ok()
        .flatten()
}

/// Records that a token was served from its cell. After enough hits of one
/// version the thread has a copy.
pub(super) fn note(version: Version, cell: CellId, visible: &Visible) {
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            last.note(version, cell, visible);
        }
    });
}

#[cfg(test)]
mod tests;
