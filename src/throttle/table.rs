use std::{collections::HashMap, sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use super::gate::Gate;

/// The closed gates: one for each endpoint, or one for all of them.
#[derive(Debug)]
pub(super) struct Table {
    interval: Duration,
    capacity: usize,
    endpoints: HashMap<Arc<str>, Gate>,
    /// Closed instead of an endpoint's gate when there are too many of those.
    wide: Option<Gate>,
    next_ticket: u64,
    /// Not before this are there any gates to forget.
    forget_at: Option<Instant>,
}

/// Between which times a request is to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// It has failed, and must not be sent again before this. A first send has none.
    pub(super) floor: Option<Instant>,
    pub(super) deadline: Instant,
}

/// A place in a queue.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) endpoint: Arc<str>,
    pub(super) wide: bool,
    pub(super) ticket: u64,
}

/// What came of wanting to pass.
#[derive(Debug)]
pub(super) enum Entry {
    Open,
    /// The estimate would outlast the deadline.
    TooLong,
    Queued(Place, Instant),
}

impl Table {
    pub(super) fn new(interval: Duration, capacity: usize) -> Self {
        Self {
            interval,
            capacity,
            endpoints: HashMap::new(),
            wide: None,
            next_ticket: 0,
            forget_at: None,
        }
    }

    /// How many gates are closed.
    pub(super) fn closed(&self) -> usize {
        self.endpoints.len() + usize::from(self.wide.is_some())
    }

    /// Closes the gate of the endpoint, or keeps it closed. True if it was open.
    pub(super) fn close(
        &mut self,
        endpoint: &Arc<str>,
        times: [Instant; 3],
        woken: &mut Vec<Waker>,
    ) -> bool {
        let [now, _, until] = times;
        self.forget(now);
        if let Some(gate) = self.endpoints.get_mut(endpoint) {
            gate.extend(times, woken);
            return false;
        }
        self.forget_at = Some(self.forget_at.map_or(until, |at| at.min(until)));
        if self.endpoints.len() < self.capacity {
            let gate = Gate::closed_until(until, self.interval);
            self.endpoints.insert(endpoint.clone(), gate);
            return true;
        }
        if let Some(gate) = &mut self.wide {
            gate.extend(times, woken);
            return false;
        }
        self.wide = Some(Gate::closed_until(until, self.interval));
        true
    }

    /// Passes, or queues up. Somebody who was let through for all endpoints asks again with
    /// `past_wide`, for this one; its response is gone, so if it is to wait it does, however long
    /// this one is closed.
    pub(super) fn enter(
        &mut self,
        endpoint: &Arc<str>,
        past_wide: bool,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Entry {
        self.forget(now);
        let wide = !past_wide && self.wide.is_some();
        let gate = match &mut self.wide {
            Some(gate) if wide => gate,
            _ => match self.endpoints.get_mut(endpoint) {
                Some(gate) => gate,
                None => return Entry::Open,
            },
        };
        gate.advance(now, woken);
        if gate.is_open(now) {
            return Entry::Open;
        }
        let slot = gate.estimate(now);
        let early = past_wide && window.floor.is_some_and(|floor| now < floor);
        if slot >= window.deadline && !early {
            return Entry::TooLong;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        gate.join(ticket);
        let endpoint = endpoint.clone();
        let place = Place {
            endpoint,
            wide,
            ticket,
        };
        Entry::Queued(place, slot)
    }

    /// When to look again; `None` when the slot is there, or is not worth the wait: go.
    pub(super) fn turn(
        &mut self,
        place: &Place,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Option<Instant> {
        let gate = self.gate(place)?;
        gate.advance(now, woken);
        let Some(slot) = gate.slot(place.ticket, now) else {
            gate.use_slot(place.ticket);
            return None;
        };
        if slot < window.deadline {
            return Some(slot);
        }
        gate.exit(place.ticket, now, window, woken)
    }

    pub(super) fn wait(&mut self, place: &Place, waker: &Waker) -> Option<Waker> {
        self.gate(place)?.wait(place.ticket, waker)
    }

    pub(super) fn leave(&mut self, place: &Place, woken: &mut Vec<Waker>) {
        if let Some(gate) = self.gate(place) {
            gate.leave(place.ticket, woken);
        }
    }

    fn gate(&mut self, place: &Place) -> Option<&mut Gate> {
        if place.wide {
            return self.wide.as_mut();
        }
        self.endpoints.get_mut(&place.endpoint)
    }

    /// Forgets the gates that are open again, at most once per interval.
    fn forget(&mut self, now: Instant) {
        if self.forget_at.is_none_or(|at| now < at) {
            return;
        }
        self.endpoints.retain(|_, gate| !gate.is_open(now));
        if self.wide.as_ref().is_some_and(|gate| gate.is_open(now)) {
            self.wide = None;
        }
        let gates = self.endpoints.values().chain(&self.wide);
        let soon = now.checked_add(self.interval).unwrap_or(now);
        self.forget_at = gates.map(Gate::next).min().map(|at| at.max(soon));
    }
}
