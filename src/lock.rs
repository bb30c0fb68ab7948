//! Locks that outlive a panic.

use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

/// Returns the guarded value, also after a thread panicked with the lock.
///
/// Each value that this crate guards is consistent between any two steps of a
/// change, so a panic leaves no change half-done. Passing the panic on would
/// make the failure of one request the failure of all.
pub(crate) fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// Locks a mutex, and ignores its [poison](unpoisoned).
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_lock_outlives_a_panic() {
        let mutex = Mutex::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            *lock(&mutex) = 2;
            let _held = lock(&mutex);
            panic!("under the lock");
        }));
        assert!(panicked.is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 2);
    }
}
