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

/// How many throttles of this process may hold a send back.
///
/// While none does, no send looks at its throttle. With thousands of
/// organisations in turn, that is one wait for memory less for each request.
static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(super) type KeyFn = dyn Fn(&Method, &Uri) -> String + Send + Sync;

/// What the clones of a throttle, and the tickets in its queues, share.
pub(super) struct Shared {
    /// How many gates are closed, for a look without the lock.
    pub(super) closed: AtomicUsize,
    pub(super) table: Mutex<Table>,
    pub(super) interval: Duration,
    pub(super) key: Arc<KeyFn>,
    pub(super) has_gates: bool,
    pub(super) limiter: Option<Limiter>,
    pub(super) shut: Shut,
}

/// Whether this throttle may hold a send back. Counted until it is dropped.
pub(super) struct Shut {
    is: AtomicBool,
}

/// Whether no throttle of this process holds anything back.
#[inline]
pub(super) fn none_is_shut() -> bool {
    // Whoever has seen a gate close sees the count that went up before.
    COUNT.load(Ordering::Acquire) == 0
}

impl Shared {
    /// The only place where the table is locked. It wakes the collected wakers
    /// after unlocking.
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
    fn while_one_is_shut_all_look_at_theirs() {
        let shut = Shut::new(true);
        assert!(!none_is_shut());
        drop(shut);
    }
}
