use std::{collections::HashMap, sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::gate::{Closing, Gate, Window};

/// The closed gates of a throttle, and which limit each endpoint falls under.
///
/// A 429 first closes the gate of its endpoint. When its body names a limit,
/// the gate of that limit takes over, and the table remembers the limit: the
/// next 429 of the endpoint closes the right gate at once.
#[derive(Debug)]
pub(super) struct Table {
    /// The first interval between two turns of a gate.
    interval: Duration,
    /// The maximum number of closed endpoints, of closed limits, and of
    /// remembered limits.
    capacity: usize,
    /// The closed gates of single endpoints.
    endpoints: HashMap<Arc<str>, Gate>,
    /// The closed gates of limits that several endpoints share, by the limit's
    /// name.
    groups: HashMap<Arc<str>, Gate>,
    /// The gate of all requests. Closed by a limit of the account, or if too
    /// many endpoints are closed.
    all: Option<Gate>,
    /// The limit that the last 429 of each endpoint named.
    limits: HashMap<Arc<str>, Limit>,
    /// The ticket of the next request that waits, unique among all gates.
    next_ticket: u64,
    /// The earliest time at which a gate may be open again.
    forget_at: Option<Instant>,
}

/// The limit that the 429s of an endpoint name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// A limit on all requests.
    Account,
    /// A limit with this name, on the requests to one service.
    Group(Arc<str>),
}

/// The gates that a request passes, in this order.
///
/// The narrowest comes first: if a gate was closed for too few requests, those
/// that it releases still come to the wider gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The gate of the request's endpoint.
    Endpoint,
    /// The gate of the limit with this name.
    Group(Arc<str>),
    /// The gate of all requests.
    All,
}

/// A place in the queue of a gate.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The endpoint of the waiting request.
    pub(super) endpoint: Arc<str>,
    /// The gate at which it waits.
    pub(super) which: Which,
    /// Its ticket in the gate's queue.
    pub(super) ticket: u64,
}

/// Whether a request may go.
#[derive(Debug)]
pub(crate) enum Passage<T> {
    /// It may go now.
    Open,
    /// Its turn would come after its deadline, so it does not wait.
    TooLong,
    /// It waits, with this ticket.
    Queued(T),
}

impl Table {
    pub(super) fn new(interval: Duration, capacity: usize) -> Self {
        Self {
            interval,
            capacity,
            endpoints: HashMap::new(),
            groups: HashMap::new(),
            all: None,
            limits: HashMap::new(),
            next_ticket: 0,
            forget_at: None,
        }
    }

    /// Returns how many gates are closed.
    pub(super) fn closed(&self) -> usize {
        self.endpoints.len() + self.groups.len() + usize::from(self.all.is_some())
    }

    /// Closes the gate of the endpoint, or of the limit that its 429s are known
    /// to name; extends the closure of a closed gate. Returns whether the gate
    /// was open.
    pub(super) fn close(
        &mut self,
        endpoint: &Arc<str>,
        times: Closing,
        woken: &mut Vec<Waker>,
    ) -> bool {
        self.forget(times.now);
        let which = match self.limits.get(endpoint) {
            None => Which::Endpoint,
            Some(Limit::Account) => Which::All,
            Some(Limit::Group(group)) => Which::Group(group.clone()),
        };
        self.shut(&which, endpoint, times, woken)
    }

    /// Closes the gate of a limit instead of the endpoint's gate, which the
    /// head of the same 429 has closed. Returns whether the limit's gate was
    /// open.
    pub(super) fn widen(
        &mut self,
        endpoint: &Arc<str>,
        limit: &Limit,
        times: Closing,
        woken: &mut Vec<Waker>,
    ) -> bool {
        let which = match limit {
            Limit::Account => Which::All,
            Limit::Group(group) => Which::Group(group.clone()),
        };
        // A full memory starts again: each endpoint names its limit
        // again in the body of its next 429.
        if self.limits.len() >= self.capacity && !self.limits.contains_key(endpoint) {
            self.limits.clear();
        }
        let old = self.limits.insert(endpoint.clone(), limit.clone());
        if old.as_ref() == Some(limit) {
            // The limit was known, so the head of the 429 has closed its gate.
            return false;
        }
        // The waiters of the endpoint's gate continue at the limit's gate,
        // which is closed under the same lock.
        if let Some(gate) = self.endpoints.get_mut(endpoint) {
            gate.open(times.now, woken);
        }
        self.shut(&which, endpoint, times, woken)
    }

    /// Returns whether the last 429 of this endpoint named the limit of one
    /// service.
    pub(super) fn is_service(&self, endpoint: &Arc<str>) -> bool {
        matches!(self.limits.get(endpoint), Some(Limit::Group(_)))
    }

