use std::sync::{Arc, atomic::Ordering};

use http::{Method, Uri};
use tokio::time::Instant;

use super::{
    LimitScope, NamedLimit, Throttle,
    gate::{Closing, Window},
    key, shared,
    table::{Limit, Passage},
    ticket::Ticket,
};
use crate::limiter::Limiter;

/// The side of the throttle that a call sees: passing, waiting, and reporting a
/// 429.
impl Throttle {
    /// Returns whether a send may go at once. If so, it has taken its slot, and
    /// must go.
    #[inline]
    pub(crate) fn try_pass(&self) -> bool {
        // The order matters: the first look reads one counter of the process,
        // the second one of the throttle, and only the third takes a lock.
        shared::none_is_shut() || self.is_open() && self.try_take()
    }

    /// Takes a slot at hand, and returns whether it did. Passes without a
    /// limit. For a send that skips the gates.
    pub(crate) fn try_take(&self) -> bool {
        self.shared.limiter.as_ref().is_none_or(Limiter::try_take)
    }

    /// Returns whether no gate is closed.
    pub(super) fn is_open(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire) == 0
    }

    /// Returns the name of a request's endpoint.
    pub(crate) fn endpoint(&self, method: &Method, uri: &Uri) -> Arc<str> {
        (self.shared.key)(method, uri).into()
    }

    /// Closes the endpoint's gate until `until`, unless it is closed beyond
    /// `floor` already. Returns whether it was open.
    ///
    /// `floor` is the end of the server's `Retry-After`, or of the backoff
    /// without one, and `until` the same with jitter.
    pub(crate) fn close(&self, endpoint: &Arc<str>, floor: Instant, until: Instant) -> bool {
        let times = Closing {
            now: Instant::now(),
            floor,
            until,
        };
        self.shared.has_gates
            && self
                .shared
                .with(|table, woken| table.close(endpoint, times, woken))
    }

    /// Closes the gate of the limit that a 429 names, instead of the endpoint's
    /// gate, which the same 429 has closed. Returns the limit's name if its
    /// gate was open.
    pub(crate) fn widen(
        &self,
        endpoint: &Arc<str>,
        named: &NamedLimit,
        floor: Instant,
        until: Instant,
    ) -> Option<String> {
        let times = Closing {
            now: Instant::now(),
            floor,
            until,
        };
        let name = key::shorten(named.name.clone());
        let limit = match named.scope {
            LimitScope::Account => Limit::Account,
            LimitScope::Service => Limit::Group(name.as_str().into()),
        };
        let closed = self.shared.has_gates
            && self
                .shared
                .with(|table, woken| table.widen(endpoint, &limit, times, woken));
        closed.then_some(name)
    }

    /// Reports a 429 to the processes that share the limit, unless it was about
    /// one service only. `named` is the limit that its body names, if the body
    /// was read.
    pub(crate) fn report(&self, endpoint: &Arc<str>, named: Option<&NamedLimit>, floor: Instant) {
        let Some(limiter) = &self.shared.limiter else {
            return;
        };
        // A 429 whose limit is unknown counts as one of the service if the last
        // one of this endpoint was. Otherwise it counts as one of the token:
        // too wide costs a pause, too narrow a 429 in each process.
        let is_service = match named {
            Some(named) => named.scope == LimitScope::Service,
            None => self.shared.with(|table, _| table.is_service(endpoint)),
        };
        if !is_service {
            limiter.refused(floor, named.and_then(|named| named.per_minute));
        }
    }

    /// Joins the queue of the first closed gate, if one is closed.
    ///
    /// A retry has a `floor`, the end of its own `Retry-After`. It never goes
    /// before that, even if the gate is closed past its deadline.
    pub(crate) fn enter_gate(
        &self,
        endpoint: &Arc<str>,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        let (now, window) = (Instant::now(), Window { floor, deadline });
        let passage = self
            .shared
            .with(|table, woken| table.enter(endpoint, None, now, window, woken));
        match passage {
            Passage::Open => Passage::Open,
            Passage::TooLong => Passage::TooLong,
            Passage::Queued((place, turn)) => {
                Passage::Queued(Ticket::at_gate(&self.shared, place, turn, window))
            }
        }
    }

    /// Joins the queue of the first closed gate. If none is closed, takes a
    /// slot or joins the queue for one.
    pub(crate) fn enter(
        &self,
        endpoint: &Arc<str>,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        match self.enter_gate(endpoint, floor, deadline) {
            Passage::Open => self.enter_slot(floor, deadline),
            passage => passage,
        }
    }

    /// Takes a slot or joins the queue for one, past all gates.
    pub(crate) fn enter_slot(
        &self,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        Ticket::for_slot(&self.shared, Window { floor, deadline })
    }
}
