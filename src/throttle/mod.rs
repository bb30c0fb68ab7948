//! The place where a send waits: at the gate that a 429 has closed, and for a
//! slot of a shared limit.
//!
//! A gate is a queue that exists while it is closed. It releases one request
//! per *turn*, in the order of arrival, at a pace that grows (`pace.rs`). Each
//! request passes the gate of its endpoint, then the gate of the service's
//! limit, then the gate of all requests, and then takes a slot if the processes
//! share a limit (`limiter`). `gate.rs` is one gate, `table.rs` are all closed
//! ones under one lock, `key.rs` names endpoints, and `ticket.rs` is the wait
//! of one request.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, Uri};
use tokio::time::Instant;

mod gate;
mod key;
mod named;
mod pace;
mod shared;
mod table;
mod ticket;

use gate::{Closing, Window};
pub use named::{LimitScope, NamedLimit};
use shared::{KeyFn, Shared, Shut};
pub(crate) use table::Passage;
use table::{Limit, Table};
pub(crate) use ticket::{Admission, Ticket};

use crate::limiter::Limiter;

/// Holds requests to an endpoint after a 429, first sends included, until the
/// server's wait is over.
///
/// Use one for each organisation and token, because the API counts requests per
/// token. Requests wait inside their calls, in order of arrival, each at most
/// until its own deadline. If a request would wait longer than that, the
/// throttle does not hold it, and it gets the server's 429.
///
/// Another 429 can make the wait of a held request too long. Then:
///
/// - A first send leaves at once.
/// - A retry leaves without its turn, but never before its own `Retry-After`
///   has passed. While its deadline leaves time, such retries leave one by one.
///
/// A request that is dropped leaves no gap in the queue.
///
/// When the server's wait is over, the throttle releases requests one by one,
/// slowly at first. Without another 429, the pace doubles repeatedly: each
/// second at the default interval. When the queue is empty, the endpoint is
/// open. So the queue is gone after a few seconds, even if more requests arrive
/// than the first pace would release. Another 429 resets the pace.
///
/// # Default
///
/// The throttle releases five requests in the first second (the 300 a minute
/// that Genesys allows per token), ten in the next one, then twenty. An
/// endpoint is the method, the host with its port, and the path, in which
/// numbers, UUIDs and long hexadecimal strings count as the same. At most 1024
/// endpoints are closed at a time. Beyond that, the throttle holds all
/// requests.
///
/// # Cloning
///
/// Clones share one throttle.
///
/// # Example
///
/// One 429 holds the requests to other paths of the host, too:
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use http::{Request, Response, header::RETRY_AFTER};
/// use http_body_util::{Empty, Full};
/// use tokio::time::Instant;
/// use tower::{BoxError, ServiceBuilder, ServiceExt};
/// use tower_genesys::{
///     ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
///     retry::{Attempt, Throttle, Upstream},
/// };
///
/// /// Refuses the first send of `/busy` for ten seconds.
/// async fn api(
///     request: Request<ReplayBody<Full<Bytes>>>,
/// ) -> Result<Response<Empty<Bytes>>, BoxError> {
///     let is_first = Attempt::of(request.extensions()).get() == 1;
///     let mut response = Response::builder();
///     if is_first && request.uri().path() == "/busy" {
///         response = response.status(429).header(RETRY_AFTER, "10");
///     }
///     Ok(response.body(Empty::new())?)
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let throttle = Throttle::new()
///     .with_interval(Duration::from_millis(500))
///     .with_endpoints(|_method, uri| uri.host().unwrap_or("").to_owned());
/// let upstream = Upstream::new().with_throttle(throttle);
/// let client = ServiceBuilder::new()
///     .layer(ReplayLayer::new())
///     .layer(RetryLayer::new(RetryPolicy::new()).with_upstream(upstream))
///     .service_fn(api);
/// let get = |path: &str| {
///     let uri = format!("https://api.example.com{path}");
///     let request = Request::get(uri).body(Full::default()).unwrap();
///     client.clone().oneshot(request)
/// };
///
/// let start = Instant::now();
/// let (busy, other) = tokio::join!(get("/busy"), async {
///     tokio::time::sleep(Duration::from_secs(1)).await;
///     get("/other").await
/// });
/// assert!(busy?.status().is_success() && other?.status().is_success());
/// assert!(start.elapsed() > Duration::from_secs(10));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Throttle {
    shared: Arc<Shared>,
}

impl Throttle {
    /// The first interval between two released requests: 300 a minute.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(200);

    /// The maximum number of closed endpoints. It is more than an API of this
    /// kind has. With keys of 256 bytes each, they take a quarter of a megabyte
    /// at most.
    pub const MAX_ENDPOINTS: usize = 1024;

    /// Returns a new throttle with no closed endpoint.
    pub fn new() -> Self {
        Self::build(Self::DEFAULT_INTERVAL, Arc::new(key::endpoint))
    }

