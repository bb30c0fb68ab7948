//! Shared and thread-local state: std's, or that of the model checker, which
//! tries the possible orders of threads.

#[cfg(not(all(test, shuttle)))]
pub(super) use std::{
    sync::{Mutex, MutexGuard, atomic::AtomicU64},
    thread_local,
};

#[cfg(all(test, shuttle))]
pub(super) use shuttle::{
    sync::{Mutex, MutexGuard, atomic::AtomicU64},
    thread_local,
};

use crate::lock::unpoisoned;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}
