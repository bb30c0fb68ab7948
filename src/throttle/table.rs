use std::{collections::HashMap, sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::gate::{Gate, Window};

/// The closed gates.
#[derive(Debug)]
pub(super) struct Table {
    interval: Duration,
    capacity: usize,
    endpoints: HashMap<Arc<str>, Gate>,
    /// Closed instead of those of the endpoints that have been found to share a
    /// limit.
    groups: HashMap<Arc<str>, Gate>,
    /// Closed by a limit that is about all requests, and when there are too
    /// many others.
    all: Option<Gate>,
    /// What limit the 429s of an endpoint were found to name.
    limits: HashMap<Arc<str>, Limit>,
    next_ticket: u64,
    /// Not before this are there any gates to forget.
    forget_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Account,
    Group(Arc<str>),
}

/// The gates that a request passes, in this order: from the narrowest, so that
/// one who is let go at a gate which should not have been closed still comes to
/// the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Endpoint,
    Group(Arc<str>),
    All,
}

/// A place in a queue.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) endpoint: Arc<str>,
    pub(super) which: Which,
    pub(super) ticket: u64,
}

/// Whether a request may go.
#[derive(Debug)]
pub(crate) enum Passage<T> {
    Open,
    /// Its turn would come after its deadline.
    TooLong,
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

    /// How many gates are closed.
    pub(super) fn closed(&self) -> usize {
        self.endpoints.len() + self.groups.len() + usize::from(self.all.is_some())
    }

    /// Closes the gate of the endpoint, or of the limit that it is known for,
    /// or keeps it closed. True if it was open.
    pub(super) fn close(
        &mut self,
        endpoint: &Arc<str>,
        times: [Instant; 3],
        woken: &mut Vec<Waker>,
    ) -> bool {
        self.forget(times[0]);
        // The limit that earlier 429s of this endpoint named is closed at once,
        // before the next body is read.
        let which = match self.limits.get(endpoint) {
            None => Which::Endpoint,
            Some(Limit::Account) => Which::All,
            Some(Limit::Group(group)) => Which::Group(group.clone()),
        };
        self.shut(&which, endpoint, times, woken)
    }

    /// The 429 of an endpoint, which was closed by it, has named a limit: its
    /// gate is closed instead. True if that was open.
    pub(super) fn widen(
        &mut self,
        endpoint: &Arc<str>,
        limit: &Limit,
        times: [Instant; 3],
        woken: &mut Vec<Waker>,
    ) -> bool {
        let which = match limit {
            Limit::Account => Which::All,
            Limit::Group(group) => Which::Group(group.clone()),
        };
        if self.limits.len() >= self.capacity && !self.limits.contains_key(endpoint) {
            self.limits.clear();
        }
        let old = self.limits.insert(endpoint.clone(), limit.clone());
        if old.as_ref() == Some(limit) {
            // It was closed by the head of the 429.
            return false;
        }
        if let Some(gate) = self.endpoints.get_mut(endpoint) {
            gate.open(times[0], woken);
        }
        self.shut(&which, endpoint, times, woken)
    }

    /// Whether the 429s of this endpoint are known to be about one service
    /// only.
    pub(super) fn is_service(&self, endpoint: &Arc<str>) -> bool {
        matches!(self.limits.get(endpoint), Some(Limit::Group(_)))
    }

    fn shut(
        &mut self,
        which: &Which,
        endpoint: &Arc<str>,
        times: [Instant; 3],
        woken: &mut Vec<Waker>,
    ) -> bool {
        let until = times[2];
        if let Some(gate) = self.gate(which, endpoint) {
            gate.extend(times, woken);
            return false;
        }
        self.forget_at = Some(self.forget_at.map_or(until, |at| at.min(until)));
        let gate = Gate::closed_until(until, self.interval);
        // Too many closed endpoints close all of them: a table without a bound
        // would grow with the paths.
        match which {
            Which::Endpoint if self.endpoints.len() < self.capacity => {
                self.endpoints.insert(endpoint.clone(), gate);
            }
            Which::Group(group) => {
                self.groups.insert(group.clone(), gate);
            }
            Which::Endpoint | Which::All => match &mut self.all {
                Some(all) => {
                    all.extend(times, woken);
                    return false;
                }
                all @ None => *all = Some(gate),
            },
        }
        true
    }

    /// Passes, or queues up. Somebody who was let through at a gate asks again
    /// with that in `past`; its response is gone, so if it is to wait it does,
    /// however long the next one is closed.
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
            // A wait that ends past the deadline is worth it only for one whose
            // answer is gone.
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

    fn gates_after(&self, endpoint: &Arc<str>, past: Option<&Which>) -> [Option<Which>; 3] {
        let group = match self.limits.get(endpoint) {
            Some(Limit::Group(group)) => Some(Which::Group(group.clone())),
            _ => None,
        };
        // Only wider gates follow: a request that passed a gate must not queue
        // there again.
        match past {
            None => [Some(Which::Endpoint), group, Some(Which::All)],
            Some(Which::Endpoint) => [None, group, Some(Which::All)],
            Some(Which::Group(_)) => [None, None, Some(Which::All)],
            Some(Which::All) => [None, None, None],
        }
    }

    /// When to look again; `None` when its turn has come, or is not worth the
    /// wait: go.
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

    pub(super) fn wait(&mut self, place: &Place, waker: &Waker) -> Option<Waker> {
        let gate = self.gate(&place.which, &place.endpoint)?;
        gate.wait(place.ticket, waker)
    }

    pub(super) fn leave(&mut self, place: &Place, woken: &mut Vec<Waker>) {
        if let Some(gate) = self.gate(&place.which, &place.endpoint) {
            gate.leave(place.ticket, woken);
        }
    }

    fn gate(&mut self, which: &Which, endpoint: &Arc<str>) -> Option<&mut Gate> {
        match which {
            Which::Endpoint => self.endpoints.get_mut(endpoint),
            Which::Group(group) => self.groups.get_mut(group),
            Which::All => self.all.as_mut(),
        }
    }

    /// Forgets the gates that are open again, at most once per interval.
    fn forget(&mut self, now: Instant) {
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
