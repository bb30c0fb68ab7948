use std::{mem, sync::Arc, time::Duration};

use fastrand::Rng;
use http::{Extensions, Method, Request, StatusCode, Uri};
use tokio::time::Instant;

use super::{Attempt, Class, RequestHead, RetryAfter, RetryEvent, Upstream, settings::Settings};
use crate::{
    call::CallOptions,
    replay::{CloneBody, LazyUri, RequestCopy},
    runtime,
    throttle::{Passage, Ticket},
};

mod answer;
mod closed;
mod decide;

use closed::Closed;

/// What one call knows, and how it decides.
pub(super) struct Call<S, B, C> {
    settings: Arc<Settings<C>>,
    target: Target<S, B>,
    /// When the time was first asked for: an answer that is there at once does without.
    started: Option<Instant>,
    paused_at: Option<Instant>,
    waited: Duration,
    sends: u32,
    resent: bool,
    /// How many of the resends drew on no budget.
    free_resends: u32,
    rng: Option<Rng>,
    /// Somebody else sends this request again, and decides about it: it only waits for its slot.
    passes: bool,
    /// What the body of a 429 is to explain.
    unread: Option<Box<Closed>>,
    waited_for_slots: Duration,
}

/// What is left of the request while it is away.
enum Target<S, B> {
    /// All of it, to be sent again, and an unready clone of the service to do it with.
    Kept(Box<RequestCopy<B, S>>),
    /// What the decisions need of it: which endpoint throttles, and what this request asks for.
    Sent(Box<Sent>),
}

/// Why a request that waits for its next send is kept: [`Call::claim`] has found it, or
/// [`Call::keep`] has put it there, and the send alone takes it.
const CLAIMED: &str = "a request that waits to be sent is kept";

#[derive(Default)]
struct Sent {
    method: Method,
    uri: Uri,
    extensions: Extensions,
}

/// A failed send, as far as the next one is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    class: Class,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A response, of a class that the classifier knows.
    Response,
    /// A status that is transient for this request alone, since its options name it.
    Named(StatusCode),
    /// No response: an error of the service, or an attempt that took too long.
    Broken,
}

/// What comes before the next send.
#[derive(Debug)]
pub(super) enum Pause {
    None,
    Until(Instant),
    Held(Box<Ticket>),
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

    /// A call of a layer outside, which decides: this one waits for its slot, and is not copied.
    pub(super) fn passing(settings: Arc<Settings<C>>, request: &Request<B>) -> Self {
        Self {
            passes: true,
            ..Self::waiting(settings, request)
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.passes
    }

    /// A place in the queue, if the first send has to wait.
    pub(super) fn hold_first(&mut self) -> Option<Box<Ticket>> {
        match self.passes {
            true => self.hold_for_slot(),
            false => self.hold_until_open(None),
        }
    }

    /// A place in the queue, if a request that has slept has to wait once more, since the
    /// endpoint was closed meanwhile, or there is no slot.
    pub(super) fn hold_again(&mut self) -> Option<Box<Ticket>> {
        self.hold_until_open(Some(Instant::now()))
    }

    /// A place in the queue for a slot, if there is none: of one that waits at no gate.
    pub(super) fn hold_for_slot(&mut self) -> Option<Box<Ticket>> {
        if self.upstream().throttle()?.try_take() || !runtime::is_entered() {
            return None;
        }
        let deadline = self.deadline();
        let passage = self.upstream().throttle()?.enter_slot(None, deadline);
        self.queued(passage)
    }

    fn hold_until_open(&mut self, floor: Option<Instant>) -> Option<Box<Ticket>> {
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

    fn queued(&mut self, passage: Passage) -> Option<Box<Ticket>> {
        match passage {
            Passage::Queued(ticket) => {
                self.pause();
                self.tell_held(&ticket);
                Some(ticket)
            }
            Passage::Open | Passage::TooLong => None,
        }
    }

    /// Keeps the request for later, before its first send, and the service for it.
    pub(super) fn keep(&mut self, request: Request<B>, service: S) {
        self.target = Target::Kept(RequestCopy::unsent(request, service));
    }

    /// The service that the kept request is to be sent with.
    pub(super) fn service(&mut self) -> &mut S {
        match &mut self.target {
            Target::Kept(copy) => copy.service(),
            Target::Sent(_) => unreachable!("{CLAIMED}"),
        }
    }

    /// The request that was kept, to be sent now by this service: a copy of it stays, and the send
    /// is counted.
    pub(super) fn next(&mut self) -> (Request<B>, S) {
        let sent = Target::Sent(Box::default());
        let Target::Kept(copy) = mem::replace(&mut self.target, sent) else {
            unreachable!("{CLAIMED}");
        };
        let (mut request, service) = copy.into_parts();
        if let Some(paused_at) = self.paused_at.take() {
            self.waited += paused_at.elapsed();
        }
        if self.passes {
            return (request, service);
        }
        self.sends += 1;
        if self.sends > 1 {
            request.extensions_mut().insert(Attempt(self.sends));
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

    /// When the attempt that was begun now may be given up; `None` if it may not, since nothing
    /// could follow it, or if there is no runtime to wait on.
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
        match &self.target {
            Target::Kept(request) => request.body().is_sent(),
            Target::Sent(..) => false,
        }
    }

    fn tell_held(&self, ticket: &Ticket) {
        if let Some(endpoint) = ticket.endpoint() {
            self.settings.tell(&RetryEvent::Held {
                endpoint,
                wait: ticket.at().saturating_duration_since(Instant::now()),
            });
        }
    }

    /// `slots`: how long it has waited for one.
    pub(super) fn released(&mut self, slots: Duration) {
        self.waited_for_slots += slots;
        if let Some(paused_at) = self.paused_at {
            let waited = paused_at.elapsed();
            self.settings.tell(&RetryEvent::Released { waited });
        }
    }

    /// Whether there is a body that is to be read.
    pub(super) fn is_to_read(&self) -> bool {
        self.unread.is_some()
    }

    /// Revokes the older body, so that the copy can be sent; false when that is gone.
    fn claim(&self) -> bool {
        match &self.target {
            Target::Kept(request) => request.claim(),
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

    /// What this request asks for itself. Read each time: that costs less than to carry it along
    /// with each request, of which almost none asks for anything.
    fn options(&self) -> CallOptions {
        CallOptions::of(self.extensions())
    }

    fn extensions(&self) -> &Extensions {
        match &self.target {
            Target::Kept(request) => request.extensions(),
            Target::Sent(sent) => &sent.extensions,
        }
    }

    fn target(&self) -> (&Method, &Uri) {
        let request = self.request();
        (request.method(), request.uri())
    }

    fn request(&self) -> RequestHead<'_> {
        match &self.target {
            Target::Kept(request) => RequestHead {
                method: request.method(),
                uri: request.uri(),
                extensions: request.extensions(),
            },
            Target::Sent(sent) => RequestHead {
                method: &sent.method,
                uri: LazyUri::Whole(&sent.uri),
                extensions: &sent.extensions,
            },
        }
    }
}

impl<S: Clone, B: CloneBody> Target<S, B> {
    #[inline]
    fn keep(request: &mut Request<B>, service: &S) -> Self {
        match RequestCopy::keep(request, service) {
            Some(copy) => Self::Kept(copy),
            None => Self::sent(request),
        }
    }

    fn sent(request: &Request<B>) -> Self {
        Self::Sent(Box::new(Sent {
            method: request.method().clone(),
            uri: request.uri().clone(),
            extensions: request.extensions().clone(),
        }))
    }
}
