use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Call;
use crate::{
    replay::CloneBody,
    retry::RetryEvent,
    throttle::{NamedLimit, Throttle},
};

/// A gate that a 429 has closed.
pub(super) struct Closed {
    pub(super) throttle: Throttle,
    pub(super) endpoint: Arc<str>,
    /// Until when at least, and until when.
    times: [Instant; 2],
}

impl Closed {
    fn report(&self, named: Option<&NamedLimit>) {
        self.throttle.report(&self.endpoint, named, self.times[0]);
    }
}

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
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
}
