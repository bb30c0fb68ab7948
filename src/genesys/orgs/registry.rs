use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{
        Arc, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{Shared, join_all},
};
use tokio::time::Instant;

use super::{
    OrgsBuilder, OrgsError,
    builder::Build,
    table::{BuildId, Built, Entry, Table, millis},
};
use crate::{BoxError, genesys::Org, lock::unpoisoned};

/// How many times within the idle time idle organisations are looked for.
const LOOKS: u32 = 8;

/// A registry of organisations under keys `K`, each built once, when it is first needed.
///
/// Cheap to clone; a clone is the same registry. The [module docs](super) have an example, and say
/// when organisations are closed.
pub struct Orgs<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    table: RwLock<Table<K>>,
    build: Box<Build<K>>,
    idle: Duration,
    started: Instant,
    /// When to look for idle organisations again, in milliseconds since the start.
    next_look: AtomicU64,
    last_build: AtomicU64,
}

/// A build that takes itself out of the table when it is dropped before its end.
struct Begun<K: Hash + Eq> {
    inner: Arc<Inner<K>>,
    key: K,
    id: BuildId,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Orgs<K> {
    /// A registry with the default bounds, which builds organisations with this closure.
    pub fn new<F, Fut, E>(build: F) -> Self
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Org, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::with(OrgsBuilder::new(build))
    }

    /// The same, with bounds to be set.
    ///
    /// The closure gets the key, and returns the organisation of that key. Share one HTTP client
    /// between all of them: its connections are most of what an organisation could cost.
    pub fn builder<F, Fut, E>(build: F) -> OrgsBuilder<K>
    where
        F: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Org, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        OrgsBuilder::new(build)
    }

    pub(super) fn with(builder: OrgsBuilder<K>) -> Self {
        let inner = Inner {
            table: RwLock::new(Table::new(builder.capacity)),
            build: builder.build,
            idle: builder.idle,
            started: Instant::now(),
            next_look: AtomicU64::new(0),
            last_build: AtomicU64::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the organisation of this key, and builds it if it is not there.
    ///
    /// However many ask for a key at the same time, the closure runs once.
    ///
    /// # Errors
    ///
    /// An [`OrgsError`]. Those of a build are shared by all who wait for it, and not remembered.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the build to the others who wait for it. The last of them takes
    /// the build along.
    pub async fn get<Q>(&self, key: &Q) -> Result<Org, OrgsError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(org) = self.try_get(key) {
            return Ok(org);
        }
        self.join_or_begin(key.to_owned())?.await
    }

    /// Returns the organisation of this key if it is built.
    pub fn try_get<Q>(&self, key: &Q) -> Option<Org>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = self.inner.now();
        self.look_for_idle(now);
        match self.inner.read().get(key)? {
            Entry::Held(held) => {
                held.touch(now);
                Some(held.org.clone())
            }
            Entry::Building(..) => None,
        }
    }

    /// Takes the organisation of this key out, for example after its credentials were replaced.
    /// The next caller builds another one.
    ///
    /// It is not closed: whoever has it can go on. A build that is under way is left to those who
    /// wait for it, and is not kept.
    pub fn remove<Q>(&self, key: &Q) -> Option<Org>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (_, entry) = self.inner.write().take(key)?;
        match entry {
            Entry::Held(held) => Some(held.org),
            Entry::Building(..) => None,
        }
    }

    /// How many organisations are built and held. Those that are being built are not counted.
    pub fn len(&self) -> usize {
        self.inner.read().held()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes the organisations that have been idle for longer than the idle time, and returns how
    /// many these were. [`get`](Self::get) does it from time to time; call this if a process may
    /// be without requests for long.
    pub fn close_idle(&self) -> usize {
        let now = self.inner.now();
        let idle = self.inner.write().take_idle(self.inner.idle, now);
        let closed = idle.len();
        for (_, entry) in idle {
            end(entry);
        }
        closed
    }

    /// Closes the registry and all its organisations, and waits until their renewals have ended.
    ///
    /// Whoever has an organisation can use its token until it expires.
    ///
    /// # Cancellation
    ///
    /// The registry is closed in any case. Renewals that were not waited for end by themselves.
    pub async fn close(&self) {
        let entries = self.inner.write().close();
        let orgs: Vec<_> = { entries.into_values() }
            .filter_map(Entry::into_org)
            .collect();
        join_all(orgs.iter().map(|org| org.tokens().close())).await;
    }

    /// At most a few times per idle time, by whoever comes then.
    fn look_for_idle(&self, now: Duration) {
        let (now, next) = (millis(now), &self.inner.next_look);
        let due = next.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let after = now.saturating_add(millis(self.inner.idle / LOOKS).max(1));
        let order = Ordering::Relaxed;
        if next.compare_exchange(due, after, order, order).is_ok() && due > 0 {
            self.close_idle();
        }
    }

    /// The build of this key that is under way, or else a new one.
    fn join_or_begin(&self, key: K) -> Result<Shared<Built>, OrgsError> {
        // Made before the lock is taken, and dropped after it is released: a build that is dropped
        // takes the lock to take itself out.
        let id = self.inner.last_build.fetch_add(1, Ordering::Relaxed);
        let own = Begun::new(&self.inner, key.clone(), id).run();
        let own: Shared<Built> = FutureExt::shared(Box::pin(own));
        let mut table = self.inner.write();
        let (found, removed) = match table.get(&key) {
            _ if table.closed => (Err(OrgsError::closed()), None),
            Some(Entry::Held(held)) => (Ok(there(held.org.clone())), None),
            entry => match (entry.and_then(Entry::building), own.downgrade()) {
                (None, Some(building)) => match table.begin(key, id, building) {
                    Ok(removed) => (Ok(own.clone()), removed),
                    Err(error) => (Err(error), None),
                },
                (building, _) => (Ok(building.unwrap_or_else(|| own.clone())), None),
            },
        };
        drop(table);
        if let Some((_key, entry)) = removed {
            end(entry);
        }
        found
    }
}

