//! One call: its state, and the decisions about its sends.
//!
//! [`Call`] does no I/O. The response future drives it: `responses` receives
//! each result, `decision` decides about a resend, `throttling` talks to the
//! throttle, and `target` keeps the copy of the request.

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
    /// The time from which the deadline counts: when this call first needed the
    /// time. A call whose response is there at once never does.
    started: Option<Instant>,
    /// The start of the current wait.
    paused_at: Option<Instant>,
    /// The sum of the earlier waits.
    waited: Duration,
    /// The number of sends so far, replays included.
    sends: u32,
    /// Whether one of the sends was a replay after a 401.
    replayed: bool,
    /// The number of resends outside of the budget.
    free_resends: u32,
    /// The random numbers of this call, made for its first backoff.
    rng: Option<Rng>,
    /// Whether a layer outside resends this request and decides about it. The
    /// call then only waits for a slot.
    passes: bool,
    /// The gate that the last 429 closed, until the body of the 429 is read.
    unread: Option<Box<Closed>>,
    /// The part of `waited` that was for slots of a shared limit.
    waited_for_slots: Duration,
}

/// The properties of a failed send that decide about the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedSend {
    class: Class,
    cause: Cause,
}

/// How a send failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A response that the classifier does not call final.
    Response,
    /// A response whose status is transient only because the options of this
    /// request name it.
    Named(StatusCode),
    /// No response: an error of the service, or an attempt that took too long.
    Broken,
}

/// The wait before the next send.
#[derive(Debug, Default)]
pub(super) enum Pause {
    /// A replay: no wait, and no gate.
    #[default]
    None,
    /// The backoff, or the server's `Retry-After`.
    Until(Instant),
    /// A place in the queue of a gate.
    Queued(Box<Ticket>),
}

/// A gate that a 429 to this call has closed.
struct Closed {
    throttle: Throttle,
    endpoint: Arc<str>,
    /// The end of the wait that the server asked for, or of the backoff.
    floor: Instant,
    /// The same with jitter: the end of the wait of this call.
    until: Instant,
}

impl<S: Clone, B: CloneBody, C> Call<S, B, C> {
    /// Creates a call whose request is about to be sent for the first time.
    #[inline]
    pub(super) fn sending(
        settings: Arc<Settings<C>>,
        request: &mut Request<B>,
        service: &S,
    ) -> Self {
        let target = Target::keep(request, service);
        Self::new(settings, target, 1)
    }

    /// Creates a call whose first send must wait.
    pub(super) fn waiting(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        let target = Target::sent(request);
        Self::new(settings, target, 0)
    }

    /// Creates a call that a layer outside resends: it only waits for a slot,
    /// and its request is not copied.
    pub(super) fn passing(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        Self {
            passes: true,
            ..Self::waiting(settings, request)
        }
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
            replayed: false,
            free_resends: 0,
            rng: None,
            passes: false,
            unread: None,
            waited_for_slots: Duration::ZERO,
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.passes
    }

    /// Keeps the request and its service while the first send waits.
    pub(super) fn keep(&mut self, request: Request<B>, service: S) {
        self.target = Target::unsent(request, service);
    }

    /// Returns the service that will send the kept request, to make it ready.
    pub(super) fn service(&mut self) -> &mut S {
        self.target.service()
    }

    /// Ends the wait: returns the kept request and the service to send it
    /// through now. Counts the send, and keeps a copy for the next one.
    pub(super) fn next(&mut self) -> (Request<B>, S) {
        let (mut request, service) = self.target.take();
        if let Some(paused_at) = self.paused_at.take() {
            self.waited += paused_at.elapsed();
        }
        // The layer outside numbers the sends and keeps the copy.
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

    /// Returns the current time. The deadline counts from the first call of
    /// this or of [`started`](Self::started).
    fn now(&mut self) -> Instant {
        let now = Instant::now();
        self.started.get_or_insert(now);
        now
    }

    /// Returns the time from which the deadline counts, which is now if none
    /// was needed before.
    fn started(&mut self) -> Instant {
        *self.started.get_or_insert_with(Instant::now)
    }

    /// Returns when a retry may replace the attempt that starts now. `None` if
    /// no retry could follow it, or outside of a tokio runtime.
    pub(super) fn attempt_deadline(&mut self) -> Option<Instant> {
        let now = self.now();
        let options = self.options();
        let timeout = options.attempt_timeout;
        let end = now.checked_add(timeout.or(self.settings.policy.attempt_timeout)?)?;
        let another = self.sends_left() && !options.without_retry && self.is_replayable();
        (another && runtime::is_entered()).then_some(end)
    }

    /// Whether the request is fully sent, so that its connection can be reused.
    pub(super) fn is_sent(&self) -> bool {
        self.target.is_sent()
    }

    /// Invalidates the older body, so that the copy can be sent. Returns false
    /// if the call has no copy that can be sent.
    fn claim(&self) -> bool {
        self.target.claim()
    }

    /// Starts a wait, or continues it: the backoff and a queue after it are one
    /// wait.
    fn pause(&mut self) {
        self.paused_at.get_or_insert_with(Instant::now);
    }

    fn is_replayable(&self) -> bool {
        self.target.is_replayable()
    }

    /// Whether the policy or the request allows another send. A replay does not
    /// count. The first send is made in any case, so a maximum of zero counts
    /// as one.
    fn sends_left(&self) -> bool {
        let max_sends = self.options().max_sends;
        let max_sends = max_sends.unwrap_or(self.settings.policy.max_sends);
        self.sends - u32::from(self.replayed) < max_sends
    }

    /// Returns the time before which a retry must begin.
    fn deadline(&mut self) -> Instant {
        let deadline = self.options().deadline;
        self.end_of(deadline.unwrap_or(self.settings.policy.deadline))
    }

    /// Returns the time at which the call has taken this long.
    fn end_of(&mut self, time: Duration) -> Instant {
        let started = self.started();
        let end = started.checked_add(time);
        // More than the clock can represent is the same as no limit.
        end.unwrap_or_else(|| started + RetryAfter::MAX.get())
    }

    /// Returns the upstream that the request names, or that of the layer.
    fn upstream(&self) -> &Upstream {
        let named = self.settings.selected(self.extensions());
        named.unwrap_or(&self.settings.upstream)
    }

    /// Returns the options of this request.
    ///
    /// They are looked up each time. Few requests have any, so copying them
    /// into each call would cost more.
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
        self.throttle.report(&self.endpoint, named, self.floor);
    }
}
