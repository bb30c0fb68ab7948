use std::task::Waker;

use crate::store::book::{LimitEvent, Terms};

/// The work that follows a change of the state, after the lock is released.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) woken: Vec<Waker>,
    pub(super) events: Vec<LimitEvent>,
    pub(super) ask: Option<Ask>,
}

/// A reservation to be made.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: u64,
    pub(super) terms: Option<Terms>,
    pub(super) want: u32,
    pub(super) returned: Vec<u64>,
    pub(super) is_known: bool,
    pub(super) was_alone: bool,
}