impl<K> Inner<K> {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table<K>> {
        unpoisoned(self.table.read())
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table<K>> {
        unpoisoned(self.table.write())
    }
}

impl<K: Hash + Eq + Clone> Begun<K> {
    fn new(inner: &Arc<Inner<K>>, key: K, id: BuildId) -> Self {
        Self {
            inner: Arc::clone(inner),
            key,
            id,
        }
    }

    async fn run(self) -> Result<Org, OrgsError> {
        let build = async { (self.inner.build)(self.key.clone()).await };
        let built = AssertUnwindSafe(build).catch_unwind().await;
        let org = built
            .map_err(|_| OrgsError::panicked())?
            .map_err(OrgsError::build)?;
        let now = self.inner.now();
        let mut table = self.inner.write();
        let closed = table.closed;
        let _ended = table.finish(&self.key, self.id, org.clone(), now);
        drop(table);
        if closed {
            org.tokens().end();
            return Err(OrgsError::closed());
        }
        Ok(org)
    }
}

impl<K: Hash + Eq> Drop for Begun<K> {
    fn drop(&mut self) {
        let given_up = self.inner.write().give_up(&self.key, self.id);
        drop(given_up);
    }
}

impl<K> Clone for Orgs<K> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

/// Without the keys, which may be personal.
impl<K> fmt::Debug for Orgs<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orgs")
            .field("held", &self.inner.read().held())
            .field("idle", &self.inner.idle)
            .finish_non_exhaustive()
    }
}

/// An organisation that another caller has built between two looks at the table.
fn there(org: Org) -> Shared<Built> {
    let there: Built = Box::pin(std::future::ready(Ok(org)));
    there.shared()
}

/// Closes what nobody has any more, without waiting for it.
fn end(entry: Entry) {
    if let Some(org) = entry.into_org() {
        org.tokens().end();
    }
}
