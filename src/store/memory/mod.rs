//! A store within one process: what the others are measured by, and their double in tests.

mod book;
mod fault;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::{sync::watch, time::Instant};

pub use fault::Fault;
use fault::Faults;

use super::{
    Claim, Entry, Lease, Lookup, Operation, Publication, StoreError, StoreFuture, StoreKey,
    TokenStore,
    book::{Book, SlotBook},
    record::Record,
};
use crate::lock::lock;

/// A [`TokenStore`] in memory: for tests, in which each [`SharedSource`](super::SharedSource) over
/// a clone of it stands for a process.
///
/// A clone is the same store. Its clock is tokio's, so that a test can pause it and let a day pass.
/// Faults are put into it for one [`Operation`], for all further calls or for some, and it counts
/// the calls.
///
/// ```
/// use tower_genesys::store::{Fault, MemoryStore, Operation, StoreErrorKind};
///
/// let store = MemoryStore::new();
/// store.inject(Operation::Publish, Fault::Fail(StoreErrorKind::Denied));
/// store.inject_next(2, Operation::GetOrLease, Fault::Hang);
/// store.clear_faults();
/// assert_eq!(store.calls(Operation::Publish), 0);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    started: Instant,
    /// The wall clock at the start, so that fences are above those of an earlier run.
    base: Duration,
    records: Mutex<BTreeMap<[u8; 32], Record>>,
    books: Mutex<BTreeMap<[u8; 32], Book>>,
    faults: Mutex<Faults>,
    frozen: watch::Sender<bool>,
    calls: [AtomicU64; 5],
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let inner = Inner {
            started: Instant::now(),
            base: since.unwrap_or_default(),
            records: Mutex::default(),
            books: Mutex::default(),
            faults: Mutex::default(),
            frozen: watch::Sender::new(false),
            calls: Default::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Does this at every further call of the operation.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        lock(&self.inner.faults).always(operation, fault);
    }

    /// Does this at the next `calls` calls of the operation, after those that were said so before.
    pub fn inject_next(&self, calls: usize, operation: Operation, fault: Fault) {
        lock(&self.inner.faults).next(calls, operation, fault);
    }

    /// Does this at every further call of any operation: a store that is down.
    pub fn inject_all(&self, fault: Fault) {
        for operation in [
            Operation::GetOrLease,
            Operation::Publish,
            Operation::Abandon,
            Operation::Reserve,
            Operation::Refuse,
        ] {
            self.inject(operation, fault);
        }
    }

    /// Works again. Calls that hang already go on hanging.
    pub fn clear_faults(&self) {
        *lock(&self.inner.faults) = Faults::default();
    }

    /// Lets every call wait until [`thaw`](Self::thaw), and then carries it out.
    pub fn freeze(&self) {
        self.inner.frozen.send_replace(true);
    }

    /// Ends [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.inner.frozen.send_replace(false);
    }

    /// Loses everything: tokens, leases, cooldowns, which fences there were, and the books.
    pub fn flush(&self) {
        let lost = std::mem::take(&mut *lock(&self.inner.records));
        let books = std::mem::take(&mut *lock(&self.inner.books));
        drop((lost, books));
    }

    /// How many calls there were, whatever came of them.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.inner.calls[operation as usize].load(Ordering::SeqCst)
    }

    /// How many calls of all operations there were.
    pub fn all_calls(&self) -> u64 {
        self.inner
            .calls
            .iter()
            .map(|calls| calls.load(Ordering::SeqCst))
            .sum()
    }

    /// The keys under which there is a token.
    pub fn keys(&self) -> Vec<StoreKey> {
        let now = self.now();
        let records = lock(&self.inner.records);
        let held = records
            .iter()
            .filter(|(_, record)| record.token(now).is_some());
        held.map(|(key, _)| StoreKey::from_bytes(*key)).collect()
    }

    /// The token under this key, if it lives.
    pub fn entry(&self, key: &StoreKey) -> Option<Entry> {
        let now = self.now();
        let records = lock(&self.inner.records);
        records.get(key.as_bytes())?.token(now)
    }

    /// Puts this in the place of the token under this key, past all rules: something that was
    /// damaged, or copied from elsewhere.
    pub fn overwrite(&self, key: &StoreKey, entry: &Entry) {
        self.record(key, |record| record.put(entry, self.now()));
    }

    /// Changes the value of the token under this key, as bad memory would. Nothing happens when
    /// there is none.
    pub fn corrupt(&self, key: &StoreKey, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(mut entry) = self.entry(key) {
            let mut value = entry.value.to_vec();
            change(&mut value);
            entry.value = Bytes::from(value);
            self.overwrite(key, &entry);
        }
    }

    fn record<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = lock(&self.inner.records);
        change(records.entry(*key.as_bytes()).or_default())
    }

    /// Since 1970.
    fn now(&self) -> Duration {
        let since = self.inner.started.elapsed();
        self.inner.base.saturating_add(since)
    }

    /// Does what was asked for, or what was put in its way.
    async fn carry_out<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(Duration) -> T,
    ) -> Result<T, StoreError> {
        self.inner.calls[operation as usize].fetch_add(1, Ordering::SeqCst);
        let fault = lock(&self.inner.faults).take(operation);
        // The sender is alive as long as this store is.
        let _ = { self.inner.frozen.subscribe() }
            .wait_for(|frozen| !frozen)
            .await;
        match fault {
            None => Ok(act(self.now())),
            Some(Fault::Delay(wait)) => {
                tokio::time::sleep(wait).await;
                Ok(act(self.now()))
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::LoseReply) => {
                act(self.now());
                std::future::pending().await
            }
            Some(Fault::Fail(kind)) => {
                Err(StoreError::new(kind, "a fault that a test has put there"))
            }
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenStore for MemoryStore {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        let act = move |now| self.record(key, |record| record.get_or_lease(claim, now));
        Box::pin(self.carry_out(Operation::GetOrLease, act))
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        let act = move |now| self.record(key, |record| record.publish(lease, entry, now));
        Box::pin(self.carry_out(Operation::Publish, act))
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        let act = move |now| {
            self.record(key, |record| record.abandon(lease, cooldown, now));
        };
        Box::pin(self.carry_out(Operation::Abandon, act))
    }

    fn book(self: Arc<Self>) -> Option<Arc<dyn SlotBook>> {
        Some(self)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("calls", &self.all_calls())
            .finish_non_exhaustive()
    }
}