    /// Closes a gate, or extends its closure. Returns whether it was open.
    fn shut(
        &mut self,
        which: &Which,
        endpoint: &Arc<str>,
        times: Closing,
        woken: &mut Vec<Waker>,
    ) -> bool {
        let until = times.until;
        if let Some(gate) = self.gate(which, endpoint) {
            gate.extend(times, woken);
            return false;
        }
        self.forget_at = Some(self.forget_at.map_or(until, |at| at.min(until)));
        let gate = Gate::closed_until(until, self.interval);
        // Too many closed endpoints or limits close all requests: a table
        // without a bound would grow with the paths, and with the names that
        // the server gives to its limits.
        match which {
            Which::Endpoint if self.endpoints.len() < self.capacity => {
                self.endpoints.insert(endpoint.clone(), gate);
            }
            Which::Group(group) if self.groups.len() < self.capacity => {
                self.groups.insert(group.clone(), gate);
            }
            Which::Endpoint | Which::Group(_) | Which::All => match &mut self.all {
                Some(all) => {
                    all.extend(times, woken);
                    return false;
                }
                all @ None => *all = Some(gate),
            },
        }
        true
    }

    /// Passes all gates, or joins the queue of the first closed one.
    ///
    /// `past` is the gate that has just released the request, if one has. The
    /// request then asks for the wider gates only. Until its own floor, such a
    /// retry waits however long the next gate is closed: its response is gone.
    pub(super) fn enter(
        &mut self,
        endpoint: &Arc<str>,
        past: Option<&Which>,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Passage<(Place, Instant)> {
        self.forget(now);
        for which in self.gates_after(endpoint, past).into_iter().flatten() {
            let Some(gate) = self.gate(&which, endpoint) else {
                continue;
            };
            gate.advance(now, woken);
            if gate.is_open(now) {
                continue;
            }
            let turn = gate.estimate(now);
            // A request waits past its deadline only if its 429 is gone and its
            // `Retry-After` is not over: it may neither return nor go.
            let early = past.is_some() && window.floor.is_some_and(|floor| now < floor);
            if turn >= window.deadline && !early {
                return Passage::TooLong;
            }
            let ticket = self.next_ticket;
            self.next_ticket += 1;
            if let Some(gate) = self.gate(&which, endpoint) {
                gate.join(ticket);
            }
            let endpoint = endpoint.clone();
            let place = Place {
                endpoint,
                which,
                ticket,
            };
            return Passage::Queued((place, turn));
        }
        Passage::Open
    }

    /// Returns the gates that come after `past`, from the narrowest.
    fn gates_after(&self, endpoint: &Arc<str>, past: Option<&Which>) -> [Option<Which>; 3] {
        let group = match self.limits.get(endpoint) {
            Some(Limit::Group(group)) => Some(Which::Group(group.clone())),
            _ => None,
        };
        match past {
            None => [Some(Which::Endpoint), group, Some(Which::All)],
            Some(Which::Endpoint) => [None, group, Some(Which::All)],
            Some(Which::Group(_)) => [None, None, Some(Which::All)],
            Some(Which::All) => [None, None, None],
        }
    }

    /// Returns when to look again, or `None` if the request may go: its turn
    /// has come, or would come too late.
    pub(super) fn turn(
        &mut self,
        place: &Place,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Option<Instant> {
        let gate = self.gate(&place.which, &place.endpoint)?;
        gate.advance(now, woken);
        let Some(turn) = gate.turn(place.ticket, now) else {
            gate.take_turn(place.ticket);
            return None;
        };
        if turn < window.deadline {
            return Some(turn);
        }
        gate.exit(place.ticket, now, window, woken)
    }

    /// Sets the waker of a waiting request, and returns the one that it
    /// replaces.
    pub(super) fn wait(&mut self, place: &Place, waker: &Waker) -> Option<Waker> {
        let gate = self.gate(&place.which, &place.endpoint)?;
        gate.wait(place.ticket, waker)
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, place: &Place, woken: &mut Vec<Waker>) {
        if let Some(gate) = self.gate(&place.which, &place.endpoint) {
            gate.leave(place.ticket, woken);
        }
    }

    /// Returns a gate, if it is closed.
    fn gate(&mut self, which: &Which, endpoint: &Arc<str>) -> Option<&mut Gate> {
        match which {
            Which::Endpoint => self.endpoints.get_mut(endpoint),
            Which::Group(group) => self.groups.get_mut(group),
            Which::All => self.all.as_mut(),
        }
    }

    /// Forgets the gates that are open again, at most once per interval.
    fn forget(&mut self, now: Instant) {
        // A search through all gates at each request would cost more than the
        // memory that it frees.
        if self.forget_at.is_none_or(|at| now < at) {
            return;
        }
        self.endpoints.retain(|_, gate| !gate.is_open(now));
        self.groups.retain(|_, gate| !gate.is_open(now));
        self.all.take_if(|gate| gate.is_open(now));
        let narrow = self.endpoints.values().chain(self.groups.values());
        let soon = now.checked_add(self.interval).unwrap_or(now);
        let first = narrow.chain(&self.all).map(Gate::next).min();
        self.forget_at = first.map(|at| at.max(soon));
    }
}
