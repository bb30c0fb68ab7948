//! The waits of a call in the throttle, and its reports of 429s.

use std::time::Duration;

use tokio::time::Instant;

use super::{Call, Closed};
use crate::{
    replay::CloneBody,
    retry::RetryEvent,
    runtime,
    throttle::{Passage, Ticket},
};

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// Joins the queue if the first send must wait.
    pub(in crate::retry) fn queue_first(&mut self) -> Option<Box<Ticket>> {
        // If a layer outside resends, its call has already waited at the gates.
        // Every send takes a slot.
        match self.passes {
            true => self.queue_for_slot(),
            false => self.queue_until_open(None),
        }
    }

    /// Joins the queue if a retry must wait after its backoff, because the
    /// endpoint was closed in the meantime or no slot is free.
    pub(in crate::retry) fn queue_again(&mut self) -> Option<Box<Ticket>> {
        self.queue_until_open(Some(Instant::now()))
    }

    /// Joins the queue for a slot if none is free, for a send that skips the
    /// gates.
    pub(in crate::retry) fn queue_for_slot(&mut self) -> Option<Box<Ticket>> {
        // Every send takes a slot if one is at hand, also outside of a runtime,
        // where nothing can wait for one.
        if self.upstream().throttle()?.try_take() || !runtime::is_entered() {
            return None;
        }
        let deadline = self.deadline();
        let passage = self.upstream().throttle()?.enter_slot(None, deadline);
        self.queued(passage)
    }

    /// Joins the queue of the request's endpoint, unless it may go now. A retry
    /// is not released before `floor`.
    fn queue_until_open(&mut self, floor: Option<Instant>) -> Option<Box<Ticket>> {
        // Outside of a runtime nothing can wait, so the request goes out at
        // once.
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

    /// Starts the wait, if the request has joined a queue.
    fn queued(&mut self, passage: Passage<Box<Ticket>>) -> Option<Box<Ticket>> {
        // If the wait would pass the deadline, the request leaves now and gets
        // the server's 429.
        match passage {
            Passage::Queued(ticket) => {
                self.pause();
                self.tell_queued(&ticket);
                Some(ticket)
            }
            Passage::Open | Passage::TooLong => None,
        }
    }

    /// Reports a wait at a gate. A wait for a slot has no endpoint; the limiter
    /// reports it.
    pub(super) fn tell_queued(&self, ticket: &Ticket) {
        if let Some(endpoint) = ticket.endpoint() {
            self.settings.tell(&RetryEvent::Held {
                endpoint,
                wait: ticket.at().saturating_duration_since(Instant::now()),
            });
        }
    }

    /// Reports the end of a wait. `slots` is the part of it that was for a
    /// slot.
    pub(in crate::retry) fn released(&mut self, slots: Duration) {
        self.waited_for_slots += slots;
        if let Some(paused_at) = self.paused_at {
            let waited = paused_at.elapsed();
            self.settings.tell(&RetryEvent::Released { waited });
        }
    }

    /// Closes the gate of the request's endpoint, so that other requests to it
    /// wait. `floor` is the wait that the server asked for, `wait` the same
    /// with jitter. Without a `Retry-After`, both are the backoff.
    ///
    /// Returns `None` without a throttle.
    pub(super) fn close(&self, now: Instant, floor: Duration, wait: Duration) -> Option<Closed> {
        let throttle = self.upstream().throttle()?.clone();
        let (method, uri) = self.target();
        let endpoint = throttle.endpoint(method, uri);
        let (floor, until) = (now.checked_add(floor)?, now.checked_add(wait)?);
        if throttle.close(&endpoint, floor, until) {
            self.settings.tell(&RetryEvent::GateClosed {
                endpoint: &endpoint,
                wait,
            });
        }
        Some(Closed {
            throttle,
            endpoint,
            floor,
            until,
        })
    }

    /// Keeps the closed gate until the body of the 429 names its limit. The
    /// body is read only if the request is resent.
    pub(super) fn explain(&mut self, closed: Closed, resends: bool) {
        match resends && self.settings.read_limit.is_some() {
            true => self.unread = Some(Box::new(closed)),
            false => closed.report(None),
        }
    }

    /// Reads the limit from the body of the 429, and widens the closed gate to
    /// it.
    pub(in crate::retry) fn read(&mut self, body: &[u8]) {
        let (Some(closed), Some(read)) = (self.unread.take(), &self.settings.read_limit) else {
            return;
        };
        let named = read(body);
        if let Some(named) = &named {
            let (floor, until) = (closed.floor, closed.until);
            if let Some(name) = closed.throttle.widen(&closed.endpoint, named, floor, until) {
                let wait = until.saturating_duration_since(Instant::now());
                let limit = &name;
                self.settings.tell(&RetryEvent::Widened { limit, wait });
            }
        }
        closed.report(named.as_ref());
    }

    /// Whether the body of a 429 is still unread.
    pub(in crate::retry) fn is_to_read(&self) -> bool {
        self.unread.is_some()
    }
}
