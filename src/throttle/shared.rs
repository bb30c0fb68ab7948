use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use http::{Method, Uri};

use super::{shut::Shut, table::Table};
use crate::{limiter::Limiter, lock::lock};

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

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("interval", &self.interval)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
