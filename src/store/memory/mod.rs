//! A store within one process: the reference for other stores, and their double
//! in tests.

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
    book::{Book, Grant, Refusal, Reservation, SlotBook},
    record::Record,
};
use crate::lock::lock;

/// A [`TokenStore`] in memory, for tests: each
/// [`SharedSource`](super::SharedSource) over a clone acts as one process.
///
/// Clones share the store. It uses tokio's clock, so a test can pause it and
/// let a day pass. It counts the calls of each [`Operation`], and injects
/// faults into them: into all further calls, or into some.
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

/// The shared part of a store and its clones.
struct Inner {
    /// The begin of the store's clock, by tokio's.
    started: Instant,
    /// The wall clock at the start, so that fences are above those of an
    /// earlier process.
    base: Duration,
    records: Mutex<BTreeMap<[u8; 32], Record>>,
    books: Mutex<BTreeMap<[u8; 32], Book>>,
    faults: Mutex<Faults>,
    /// Whether operations wait before they begin.
    frozen: watch::Sender<bool>,
    /// The number of calls of each [`Operation`], in its order.
    calls: [AtomicU64; 5],
}

impl MemoryStore {
    /// Creates an empty store.
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

    /// Injects this fault into every further call of the operation.
    pub fn inject(&self, operation: Operation, fault: Fault) {
        lock(&self.inner.faults).always(operation, fault);
    }

    /// Injects this fault into the next `calls` calls of the operation, after
    /// those already queued.
    pub fn inject_next(&self, calls: usize, operation: Operation, fault: Fault) {
        lock(&self.inner.faults).next(calls, operation, fault);
    }

    /// Injects this fault into every further call of any operation, like a
    /// store that is down.
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

    /// Removes all faults. Calls that already hang never answer.
    pub fn clear_faults(&self) {
        *lock(&self.inner.faults) = Faults::default();
    }

    /// Delays every call until [`thaw`](Self::thaw), and then executes it.
    pub fn freeze(&self) {
        self.inner.frozen.send_replace(true);
    }

    /// Ends [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.inner.frozen.send_replace(false);
    }

    /// Deletes everything: tokens, leases, cooldowns, the last fences and the
    /// books.
    pub fn flush(&self) {
        // Dropped after both locks are released.
        let lost = std::mem::take(&mut *lock(&self.inner.records));
        let books = std::mem::take(&mut *lock(&self.inner.books));
        drop((lost, books));
    }

    /// Returns the number of calls of an operation, including failed ones.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.inner.calls[operation as usize].load(Ordering::SeqCst)
    }

    /// Returns the number of calls of all operations.
    pub fn all_calls(&self) -> u64 {
        self.inner
            .calls
            .iter()
            .map(|calls| calls.load(Ordering::SeqCst))
            .sum()
    }

    /// Returns the keys that have a token.
    pub fn keys(&self) -> Vec<StoreKey> {
        let now = self.now();
        let records = lock(&self.inner.records);
        let with_token = records
            .iter()
            .filter(|(_, record)| record.token(now).is_some());
        with_token
            .map(|(key, _)| StoreKey::from_bytes(*key))
            .collect()
    }

    /// Returns the token of this key, unless it has expired.
    pub fn entry(&self, key: &StoreKey) -> Option<Entry> {
        let now = self.now();
        let records = lock(&self.inner.records);
        records.get(key.as_bytes())?.token(now)
    }

    /// Replaces the token of this key without applying any rule, to simulate a
    /// damaged or copied value.
    pub fn overwrite(&self, key: &StoreKey, entry: &Entry) {
        self.with_record(key, |record| record.put(entry, self.now()));
    }

    /// Changes the value of the token of this key, as faulty memory would. Does
    /// nothing without a token.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::store::{Entry, Fence, MemoryStore, StoreKey};
    /// use tower_genesys::token::Fingerprint;
    ///
    /// let store = MemoryStore::new();
    /// let key = StoreKey::new("login.example", "id", "client_credentials");
    /// let hour = Duration::from_secs(3600);
    /// let print = Fingerprint::of("token");
    /// store.overwrite(&key, &Entry::new(Fence::new(1), print, "token", hour));
    /// store.corrupt(&key, |value| value[0] = b'T');
    /// assert_eq!(&store.entry(&key).expect("a token").value[..], b"Token");
    /// assert_eq!(store.keys(), [key]);
    /// store.flush();
    /// assert!(store.keys().is_empty());
    /// ```
    pub fn corrupt(&self, key: &StoreKey, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(mut entry) = self.entry(key) {
            let mut value = entry.value.to_vec();
            change(&mut value);
            entry.value = Bytes::from(value);
            self.overwrite(key, &entry);
        }
    }

    /// Changes the record of this key under the lock, which makes each
    /// operation atomic.
    fn with_record<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut records = lock(&self.inner.records);
        change(records.entry(*key.as_bytes()).or_default())
    }

    /// Changes the book of this key under the lock.
    fn with_book<T>(&self, key: &StoreKey, change: impl FnOnce(&mut Book) -> T) -> T {
        let now = self.now();
        let mut books = lock(&self.inner.books);
        // Bounds the memory: a store that serves many clients keeps only the
        // books in use.
        books.retain(|other, book| other == key.as_bytes() || !book.is_over(now));
        change(books.entry(*key.as_bytes()).or_default())
    }

    /// Returns the time since 1970.
    fn now(&self) -> Duration {
        let since = self.inner.started.elapsed();
        self.inner.base.saturating_add(since)
    }

    /// Executes the operation, or the fault injected into it.
    async fn carry_out<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(Duration) -> T,
    ) -> Result<T, StoreError> {
        self.inner.calls[operation as usize].fetch_add(1, Ordering::SeqCst);
        // Taken before the wait: a fault belongs to a call in the order of
        // calls.
        let fault = lock(&self.inner.faults).take(operation);
        // Never an error: the sender exists as long as this store.
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
            // The store has changed, and the caller will not learn it.
            Some(Fault::LoseReply) => {
                act(self.now());
                std::future::pending().await
            }
            Some(Fault::Fail(kind)) => {
                Err(StoreError::new(kind, "a fault that a test has injected"))
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
        let act = move |now| self.with_record(key, |record| record.get_or_lease(claim, now));
        Box::pin(self.carry_out(Operation::GetOrLease, act))
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        let act = move |now| self.with_record(key, |record| record.publish(lease, entry, now));
        Box::pin(self.carry_out(Operation::Publish, act))
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        let act = move |now| {
            self.with_record(key, |record| record.abandon(lease, cooldown, now));
        };
        Box::pin(self.carry_out(Operation::Abandon, act))
    }
}

impl SlotBook for MemoryStore {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        let act = move |now| self.with_book(key, |book| book.reserve(reservation, now));
        Box::pin(self.carry_out(Operation::Reserve, act))
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        let act = move |now| {
            self.with_book(key, |book| book.refuse(refusal, now));
            now
        };
        Box::pin(self.carry_out(Operation::Refuse, act))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("calls", &self.all_calls())
            .finish_non_exhaustive()
    }
}
