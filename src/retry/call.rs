use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use http::{Method, Request, Response, Uri};
use tokio::{runtime::Handle, time::Instant};

use super::{
    Attempt, Class, Classify, Outcome, RetryEvent, Stop, Throttle, Upstream,
    settings::Settings,
    throttle::{Passage, Ticket},
};
use crate::{
    call::CallOptions,
    replay::{CloneBody, Resend, Unreplayed, clone_request},
};

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

/// What comes after an answer.
pub(super) enum After<R, E> {
    Return(Result<Response<R>, E>),
    /// The old answer, if it is a response, and the pause after it is out of the way.
    Again(Option<Response<R>>, Pause),
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
        }
    }

    /// A place in the queue, if the first send has to wait.
    pub(super) fn hold_first(&mut self, request: &Request<B>) -> Option<Ticket> {
        let throttle = self.upstream().throttle()?;
        if throttle.is_open() {
            return None;
        }
        let endpoint = throttle.endpoint(request.method(), request.uri());
        self.enter(&endpoint)
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
        self.enter(&endpoint)
    }

    fn enter(&mut self, endpoint: &Arc<str>) -> Option<Ticket> {
        // Without a runtime there is no timer to wait with.
        Handle::try_current().ok()?;
        let throttle = self.upstream().throttle()?;
        match throttle.enter(endpoint, self.deadline()) {
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
    pub(super) fn attempt_timeout(&self) -> Option<Duration> {
        let timeout = self.settings.policy.attempt_timeout?;
        let another = self.sends_left() && !self.options.without_retry && self.is_replayable();
        (another && Handle::try_current().is_ok()).then_some(timeout)
    }

    /// The attempt took too long: what comes before the next one, if there is one.
    pub(super) fn time_out(&mut self) -> Option<Pause> {
        let class = Class::Transient { after: None };
        let pause = self.decide(class, true).ok()?;
        self.begin(class, &pause);
        Some(pause)
    }

    /// Whether the connection has all of the request.
    pub(super) fn is_sent(&self) -> bool {
        match &self.target {
            Target::Kept(request) => request.body().is_sent(),
            Target::Sent(..) => false,
        }
    }

    pub(super) fn after<R, E>(&mut self, result: Result<Response<R>, E>) -> After<R, E>
    where
        C: Classify<E>,
    {
        let (class, broken) = match &result {
            Ok(response) if response.extensions().get::<Resend>().is_some() => {
                return self.after_resend(result);
            }
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers());
                (self.settings.classify.response(status, headers), false)
            }
            Err(error) => (self.settings.classify.error(error), true),
        };
        if class == Class::Final {
            return After::Return(self.finish(result, Stop::Settled));
        }
        match self.decide(class, broken) {
            Ok(pause) => {
                self.begin(class, &pause);
                After::Again(result.ok(), pause)
            }
            Err(stop) => {
                let (method, sends) = (self.target().0, self.sends);
                self.settings.tell(&RetryEvent::GaveUp {
                    method,
                    class,
                    sends,
                    stop,
                });
                After::Return(self.finish(result, stop))
            }
        }
    }

    /// A layer further in asks to send the request again with a newer token.
    fn after_resend<R, E>(&mut self, mut result: Result<Response<R>, E>) -> After<R, E> {
        let unreplayed = if self.resent {
            Unreplayed::AlreadyReplayed
        } else if !self.is_replayable() {
            Unreplayed::BodyGone
        } else {
            self.resent = true;
            let (method, sends) = (self.target().0, self.sends);
            self.settings.tell(&RetryEvent::Resent { method, sends });
            self.revoke();
            return After::Again(result.ok(), Pause::None);
        };
        if let Ok(response) = &mut result {
            response.extensions_mut().remove::<Resend>();
            response.extensions_mut().insert(unreplayed);
        }
        After::Return(self.finish(result, Stop::Settled))
    }

    /// Whether to send again, and when. The order of the checks is that of the module's docs.
    fn decide(&mut self, class: Class, broken: bool) -> Result<Pause, Stop> {
        let now = Instant::now();
        let (asked, wait) = self.wait(class);
        let cap = self.settings.policy.retry_after_cap;
        let too_long = asked.is_some_and(|asked| asked > cap);
        let gate = match class {
            // For the others, even if this request itself goes no further.
            Class::Throttled { .. } if !too_long => self.close(now, asked.unwrap_or(wait), wait),
            _ => None,
        };
        if self.options.without_retry {
            return Err(Stop::Disabled);
        }
        if !self.may_repeat(class, broken) {
            return Err(Stop::NotRepeatable);
        }
        if !self.is_replayable() {
            return Err(Stop::BodyGone);
        }
        if !self.sends_left() {
            return Err(Stop::SendsSpent);
        }
        if too_long {
            return Err(Stop::RetryAfterTooLong);
        }
        let until = now.checked_add(wait).ok_or(Stop::DeadlineTooClose)?;
        if until >= self.deadline() {
            return Err(Stop::DeadlineTooClose);
        }
        if Handle::try_current().is_err() {
            return Err(Stop::NoRuntime);
        }
        if let Some((throttle, endpoint)) = gate {
            return match throttle.enter(&endpoint, self.deadline()) {
                Passage::Queued(ticket) => Ok(Pause::Held(ticket)),
                Passage::TooLong => Err(Stop::DeadlineTooClose),
                Passage::Open => Ok(Pause::Until(until)),
            };
        }
        let governed = !matches!(class, Class::Throttled { .. });
        let budget = self.upstream().budget().filter(|_| governed);
        if budget.is_some_and(|budget| !budget.withdraw(now)) {
            return Err(Stop::BudgetSpent);
        }
        Ok(Pause::Until(until))
    }

    /// How long the server asked to wait, and how long it will be.
    fn wait(&mut self, class: Class) -> (Option<Duration>, Duration) {
        let rng = self.rng.get_or_insert_with(|| self.settings.rng());
        let retry = self.sends - u32::from(self.resent);
        let backoff = self.settings.policy.backoff.wait(retry, rng);
        match class {
            Class::Throttled { after: Some(after) } | Class::Transient { after: Some(after) } => {
                (Some(after.wait()), after.jittered(rng).max(backoff))
            }
            _ => (None, backoff),
        }
    }

    /// Holds back the other requests to this endpoint.
    fn close(&self, now: Instant, floor: Duration, wait: Duration) -> Option<(Throttle, Arc<str>)> {
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
        Some((throttle, endpoint))
    }

    fn may_repeat(&self, class: Class, broken: bool) -> bool {
        match class {
            Class::Final => false,
            Class::Throttled { .. } | Class::NotSent => true,
            Class::Transient { .. } => {
                let (method, uri) = self.target();
                let predicate = || self.settings.repeatable.as_ref()?(method, uri);
                let repeatable = self.options.repeatable.or_else(predicate);
                repeatable.unwrap_or_else(|| self.settings.policy.repeats(method, broken))
            }
        }
    }

    /// Before the pause: the old body is not to be sent any further.
    fn begin(&mut self, class: Class, pause: &Pause) {
        let wait = match pause {
            Pause::None => Duration::ZERO,
            Pause::Until(until) => until.saturating_duration_since(Instant::now()),
            Pause::Held(ticket) => ticket.slot().saturating_duration_since(Instant::now()),
        };
        let (method, sends) = (self.target().0, self.sends);
        self.settings.tell(&RetryEvent::Scheduled {
            method,
            class,
            sends,
            wait,
        });
        if let Pause::Held(ticket) = pause {
            self.tell_held(ticket);
        }
        self.pause();
        self.revoke();
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

    fn finish<R, E>(
        &self,
        mut result: Result<Response<R>, E>,
        stop: Stop,
    ) -> Result<Response<R>, E> {
        if let Ok(response) = &mut result {
            // To insert into empty extensions allocates: a plain success goes without.
            if stop != Stop::Settled || self.sends > 1 {
                response.extensions_mut().insert(Outcome {
                    stop,
                    sends: self.sends,
                    elapsed: self.started.elapsed(),
                    waited: self.waited,
                });
            }
        }
        result
    }

    fn revoke(&self) {
        if let Target::Kept(request) = &self.target {
            request.body().revoke_others();
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
        end.unwrap_or_else(|| self.started + super::RetryAfter::MAX.wait())
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
