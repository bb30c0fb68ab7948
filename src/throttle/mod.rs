//! The place where a send waits: at the gate that a 429 has closed, and for a
//! slot of a shared limit.
//!
//! A gate is a queue that exists while it is closed. It releases one request
//! per *turn*, in the order of arrival, at a pace that grows (`pace.rs`). Each
//! request passes the gate of its endpoint, then the gate of the service's
//! limit, then the gate of all requests, and then takes a slot if the processes
//! share a limit (`limiter`). `gate.rs` is one gate, `table.rs` are all closed
//! gates, under one lock, `key.rs` names endpoints, `ticket.rs` is the wait of
//! one request, and `calls.rs` is what a call asks for.

use std::{
    fmt,
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

use http::{Method, Uri};

mod calls;
mod gate;
mod key;
mod named;
mod pace;
mod shared;
mod table;
mod ticket;

pub use named::{LimitScope, NamedLimit};
use shared::{KeyFn, Shared, Shut};
pub(crate) use table::Passage;
use table::Table;
pub(crate) use ticket::{Admission, Ticket};

use crate::limiter::Limiter;

/// Holds requests to an endpoint (by default: method, host and path) after a
/// 429, first sends included, until the wait that the server asked for is over.
///
/// Use one for each OAuth client of each organisation (or for each logged-in
/// person), because they have different tokens, and the API counts the requests
/// of each token. Requests wait inside their calls, in order of arrival, each
/// at most until the [deadline](crate::RetryPolicy::with_deadline) of its call.
/// A request that would wait longer than that does not wait: a first send goes
/// to the server at once, and a retry is not made, so that its call returns the
/// 429.
///
/// While a request is held, another 429 can make its wait too long. The request
/// is then sent without its turn:
///
/// - A first send goes at once.
/// - A retry goes as soon as the `Retry-After` of its own response has passed.
///   Such retries go one by one. If a retry would miss its deadline in this
///   way, it goes without waiting for the others.
///
/// A request that is dropped leaves no gap in the queue.
///
/// When the wait is over, the throttle releases the held requests one by one,
/// slowly at first. Without another 429, the pace doubles again and again: each
/// second, by default. Because the pace doubles, the queue is gone after a few
/// seconds, even if more requests arrive than the first pace would release.
/// Then the gate of the endpoint opens. Another 429 resets the pace.
///
/// # Default
///
/// The throttle releases five requests in the first second (the 300 a minute
/// that Genesys allows per token), ten in the next one, then twenty. An
/// endpoint is the method, the host with its port, and the path, in which
/// numbers, UUIDs and long hexadecimal strings count as the same. At most 1024
/// gates are closed at a time. Beyond that, the throttle holds all requests.
///
/// # Cloning
///
/// Clones share one throttle.
///
/// # Example
///
/// With one endpoint for each host, a 429 of one path holds the requests to the
/// others, too:
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
    /// kind has. Their keys take a quarter of a megabyte at most.
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
