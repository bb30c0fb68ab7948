//! Faults that a test injects into a store.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::store::{Operation, StoreErrorKind};

/// A fault of a [`MemoryStore`](super::MemoryStore), which has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Does nothing, and returns an error of this kind.
    Fail(StoreErrorKind),
    /// Does nothing, and never answers.
    Hang,
    /// Executes the operation after this delay.
    Delay(Duration),
    /// Executes the operation, and never answers.
    LoseReply,
}

/// The injected faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// For the next calls, in their order. They come before `always`.
    next: BTreeMap<Operation, VecDeque<Fault>>,
    always: BTreeMap<Operation, Fault>,
}

impl Faults {
    /// Injects a fault into every call from now on. Replaces an earlier one.
    pub(super) fn always(&mut self, operation: Operation, fault: Fault) {
        self.always.insert(operation, fault);
    }

    /// Queues a fault for this many calls.
    pub(super) fn next(&mut self, calls: usize, operation: Operation, fault: Fault) {
        let next = self.next.entry(operation).or_default();
        next.extend(std::iter::repeat_n(fault, calls));
    }

    /// Returns the fault of this call, if any.
    pub(super) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let next = self.next.get_mut(&operation).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&operation).copied())
    }
}
