use std::time::Duration;

use tokio::time::Instant;

use super::{Call, closed::Closed};
use crate::{
    replay::CloneBody,
    retry::RetryEvent,
    runtime,
    throttle::{Passage, Ticket},
};

/// Waiting at the throttle, and what a 429 tells it.
impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// A place in the queue, if the first send has to wait.
    pub(in crate::retry) fn queue_first(&mut self) -> Option<Box<Ticket>> {
        // A send that another layer decides about has been through the gates there; each takes a slot.
        match self.passes {
            true => self.queue_for_slot(),
            false => self.queue_until_open(None),
        }
    }

    /// A place in the queue, if a request that has slept has to wait once more, since the
    /// endpoint was closed meanwhile, or there is no slot.
    pub(in crate::retry) fn queue_again(&mut self) -> Option<Box<Ticket>> {
        self.queue_until_open(Some(Instant::now()))
    }

    /// A place in the queue for a slot, if there is none: of one that waits at no gate.
    pub(in crate::retry) fn queue_for_slot(&mut self) -> Option<Box<Ticket>> {
        if self.upstream().throttle()?.try_take() || !runtime::is_entered() {
            return None;
        }
        let deadline = self.deadline();
        let passage = self.upstream().throttle()?.enter_slot(None, deadline);
        self.queued(passage)
    }

    fn queue_until_open(&mut self, floor: Option<Instant>) -> Option<Box<Ticket>> {
        if self.upstream().throttle()?.try_pass() || !runtime::is_entered() {
            return None;
        }
        let deadline = self.deadline();
        let throttle = self.upstream().throttle()?;
        let (method, uri) = self.target();
        let endpoint = throttle.endpoint(method, uri);
        let passage = throttle.enter(&endpoint, floor, deadline);
        self.queued(passage)
    }

    fn queued(&mut self, passage: Passage<Box<Ticket>>) -> Option<Box<Ticket>> {
        // A wait past the deadline is not begun: the request goes, and gets the server's own 429.
        match passage {
            Passage::Queued(ticket) => {
                self.pause();
                self.tell_queued(&ticket);
                Some(ticket)
            }
            Passage::Open | Passage::TooLong => None,
        }
    }

    pub(super) fn tell_queued(&self, ticket: &Ticket) {
        if let Some(endpoint) = ticket.endpoint() {
            self.settings.tell(&RetryEvent::Held {
                endpoint,
                wait: ticket.at().saturating_duration_since(Instant::now()),
            });
        }
    }

    /// `slots`: how long it has waited for one.
    pub(in crate::retry) fn released(&mut self, slots: Duration) {
        self.waited_for_slots += slots;
        if let Some(paused_at) = self.paused_at {
            let waited = paused_at.elapsed();
            self.settings.tell(&RetryEvent::Released { waited });
        }
    }

    /// Holds back the other requests to this endpoint.
    pub(super) fn close(&self, now: Instant, floor: Duration, wait: Duration) -> Option<Closed> {
        let throttle = self.upstream().throttle()?.clone();
        let (method, uri) = self.target();
        let endpoint = throttle.endpoint(method, uri);
        let times = [now.checked_add(floor)?, now.checked_add(wait)?];
        if throttle.close(&endpoint, times[0], times[1]) {
            self.settings.tell(&RetryEvent::GateClosed {
                endpoint: &endpoint,
                wait,
            });
        }
        Some(Closed {
            throttle,
            endpoint,
            times,
        })
    }

    /// What the 429 is about is in its body, which is read only where the request is sent again.
    pub(super) fn explain(&mut self, closed: Closed, is_sent_again: bool) {
        match is_sent_again && self.settings.read_limit.is_some() {
            true => self.unread = Some(Box::new(closed)),
            false => closed.report(None),
        }
    }

    /// The body of the 429 that is to be explained.
    pub(in crate::retry) fn read(&mut self, body: &[u8]) {
        let (Some(closed), Some(read)) = (self.unread.take(), &self.settings.read_limit) else {
            return;
        };
        let named = read(body);
        if let Some(named) = &named {
            let throttle = &closed.throttle;
            if let Some(name) = throttle.widen(&closed.endpoint, named, closed.times) {
                let wait = closed.times[1].saturating_duration_since(Instant::now());
                let limit = &name;
                self.settings.tell(&RetryEvent::Widened { limit, wait });
            }
        }
        closed.report(named.as_ref());
    }

    /// Whether there is a body that is to be read.
    pub(in crate::retry) fn is_to_read(&self) -> bool {
        self.unread.is_some()
    }
}
