use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use http::{Extensions, Method, Request, StatusCode, Uri};
use tokio::time::Instant;

use super::{Attempt, Class, RequestHead, RetryAfter, Upstream, settings::Settings};
use crate::{
    call::CallOptions,
    replay::CloneBody,
    runtime,
    throttle::{NamedLimit, Throttle, Ticket},
};

mod decision;
mod responses;
mod target;
mod throttling;

use target::Target;

/// The state and the decisions of one call.
pub(super) struct Call<S, B, C> {
    settings: Arc<Settings<C>>,
    target: Target<S, B>,
    /// When the time was first asked for: an answer that is there at once does
    /// without.
    started: Option<Instant>,
    paused_at: Option<Instant>,
    waited: Duration,
    sends: u32,
    resent: bool,
    /// How many of the resends drew on no budget.
    free_resends: u32,
    rng: Option<Rng>,
    /// Somebody else sends this request again, and decides about it: it only
    /// waits for its slot.
    passes: bool,
    /// What the body of a 429 is to explain.
    unread: Option<Box<Closed>>,
    waited_for_slots: Duration,
}

/// A failed send, as far as the next one is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedSend {
    class: Class,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A response, of a class that the classifier knows.
    Response,
    /// A status that is transient for this request alone, since its options
    /// name it.
    Named(StatusCode),
    /// No response: an error of the service, or an attempt that took too long.
    Broken,
}

/// The wait before the next send.
#[derive(Debug)]
pub(super) enum Pause {
    None,
    Until(Instant),
    Queued(Box<Ticket>),
}

/// A gate that a 429 has closed.
struct Closed {
    throttle: Throttle,
    endpoint: Arc<str>,
    /// Until when at least, and until when.
    times: [Instant; 2],
}

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// A call whose request is about to be sent for the first time.
    #[inline]
    pub(super) fn sending(
        settings: Arc<Settings<C>>,
        request: &mut Request<B>,
        service: &S,
    ) -> Self {
        let target = Target::keep(request, service);
        Self::new(settings, target, 1)
    }

    /// A call whose request has yet to wait for its first send.
    pub(super) fn waiting(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        let target = Target::sent(request);
        Self::new(settings, target, 0)
    }

    #[inline]
    fn new(settings: Arc<Settings<C>>, target: Target<S, B>, sends: u32) -> Self {
        Self {
            settings,
            target,
            started: None,
            paused_at: None,
            waited: Duration::ZERO,
            sends,
            resent: false,
            free_resends: 0,
            rng: None,
            passes: false,
            unread: None,
            waited_for_slots: Duration::ZERO,
        }
    }

    /// A call of a layer outside, which decides: this one waits for its slot,
    /// and is not copied.
    pub(super) fn passing(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        Self {
            passes: true,
            ..Self::waiting(settings, request)
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.passes
    }

    /// Keeps the request for later, before its first send, and the service for
    /// it.
    pub(super) fn keep(&mut self, request: Request<B>, service: S) {
        self.target = Target::unsent(request, service);
    }

    /// The service that will send the kept request.
    pub(super) fn service(&mut self) -> &mut S {
        self.target.service()
    }

    /// The request that was kept, to be sent now by this service: a copy of it
    /// stays, and the send is counted.
    pub(super) fn next(&mut self) -> (Request<B>, S) {
        let (mut request, service) = self.target.take();
        if let Some(paused_at) = self.paused_at.take() {
            self.waited += paused_at.elapsed();
        }
        if self.passes {
            return (request, service);
        }
        self.sends += 1;
        if self.sends > 1 {
            request.extensions_mut().insert(Attempt::new(self.sends));
        }
        self.target = Target::keep(&mut request, &service);
        (request, service)
    }

    /// The time of now. The deadline of the call counts from the first one.
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.started.get_or_insert(now);
        now
    }

    /// When that was, or now.
    fn started(&mut self) -> Instant {
        *self.started.get_or_insert_with(Instant::now)
    }

    /// When a retry may replace the attempt that starts now. `None` if no retry
    /// could follow it, or outside of a tokio runtime.
    pub(super) fn attempt_deadline(&mut self) -> Option<Instant> {
        let now = self.now();
        let options = self.options();
        let timeout = options.attempt_timeout;
        let end = now.checked_add(timeout.or(self.settings.policy.attempt_timeout)?)?;
        let another = self.sends_left() && !options.without_retry && self.is_replayable();
        (another && runtime::is_entered()).then_some(end)
    }

    /// Whether the connection has all of the request.
    pub(super) fn is_sent(&self) -> bool {
        self.target.is_sent()
    }

    /// Revokes the older body, so that the copy can be sent; false when that is
    /// gone.
    fn claim(&self) -> bool {
        self.target.claim()
    }

    fn pause(&mut self) {
        self.paused_at.get_or_insert_with(Instant::now);
    }

    fn is_replayable(&self) -> bool {
        self.target.is_replayable()
    }

    fn sends_left(&self) -> bool {
        let max_sends = self.options().max_sends;
        let max_sends = max_sends.unwrap_or(self.settings.policy.max_sends);
        self.sends - u32::from(self.resent) < max_sends
    }

    fn deadline(&mut self) -> Instant {
        let deadline = self.options().deadline;
        self.end_of(deadline.unwrap_or(self.settings.policy.deadline))
    }

    /// When the call has taken this long.
    fn end_of(&mut self, time: Duration) -> Instant {
        let started = self.started();
        let end = started.checked_add(time);
        // Longer than the clock goes: as good as none.
        end.unwrap_or_else(|| started + RetryAfter::MAX.get())
    }

    /// The one that the request named, or else that of the layer.
    fn upstream(&self) -> &Upstream {
        let named = self.settings.selected(self.extensions());
        named.unwrap_or(&self.settings.upstream)
    }

    /// What this request asks for itself. Read each time: that costs less than
    /// to carry it along with each request, of which almost none asks for
    /// anything.
    fn options(&self) -> CallOptions {
        CallOptions::of(self.extensions())
    }

    fn extensions(&self) -> &Extensions {
        self.target.head().extensions
    }

    fn target(&self) -> (&Method, &Uri) {
        let request = self.request();
        (request.method(), request.uri())
    }

    fn request(&self) -> RequestHead<'_> {
        self.target.head()
    }
}

impl Closed {
    fn report(&self, named: Option<&NamedLimit>) {
        self.throttle.report(&self.endpoint, named, self.times[0]);
    }
}
