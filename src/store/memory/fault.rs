use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::store::{Operation, StoreErrorKind};

/// What a [`MemoryStore`](super::MemoryStore) does in place of what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Does nothing, and says so.
    Fail(StoreErrorKind),
    /// Does nothing, and never answers.
    Hang,
    /// Does it after this time.
    Delay(Duration),
    /// Does it, and never answers.
    LoseReply,
}

/// What is to go wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: BTreeMap<Operation, VecDeque<Fault>>,
    always: BTreeMap<Operation, Fault>,
}

impl Faults {
    pub(super) fn always(&mut self, operation: Operation, fault: Fault) {
        self.always.insert(operation, fault);
    }

    pub(super) fn next(&mut self, calls: usize, operation: Operation, fault: Fault) {
        let next = self.next.entry(operation).or_default();
        next.extend(std::iter::repeat_n(fault, calls));
    }

    /// What goes wrong at this call.
    pub(super) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let next = self.next.get_mut(&operation).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&operation).copied())
    }
}
