//! Where a send waits: at the gate that a 429 has closed, and for a slot of a shared limit.

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
mod shut;
mod table;
mod ticket;

use gate::Window;
pub use named::{LimitScope, NamedLimit};
use shared::{KeyFn, Shared};
use shut::Shut;
pub(crate) use table::Passage;
use table::{Limit, Table};
pub(crate) use ticket::{Admission, Ticket};

use crate::limiter::Limiter;

/// Holds requests back, first sends too, to an endpoint that answered 429, until the time that it
/// asked for is over.
///
/// One for each organisation and token: that is what an API counts. Requests wait inside of their
/// calls, in the order in which they came, each until its own deadline at most; a request that
/// would have to wait longer than that is not held, and gets the server's 429. When the wait
/// becomes too long later, because of another 429, a first send goes then; a retry goes without its
/// turn, too, but never before the time that it was told itself, and not at once with others as
/// long as its deadline leaves time for that. A request that is dropped leaves no gap.
///
/// When the time is over they are let go one by one, slowly at first. As long as no other 429 comes
/// the pace doubles again and again, each second at the default interval, and once nobody waits any
/// more the endpoint is open. So the queue is gone after a few seconds even if more requests come
/// than the first pace would let go. Another 429 makes it slow again.
///
/// # Default
///
/// Five requests are let go in the first second, which is the 300 a minute that Genesys allows per
/// token, ten in the next one, then twenty. An endpoint is the method, the host with its port, and
/// the path, in which numbers, UUIDs and long hexadecimal strings count as the same. At most 1024
/// endpoints are closed at a time; when there are more, all requests are held.
///
/// # Cloning
///
/// Clones are the same throttle.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::retry::{Throttle, Upstream};
///
/// // All paths are held together, and one request in 500 milliseconds is let go at first.
/// let throttle = Throttle::new()
///     .with_interval(Duration::from_millis(500))
///     .with_endpoints(|_method, uri| uri.host().unwrap_or_default().to_owned());
/// let upstream = Upstream::new().with_throttle(throttle);
/// # let _ = upstream;
/// ```
#[derive(Clone)]
pub struct Throttle {
    shared: Arc<Shared>,
}

impl Throttle {
    /// How long after one held request the next one is let go at first: 300 a minute.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(200);

    /// How many endpoints are closed at most: more than an API of this kind has, and at 256 bytes
    /// of key each not more than a quarter of a megabyte.
    pub const MAX_ENDPOINTS: usize = 1024;

    /// A throttle of its own, in which nothing is closed.
    pub fn new() -> Self {
        Self::build(Self::DEFAULT_INTERVAL, Arc::new(key::endpoint))
    }

    /// How long after one held request the next one is let go at first. After a second, or after
    /// five requests if that takes longer, it is half as long, and so on until another 429 comes.
    ///
    /// Like [`with_endpoints`](Self::with_endpoints), this makes a new throttle, and no longer the
    /// one that clones were made of.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self::build(interval, self.shared.key.clone())
    }

    /// What is held together: all requests for which this function gives the same name.
    ///
    /// The name goes into events, so it must hold no query. What is over 256 bytes of it is cut
    /// off.
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

    /// Sends wait for a slot of this limiter too. A new throttle, in which nothing is closed.
    pub(crate) fn with_limiter(&self, limiter: Limiter) -> Self {
        let Shared {
            interval,
            key,
            has_gates,
            ..
        } = &*self.shared;
        Self::over(*interval, key.clone(), *has_gates, Some(limiter))
    }

    /// One in which no gate is ever closed.
    pub(crate) fn without_gates() -> Self {
        let key = Arc::new(key::endpoint);
        Self::over(Self::DEFAULT_INTERVAL, key, false, None)
    }

    /// Whether a send may go at once. If so, it has its slot: it shall go.
    #[inline]
    pub(crate) fn try_pass(&self) -> bool {
        shut::none_is() || self.is_open() && self.try_take()
    }

    /// Takes a slot that is at hand, or passes where there is no limit: for a send that waits at no
    /// gate.
    pub(crate) fn try_take(&self) -> bool {
        self.shared.limiter.as_ref().is_none_or(Limiter::try_take)
    }

    /// Whether no endpoint is closed.
    fn is_open(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire) == 0
    }

    pub(crate) fn endpoint(&self, method: &Method, uri: &Uri) -> Arc<str> {
        (self.shared.key)(method, uri).into()
    }

    /// Closes the endpoint until then, unless it is closed until `floor` already. True if it was
    /// open.
    pub(crate) fn close(&self, endpoint: &Arc<str>, floor: Instant, until: Instant) -> bool {
        let times = [Instant::now(), floor, until];
        self.shared.has_gates
            && self
                .shared
                .with(|table, woken| table.close(endpoint, times, woken))
    }

    /// What the 429 that has closed an endpoint is about: the gate of that is closed instead. The
    /// name, if that was open.
    pub(crate) fn widen(
        &self,
        endpoint: &Arc<str>,
        named: &NamedLimit,
        [floor, until]: [Instant; 2],
    ) -> Option<String> {
        let times = [Instant::now(), floor, until];
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

    /// Tells the others who share the limit of a 429, unless it was about one service only. `named`
    /// is what its body said, if it was read.
    pub(crate) fn report(&self, endpoint: &Arc<str>, named: Option<&NamedLimit>, floor: Instant) {
        let Some(limiter) = &self.shared.limiter else {
            return;
        };
        let is_service = match named {
            Some(named) => named.scope == LimitScope::Service,
            None => self.shared.with(|table, _| table.is_service(endpoint)),
        };
        if !is_service {
            limiter.refused(floor, named.and_then(|named| named.per_minute));
        }
    }

    /// A place in the queue of a closed gate, if there is one. A request that has failed has a
    /// floor, before which it is not to go, even when the gate is closed past its deadline.
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

    /// The same, and where no gate is closed, a slot or a place in the queue for one.
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

    /// A slot, or a place in the queue for one, past all gates.
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
