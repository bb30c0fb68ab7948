use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use http::{Method, Request, Uri};
use tokio::{runtime::Handle, time::Instant};

use super::{
    Attempt, RetryAfter, RetryEvent, Upstream,
    settings::Settings,
    throttle::{Passage, Ticket},
};
use crate::{
    call::CallOptions,
    replay::{CloneBody, clone_request},
    runtime,
};

mod answer;
mod decide;

pub(super) use answer::After;

/// What one call knows, and how it decides.
pub(super) struct Call<B, C> {
    settings: Arc<Settings<C>>,
    /// The one that the request named.
    upstream: Option<Upstream>,
    target: Target<B>,
    options: CallOptions,
    started: Instant,
    paused_at: Option<Instant>,
    waited: Duration,
    sends: u32,
    resent: bool,
    rng: Option<Rng>,
    timers: Option<bool>,
}

/// What is left of the request while it is away.
enum Target<B> {
    /// All of it, to be sent again.
    Kept(Request<B>),
    /// What is needed to know which endpoint it is that throttles.
    Sent(Method, Uri),
}

/// What comes before the next send.
#[derive(Debug)]
pub(super) enum Pause {
    None,
    Until(Instant),
    Held(Ticket),
}

impl<B: CloneBody, C> Call<B, C> {
    pub(super) fn new(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        let upstream = settings
            .select
            .and_then(|select| select(request.extensions()))
            .cloned();
        Self {
            settings,
            upstream,
            target: Target::Sent(Method::GET, Uri::default()),
            options: CallOptions::of(request.extensions()),
            started: Instant::now(),
            paused_at: None,
            waited: Duration::ZERO,
            sends: 0,
            resent: false,
            rng: None,
            timers: None,
        }
    }

    /// A place in the queue, if the first send has to wait.
    pub(super) fn hold_first(&mut self, request: &Request<B>) -> Option<Ticket> {
        let throttle = self.upstream().throttle()?;
        if throttle.is_open() {
            return None;
        }
        let endpoint = throttle.endpoint(request.method(), request.uri());
        self.enter(&endpoint, None)
    }

    /// A place in the queue, if a request that has slept has to wait once more, since the
    /// endpoint was closed meanwhile.
    pub(super) fn hold_again(&mut self) -> Option<Ticket> {
        let throttle = self.upstream().throttle()?;
        if throttle.is_open() {
            return None;
        }
        let (method, uri) = self.target();
        let endpoint = throttle.endpoint(method, uri);
        self.enter(&endpoint, Some(Instant::now()))
    }

    fn enter(&mut self, endpoint: &Arc<str>, floor: Option<Instant>) -> Option<Ticket> {
        if !self.has_timers() {
            return None;
        }
        let throttle = self.upstream().throttle()?;
        match throttle.enter(endpoint, floor, self.deadline()) {
            Passage::Queued(ticket) => {
                self.pause();
                self.tell_held(&ticket);
                Some(ticket)
            }
            Passage::Open | Passage::TooLong => None,
        }
    }

    /// Keeps the request for later, before its first send.
    pub(super) fn keep(&mut self, request: Request<B>) {
        self.target = Target::Kept(request);
    }

    /// The request that was kept, to be sent now.
    pub(super) fn next(&mut self) -> Option<Request<B>> {
        let sent = Target::Sent(Method::GET, Uri::default());
        match std::mem::replace(&mut self.target, sent) {
            Target::Kept(request) => Some(self.send(request)),
            Target::Sent(..) => None,
        }
    }

    /// Keeps a copy of the request, and counts the send.
    pub(super) fn send(&mut self, mut request: Request<B>) -> Request<B> {
        if let Some(paused_at) = self.paused_at.take() {
            self.waited += paused_at.elapsed();
        }
        self.sends += 1;
        if self.sends > 1 {
            request.extensions_mut().insert(Attempt(self.sends));
        }
        self.target = match clone_request(&request) {
            Some(copy) => {
                request.body_mut().hold();
                Target::Kept(copy)
            }
            None => Target::Sent(request.method().clone(), request.uri().clone()),
        };
        request
    }

    /// After how long the attempt under way may be given up.
    pub(super) fn attempt_timeout(&mut self) -> Option<Duration> {
        let timeout = self.settings.policy.attempt_timeout?;
        let another = self.sends_left() && !self.options.without_retry && self.is_replayable();
        (another && self.has_timers()).then_some(timeout)
    }

    /// Whether the connection has all of the request.
    pub(super) fn is_sent(&self) -> bool {
        match &self.target {
            Target::Kept(request) => request.body().is_sent(),
            Target::Sent(..) => false,
        }
    }

    /// Whether it can wait. Asked when it is about to, and looked into once per call.
    pub(super) fn has_timers(&mut self) -> bool {
        // Who polls this may have changed since.
        Handle::try_current().is_ok() && *self.timers.get_or_insert_with(runtime::has_timers)
    }

    fn tell_held(&self, ticket: &Ticket) {
        self.settings.tell(&RetryEvent::Held {
            endpoint: ticket.endpoint(),
            wait: ticket.slot().saturating_duration_since(Instant::now()),
        });
    }

    pub(super) fn released(&self) {
        if let Some(paused_at) = self.paused_at {
            let waited = paused_at.elapsed();
            self.settings.tell(&RetryEvent::Released { waited });
        }
    }

    /// Revokes the older body, so that the copy can be sent; false when that is gone.
    fn claim(&self) -> bool {
        match &self.target {
            Target::Kept(request) => request.body().revoke_others(),
            Target::Sent(..) => false,
        }
    }

    fn pause(&mut self) {
        self.paused_at.get_or_insert_with(Instant::now);
    }

    fn is_replayable(&self) -> bool {
        match &self.target {
            Target::Kept(request) => request.body().is_replayable(),
            Target::Sent(..) => false,
        }
    }

    fn sends_left(&self) -> bool {
        self.sends - u32::from(self.resent) < self.settings.policy.max_sends
    }

    fn deadline(&self) -> Instant {
        let deadline = self.options.deadline;
        let deadline = deadline.unwrap_or(self.settings.policy.deadline);
        let end = self.started.checked_add(deadline);
        // Longer than the clock goes: as good as none.
        end.unwrap_or_else(|| self.started + RetryAfter::MAX.wait())
    }

    fn upstream(&self) -> &Upstream {
        self.upstream.as_ref().unwrap_or(&self.settings.upstream)
    }

    fn target(&self) -> (&Method, &Uri) {
        match &self.target {
            Target::Kept(request) => (request.method(), request.uri()),
            Target::Sent(method, uri) => (method, uri),
        }
    }
}
