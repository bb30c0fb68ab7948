use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use http::{Method, Uri};

use super::table::Table;
use crate::{limiter::Limiter, lock::lock};

/// The number of throttles of this process that may make a send wait.
///
/// While it is zero, no send looks at its throttle. With thousands of
/// organisations in turn, that saves each request one cache miss.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Names the endpoint of a request.
pub(super) type KeyFn = dyn Fn(&Method, &Uri) -> String + Send + Sync;

/// What the clones of a throttle, and the tickets in its queues, share.
pub(super) struct Shared {
    /// How many gates are closed, for a look without the lock.
    pub(super) closed: AtomicUsize,
    /// Locked by [`with`](Self::with) only.
    pub(super) table: Mutex<Table>,
    /// The first interval between two turns.
    pub(super) interval: Duration,
    /// Names the endpoint of a request.
    pub(super) key: Arc<KeyFn>,
    /// Whether 429s close gates. If not, the throttle only hands out slots.
    pub(super) has_gates: bool,
    /// The process's part in a shared limit, if there is one.
    pub(super) limiter: Option<Limiter>,
    /// Whether the throttle may make a send wait.
    pub(super) shut: Shut,
}

/// Whether a throttle may make a send wait. If so, it is counted until it is
/// dropped.
pub(super) struct Shut {
    is: AtomicBool,
}

/// Returns whether no throttle of this process can make a send wait.
#[inline]
pub(super) fn none_is_shut() -> bool {
    // A thread that has seen a gate close also sees the count, which was
    // raised before the lock was released.
    COUNT.load(Ordering::Acquire) == 0
}

impl Shared {
    /// Changes the table, and is the only function that locks it. Wakes the
    /// collected wakers after the lock is released, because a waker can run the
    /// caller's code.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Table, &mut Vec<Waker>) -> T) -> T {
        let mut woken = Vec::new();
        let result = {
            let mut table = lock(&self.table);
            let result = change(&mut table, &mut woken);
            let closed = table.closed();
            self.closed.store(closed, Ordering::Release);
            // Under the lock, so that the flag agrees with the table.
            self.shut.set(closed > 0 || self.limiter.is_some());
            result
        };
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

impl Shut {
    pub(super) fn new(is: bool) -> Self {
        let shut = Self {
            is: AtomicBool::new(false),
        };
        shut.set(is);
        shut
    }

    pub(super) fn set(&self, is: bool) {
        self.count(is, &COUNT);
    }

    /// Sets the flag, and counts its changes only: setting it twice counts
    /// once.
    fn count(&self, is: bool, count: &AtomicUsize) {
        match (self.is.swap(is, Ordering::AcqRel), is) {
            (false, true) => {
                count.fetch_add(1, Ordering::AcqRel);
            }
            (true, false) => {
                count.fetch_sub(1, Ordering::AcqRel);
            }
            (true, true) | (false, false) => {}
        }
    }
}

#[cfg(test)]
impl Shut {
    pub(super) fn is(&self) -> bool {
        self.is.load(Ordering::Acquire)
    }
}

impl Drop for Shut {
    fn drop(&mut self) {
        self.set(false);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("interval", &self.interval)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_counts_once_however_often_it_is_shut() {
        let (shut, count) = (Shut::new(false), AtomicUsize::new(7));
        let counted = [true, true, false, false, true, false].map(|is| {
            shut.count(is, &count);
            count.load(Ordering::Acquire)
        });
        assert_eq!(counted, [8, 8, 7, 7, 8, 7]);
    }

    #[test]
    fn while_one_is_shut_each_send_looks_at_its_throttle() {
        let shut = Shut::new(true);
        assert!(!none_is_shut());
        drop(shut);
    }
}
