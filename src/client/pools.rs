use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use http::Request;
use http_body::Body;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    runtime::{Handle, Id},
    sync::oneshot,
};

use super::{connector::Connector, upload::Upload};
use crate::BoxError;

/// The longest time that hyper gets for its timers: it adds them to the clock
/// unchecked, and its connections would panic.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

type HyperClient<B> = legacy::Client<Connector, Upload<B>>;

/// One connection pool for each tokio runtime that sends requests.
///
/// A task of the runtime that opened a connection drives it. Another runtime
/// could use the connection only while the first one runs, and cannot tell
/// whether it does: a current-thread runtime stops between two `block_on`s, and
/// its connections still look open. So each runtime has separate connections,
/// which end with it.
pub(super) struct Pools<B> {
    settings: PoolSettings,
    connector: Connector,
    /// One pool per runtime. Requests read the list without a lock; it changes
    /// when a runtime comes or ends.
    open: ArcSwap<Vec<Arc<Pool<B>>>>,
}

/// The settings of each pool.
#[derive(Clone, Debug)]
pub(super) struct PoolSettings {
    /// How long a connection may be idle.
    pub(super) idle_timeout: Duration,
    /// How many idle connections a host may have.
    pub(super) max_idle_per_host: usize,
    /// The silence before a ping, and the time for its reply.
    pub(super) http2_keep_alive: (Duration, Duration),
}

/// The connections of one runtime.
struct Pool<B> {
    runtime: Id,
    client: HyperClient<B>,
    /// When dropped, ends the task that waits for the runtime's end.
    _watched: oneshot::Sender<Infallible>,
}

/// Removes the pool of a runtime when the runtime ends, which drops the task
/// that owns this.
struct Removal<B> {
    pools: Weak<Pools<B>>,
    runtime: Id,
}

/// There is no current tokio runtime.
#[derive(Debug)]
pub(super) struct NoRuntime;

impl<B> Pools<B> {
    pub(super) fn new(settings: PoolSettings, connector: Connector) -> Self {
        Self {
            settings,
            connector,
            open: ArcSwap::default(),
        }
    }

    /// Returns the number of runtimes with a pool.
    pub(super) fn count(&self) -> usize {
        self.open.load().len()
    }
}

impl<B> Pools<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Sends a request over a connection of the current runtime.
    pub(super) fn request(
        self: &Arc<Self>,
        request: Request<Upload<B>>,
    ) -> Result<legacy::ResponseFuture, NoRuntime> {
        let handle = Handle::try_current().map_err(|_| NoRuntime)?;
        let runtime = handle.id();
        let known = self.open.load();
        if let Some(pool) = known.iter().find(|pool| pool.runtime == runtime) {
            return Ok(pool.client.request(request));
        }
        Ok(self.add(&handle).client.request(request))
    }

    /// Adds a pool for a new runtime. If another thread has just added one,
    /// returns that.
    fn add(self: &Arc<Self>, handle: &Handle) -> Arc<Pool<B>> {
        let runtime = handle.id();
        let (watched, ended) = oneshot::channel();
        let added = Arc::new(Pool {
            runtime,
            client: self.settings.client(self.connector.clone()),
            _watched: watched,
        });
        // Two threads of one runtime can get here at once, and must not open a
        // pool each: connections would be split between them.
        // `rcu` runs the closure again if another thread changed the list, so
        // it checks each time.
        let before = self.open.rcu(|open| {
            let mut open = Vec::clone(open);
            if !open.iter().any(|pool| pool.runtime == runtime) {
                open.push(Arc::clone(&added));
            }
            open
        });
        if let Some(other) = before.iter().find(|pool| pool.runtime == runtime) {
            return Arc::clone(other);
        }
        let removal = Removal {
            pools: Arc::downgrade(self),
            runtime,
        };
        // The task ends with the runtime or with the pool. Either way it drops
        // the removal.
        handle.spawn(async move {
            let _removal = removal;
            let _ = ended.await;
        });
        added
    }
}

impl PoolSettings {
    /// Returns hyper-util's client with these settings.
    fn client<B>(&self, connector: Connector) -> HyperClient<B>
    where
        B: Body + Send + Unpin,
        B::Data: Send,
    {
        let [idle, interval, timeout] = [
            self.idle_timeout,
            self.http2_keep_alive.0,
            self.http2_keep_alive.1,
        ]
        .map(|time| time.min(LONGEST));
        legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .http2_keep_alive_interval(interval)
            .http2_keep_alive_timeout(timeout)
            .build(connector)
    }
}

impl<B> Drop for Removal<B> {
    fn drop(&mut self) {
        if let Some(pools) = self.pools.upgrade() {
            pools.open.rcu(|open| {
                let others = open.iter().filter(|pool| pool.runtime != self.runtime);
                others.cloned().collect::<Vec<_>>()
            });
        }
    }
}

impl<B> fmt::Debug for Pools<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools")
            .field("settings", &self.settings)
            .field("connector", &self.connector)
            .field("runtimes", &self.count())
            .finish()
    }
}
