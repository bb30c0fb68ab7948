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

type HyperClient<B> = legacy::Client<Connector, Upload<B>>;

/// A pool of connections for each tokio runtime that requests are made on.
///
/// A connection is driven by a task of the runtime that it was made on. On another runtime it would
/// be of use only while that one is driven, and nobody can see whether it is: a runtime of the
/// current thread rests between two `block_on`, and its connections look open all the same. So each
/// runtime has connections of its own, and those of a runtime end with it.
pub(super) struct Pools<B> {
    settings: PoolSettings,
    connector: Connector,
    open: ArcSwap<Vec<Arc<Pool<B>>>>,
}

#[derive(Clone, Debug)]
pub(super) struct PoolSettings {
    pub(super) idle_timeout: Duration,
    pub(super) max_idle_per_host: usize,
    pub(super) http2_keep_alive: (Duration, Duration),
}

struct Pool<B> {
    runtime: Id,
    client: HyperClient<B>,
    /// Ends the task that waits for the end of the runtime, when this is dropped.
    _watched: oneshot::Sender<Infallible>,
}

/// Takes the pool of a runtime away when that ends: it is dropped with the task that has it.
struct Removal<B> {
    pools: Weak<Pools<B>>,
    runtime: Id,
}

/// The request was made outside of a tokio runtime.
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

    /// How many runtimes have connections.
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
    /// Sends by a connection of the current runtime.
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

    /// The pool of a runtime on which no request was made yet, unless another thread has just added
    /// it.
    fn add(self: &Arc<Self>, handle: &Handle) -> Arc<Pool<B>> {
        let runtime = handle.id();
        let (watched, ended) = oneshot::channel();
        let added = Arc::new(Pool {
            runtime,
            client: self.settings.client(self.connector.clone()),
            _watched: watched,
        });
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
        handle.spawn(async move {
            let _removal = removal;
            let _ = ended.await;
        });
        added
    }
}

impl PoolSettings {
    fn client<B>(&self, connector: Connector) -> HyperClient<B>
    where
        B: Body + Send + Unpin,
        B::Data: Send,
    {
        let (interval, answer) = self.http2_keep_alive;
        legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(self.max_idle_per_host)
            .http2_keep_alive_interval(interval)
            .http2_keep_alive_timeout(answer)
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
