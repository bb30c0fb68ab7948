//! The registry: its lock, its clock, and the builds that callers share.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    panic::AssertUnwindSafe,
    pin::Pin,
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
    OrgsError,
    table::{BuildId, Built, Entry, Table, millis},
};
use crate::{BoxError, genesys::Org, lock::unpoisoned};

/// The user's closure, and the future that it returns for a key.
pub(super) type Build<K> = dyn Fn(K) -> Building + Send + Sync;
pub(super) type Building = Pin<Box<dyn Future<Output = Result<Org, BoxError>> + Send>>;

/// How many times per idle time the registry looks for idle organisations.
const LOOKS: u32 = 8;

/// A registry of organisations under keys `K`, each built once, when it is
/// first needed.
///
/// A clone is cheap and refers to the same registry. The [module docs](super)
/// have an example, and state when the registry closes an organisation.
pub struct Orgs<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    table: RwLock<Table<K>>,
    build: Box<Build<K>>,
    idle: Duration,
    started: Instant,
    /// When to look for idle organisations next, in milliseconds since the
    /// start.
    next_look: AtomicU64,
    /// Counts builds, so that each has its own [`BuildId`].
    last_build: AtomicU64,
}

/// A build that takes itself out of the table when it is dropped before its
/// end.
struct Begun<K: Hash + Eq> {
    inner: Arc<Inner<K>>,
    key: K,
    id: BuildId,
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Orgs<K> {
    pub(super) fn with(build: Box<Build<K>>, capacity: usize, idle: Duration) -> Self {
        let inner = Inner {
            table: RwLock::new(Table::new(capacity)),
            build,
            idle,
            started: Instant::now(),
            next_look: AtomicU64::new(0),
            last_build: AtomicU64::new(0),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the organisation of this key, and builds it if needed.
    ///
    /// If several callers ask for a key at the same time, the closure runs
    /// once.
    ///
    /// # Errors
    ///
    /// An [`OrgsError`]. All callers that wait for a build share its error. The
    /// next call builds again.
    ///
    /// # Cancellation
    ///
    /// If you drop the future, the build continues for the other callers that
    /// wait for it. It is dropped with the last of them.
    pub async fn get<Q>(&self, key: &Q) -> Result<Org, OrgsError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // Most calls end here, under the read lock.
        if let Some(org) = self.try_get(key) {
            return Ok(org);
        }
        self.join_or_begin(key.to_owned())?.await
    }

    /// Returns the organisation of this key if it is built. Never starts a
    /// build.
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

    /// Removes the organisation of this key and returns it. Use it after you
    /// replaced the organisation's credentials: the next call builds a new one.
    ///
    /// The organisation is not closed, so existing clones keep working. If a
    /// build is in progress, its callers still get the result, but the registry
    /// does not keep it; `remove` then returns `None`.
    ///
    /// ```
    /// use tower_genesys::{
    ///     BoxError, Org, genesys::orgs::Orgs, testing::MockGenesys,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// # let mock = MockGenesys::new();
    /// let orgs = Orgs::new(move |_tenant: u32| {
    ///     # use tower_genesys::token::source_fn;
    ///     # let source = source_fn(|_| std::future::pending());
    ///     let org = Org::builder(mock.region()).build_from_source(source);
    ///     async move { org }
    /// });
    /// let first = orgs.get(&7).await?;
    /// assert!(orgs.try_get(&7).is_some());
    /// assert!(orgs.remove(&7).is_some());
    /// assert_ne!(orgs.get(&7).await?.cache_key(), first.cache_key());
    /// orgs.close().await;
    /// assert!(orgs.is_empty());
    /// # Ok(())
    /// # }
    /// ```
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

    /// Returns how many organisations are built and held. Builds in progress
    /// are not counted.
    pub fn len(&self) -> usize {
        self.inner.read().held()
    }

    /// Reports whether the registry holds no built organisation.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes the idle organisations whose keys were not requested within the
    /// idle time, and returns how many it closed.
    ///
    /// [`get`](Self::get) does so a few times per idle time. Call this method
    /// yourself if the process may have long periods without requests.
    pub fn close_idle(&self) -> usize {
        let now = self.inner.now();
        let idle = self.inner.write().take_idle(self.inner.idle, now);
        let closed = idle.len();
        // The lock is released: ending an organisation wakes its waiting
        // callers.
        for (_, entry) in idle {
            end(entry);
        }
        closed
    }

    /// Closes the registry and all its organisations, and waits until their
    /// renewals have ended.
    ///
    /// A clone of an organisation can still use its token until the token
    /// expires.
    ///
    /// # Cancellation
    ///
    /// The first poll closes the registry. If you then drop the future, the
    /// remaining renewals end without a waiter.
    pub async fn close(&self) {
        let entries = self.inner.write().close();
        let orgs: Vec<_> = { entries.into_values() }
            .filter_map(Entry::into_org)
            .collect();
        join_all(orgs.iter().map(|org| org.tokens().close())).await;
    }

    /// Closes idle organisations if a look is due. The compare-and-exchange
    /// lets one caller per period do it.
    fn look_for_idle(&self, now: Duration) {
        let (now, next) = (millis(now), &self.inner.next_look);
        // Relaxed: a look too many or too late does no harm.
        let due = next.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        let after = now.saturating_add(millis(self.inner.idle / LOOKS).max(1));
        let order = Ordering::Relaxed;
        // Before the first look nothing was built, so it only sets the next.
        if next.compare_exchange(due, after, order, order).is_ok() && due > 0 {
            self.close_idle();
        }
    }

    /// Joins the build of this key that is in progress, or else begins one.
    fn join_or_begin(&self, key: K) -> Result<Shared<Built>, OrgsError> {
        // A build that is dropped takes the lock to remove itself. So it is
        // created before the lock is taken, and dropped after the lock is
        // released.
        let id = self.inner.last_build.fetch_add(1, Ordering::Relaxed);
        let own = Begun::new(&self.inner, key.clone(), id).run();
        let own: Shared<Built> = FutureExt::shared(Box::pin(own));
        let mut table = self.inner.write();
        // Another caller may have built or begun since the look above. A build
        // whose callers have all gone cannot be joined, so it is replaced.
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
        // Others wait for this build, so a panic of the closure must reach them
        // as an error. Inside of the block, its synchronous part is caught,
        // too.
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
        // `close` ran meanwhile and did not see this organisation.
        if closed {
            org.tokens().end();
            return Err(OrgsError::closed());
        }
        Ok(org)
    }
}

impl<K: Hash + Eq> Drop for Begun<K> {
    fn drop(&mut self) {
        // A no-op after a finished build, whose entry has changed.
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

/// Omits the keys, which may be personal.
impl<K> fmt::Debug for Orgs<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orgs")
            .field("held", &self.inner.read().held())
            .field("idle", &self.inner.idle)
            .finish_non_exhaustive()
    }
}

/// Wraps an organisation that another caller has built between two looks at the
/// table.
fn there(org: Org) -> Shared<Built> {
    let there: Built = Box::pin(std::future::ready(Ok(org)));
    there.shared()
}

/// Closes a removed entry, without waiting for its renewals.
fn end(entry: Entry) {
    if let Some(org) = entry.into_org() {
        org.tokens().end();
    }
}
