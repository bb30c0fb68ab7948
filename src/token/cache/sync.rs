//! The lock of the cell: std's, or the one of the model checker, which tries the orders in which
//! threads can take it.

#[cfg(not(all(test, shuttle)))]
pub(super) use std::sync::{Mutex, MutexGuard};

#[cfg(all(test, shuttle))]
pub(super) use shuttle::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What it guards is consistent between any two of its steps, whoever panicked meanwhile.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