    /// Sets the first interval between two released requests.
    ///
    /// After a second, or after five requests if that takes longer, the
    /// interval halves. It halves repeatedly until another 429.
    ///
    /// Like [`with_endpoints`](Self::with_endpoints), this returns a new
    /// throttle, which shares nothing with earlier clones.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self::build(interval, self.shared.key.clone())
    }

    /// Sets the function that names the endpoint of a request. The throttle
    /// holds all requests with the same name together.
    ///
    /// The name appears in events, so it must not contain a query. It is cut
    /// off after 256 bytes.
    #[must_use]
    pub fn with_endpoints<F>(self, endpoint: F) -> Self
    where
        F: Fn(&Method, &Uri) -> String + Send + Sync + 'static,
    {
        let name = move |method: &Method, uri: &Uri| key::shorten(endpoint(method, uri));
        Self::build(self.shared.interval, Arc::new(name))
    }

    fn build(interval: Duration, key: Arc<KeyFn>) -> Self {
        Self::over(interval, key, true, None)
    }

    fn over(
        interval: Duration,
        key: Arc<KeyFn>,
        has_gates: bool,
        limiter: Option<Limiter>,
    ) -> Self {
        let shared = Shared {
            closed: AtomicUsize::new(0),
            table: Mutex::new(Table::new(interval, Self::MAX_ENDPOINTS)),
            interval,
            key,
            has_gates,
            // A send always asks a limiter.
            shut: Shut::new(limiter.is_some()),
            limiter,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns a new throttle with no closed endpoint, whose sends also wait
    /// for a slot of this limiter.
    pub(crate) fn with_limiter(&self, limiter: Limiter) -> Self {
        let Shared {
            interval,
            key,
            has_gates,
            ..
        } = &*self.shared;
        Self::over(*interval, key.clone(), *has_gates, Some(limiter))
    }

    /// Returns a throttle that closes no gate after a 429. It serves a limiter
    /// only.
    pub(crate) fn without_gates() -> Self {
        let key = Arc::new(key::endpoint);
        Self::over(Self::DEFAULT_INTERVAL, key, false, None)
    }

    /// Returns whether a send may go at once. If so, it has taken its slot, and
    /// must go.
    #[inline]
    pub(crate) fn try_pass(&self) -> bool {
        // The order matters: the first look reads one counter of the process,
        // the second one of the throttle, and only the third takes a lock.
        shared::none_is_shut() || self.is_open() && self.try_take()
    }

    /// Takes a slot at hand, and returns whether it did. Passes without a
    /// limit. For a send that skips the gates.
    pub(crate) fn try_take(&self) -> bool {
        self.shared.limiter.as_ref().is_none_or(Limiter::try_take)
    }

    /// Returns whether no gate is closed.
    fn is_open(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire) == 0
    }

    /// Returns the name of a request's endpoint.
    pub(crate) fn endpoint(&self, method: &Method, uri: &Uri) -> Arc<str> {
        (self.shared.key)(method, uri).into()
    }

    /// Closes the endpoint's gate until `until`, unless it is closed beyond
    /// `floor` already. Returns whether it was open.
    ///
    /// `floor` is the end of the server's `Retry-After`, and `until` the same
    /// with jitter.
    pub(crate) fn close(&self, endpoint: &Arc<str>, floor: Instant, until: Instant) -> bool {
        let times = Closing {
            now: Instant::now(),
            floor,
            until,
        };
        self.shared.has_gates
            && self
                .shared
                .with(|table, woken| table.close(endpoint, times, woken))
    }

    /// Closes the gate of the limit that a 429 names, instead of the endpoint's
    /// gate, which the same 429 has closed. Returns the limit's name if its
    /// gate was open.
    pub(crate) fn widen(
        &self,
        endpoint: &Arc<str>,
        named: &NamedLimit,
        [floor, until]: [Instant; 2],
    ) -> Option<String> {
        let times = Closing {
            now: Instant::now(),
            floor,
            until,
        };
        let name = key::shorten(named.name.clone());
        let limit = match named.scope {
            LimitScope::Account => Limit::Account,
            LimitScope::Service => Limit::Group(name.as_str().into()),
        };
        let closed = self.shared.has_gates
            && self
                .shared
                .with(|table, woken| table.widen(endpoint, &limit, times, woken));
        closed.then_some(name)
    }

    /// Reports a 429 to the processes that share the limit, unless it was about
    /// one service only. `named` is the limit that its body names, if the body
    /// was read.
    pub(crate) fn report(&self, endpoint: &Arc<str>, named: Option<&NamedLimit>, floor: Instant) {
        let Some(limiter) = &self.shared.limiter else {
            return;
        };
        // A 429 whose limit is unknown counts as one of the service if the last
        // one of this endpoint was. Otherwise it counts as one of the token:
        // too wide costs a pause, too narrow a 429 in each process.
        let is_service = match named {
            Some(named) => named.scope == LimitScope::Service,
            None => self.shared.with(|table, _| table.is_service(endpoint)),
        };
        if !is_service {
            limiter.refused(floor, named.and_then(|named| named.per_minute));
        }
    }

    /// Joins the queue of the first closed gate, if one is closed.
    ///
    /// A retry has a `floor`, the end of its own `Retry-After`. It never goes
    /// before that, even if the gate is closed past its deadline.
    pub(crate) fn enter_gate(
        &self,
        endpoint: &Arc<str>,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        let (now, window) = (Instant::now(), Window { floor, deadline });
        let passage = self
            .shared
            .with(|table, woken| table.enter(endpoint, None, now, window, woken));
        match passage {
            Passage::Open => Passage::Open,
            Passage::TooLong => Passage::TooLong,
            Passage::Queued((place, turn)) => {
                Passage::Queued(Ticket::at_gate(&self.shared, place, turn, window))
            }
        }
    }

    /// Joins the queue of the first closed gate. If none is closed, takes a
    /// slot or joins the queue for one.
    pub(crate) fn enter(
        &self,
        endpoint: &Arc<str>,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        match self.enter_gate(endpoint, floor, deadline) {
            Passage::Open => self.enter_slot(floor, deadline),
            passage => passage,
        }
    }

    /// Takes a slot or joins the queue for one, past all gates.
    pub(crate) fn enter_slot(
        &self,
        floor: Option<Instant>,
        deadline: Instant,
    ) -> Passage<Box<Ticket>> {
        Ticket::for_slot(&self.shared, Window { floor, deadline })
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shared, f)
    }
}

#[cfg(test)]
mod tests;
