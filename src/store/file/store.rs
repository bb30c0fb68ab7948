use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{
    FileStoreError, content,
    directory::{Directory, Durability, Found},
    error::failed,
};
use crate::store::{
    Claim, Entry, Lease, Lookup, Publication, StoreError, StoreErrorKind, StoreFuture, StoreKey,
    TokenStore, slot::Slot,
};

/// How many blocking threads a hanging disk can occupy.
const THREADS: usize = 4;
/// Thousands of times the usual duration of an operation.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longer than the wait for a lock, and than a busy disk needs for a sync.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// Milliseconds between two attempts at a lock.
const POLL: std::ops::Range<u64> = 1..6;

/// A [`TokenStore`] in the files of a directory; see the [module](super).
#[derive(Clone)]
pub struct FileStore {
    directory: Arc<Directory>,
    threads: Arc<Semaphore>,
}

/// The part of an entry that an operation changed.
enum Change<T> {
    Nothing(T),
    State(T),
    Token(T),
}

impl FileStore {
    /// Opens the store in this directory, and creates the directory for its owner if it is missing.
    ///
    /// Blocks while it checks the directory. A relative path is resolved against the current
    /// directory.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be created, is not a directory, belongs to another user, or
    /// gives access to others; see [`FileStoreErrorKind`](super::FileStoreErrorKind).
    pub fn new(directory: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        Ok(Self {
            directory: Arc::new(Directory::new(directory.as_ref())?),
            threads: Arc::new(Semaphore::new(THREADS)),
        })
    }

    /// Retries until the lock is free. Between two attempts it occupies no thread.
    async fn run<T: Send + 'static>(
        &self,
        attempt: impl Fn(&Directory) -> Result<Option<T>, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let runtime = Handle::try_current().map_err(no_runtime)?;
        let attempt = Arc::new(attempt);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let threads = Arc::clone(&self.threads);
            let permit = threads.acquire_owned().await.map_err(ended)?;
            let (directory, once) = (Arc::clone(&self.directory), Arc::clone(&attempt));
            let blocking = runtime.spawn_blocking(move || {
                let done = once(&directory);
                drop(permit);
                done
            });
            if let Some(done) = blocking.await.map_err(ended)?? {
                return Ok(done);
            }
            if Instant::now() >= deadline {
                return Err(self.locked_out());
            }
            sleep(Duration::from_millis(fastrand::u64(POLL))).await;
        }
    }

    fn locked_out(&self) -> StoreError {
        let message = format!(
            "another process has kept a lock in the token directory {} for a second; end it if it hangs",
            self.directory.path().display()
        );
        StoreError::new(StoreErrorKind::Unavailable, message)
    }
}

impl Directory {
    /// Reads the entry; an unusable one counts as empty, with the reason.
    fn load(&self, key: &StoreKey) -> Result<(Slot, Option<StoreErrorKind>), StoreError> {
        let found = self.read(key).map_err(|error| failed(self.path(), error))?;
        Ok(match found {
            Found::Nothing => (Slot::default(), None),
            Found::Foreign => (Slot::default(), Some(StoreErrorKind::Corrupt)),
            Found::Content(bytes) => match content::read(&bytes) {
                Ok(slot) => (slot, None),
                Err(kind) => (Slot::default(), Some(kind)),
            },
        })
    }

    /// Carries out a change. `None`: another process holds the lock.
    fn change<T>(
        &self,
        key: &StoreKey,
        act: impl FnOnce(&mut Slot, Option<StoreErrorKind>, Duration) -> Change<T>,
    ) -> Result<Option<T>, StoreError> {
        let failed = |error| failed(self.path(), error);
        self.prepare()?;
        let Some(_locked) = self.try_lock(key).map_err(failed)? else {
            return Ok(None);
        };
        let (mut slot, unreadable) = self.load(key)?;
        let (done, durability) = match act(&mut slot, unreadable, now()) {
            Change::Nothing(done) => return Ok(Some(done)),
            Change::State(done) => (done, Durability::Cache),
            Change::Token(done) => (done, Durability::Disk),
        };
        let bytes = content::write(&slot).map_err(|error| failed(error.into()))?;
        self.replace(key, &bytes, durability).map_err(failed)?;
        Ok(Some(done))
    }

    fn get_or_lease(&self, key: &StoreKey, claim: &Claim) -> Result<Option<Lookup>, StoreError> {
        self.prepare()?;
        // A read needs no lock, since files are replaced as a whole.
        let seen = self.load(key)?.0.get_or_lease(claim, now());
        if !matches!(seen, Lookup::Leased(_)) {
            return Ok(Some(seen));
        }
        self.change(key, |slot, unreadable, now| {
            match slot.get_or_lease(claim, now) {
                Lookup::Leased(lease) => {
                    Change::State(Lookup::Leased(lease.with_replaces(unreadable)))
                }
                other => Change::Nothing(other),
            }
        })
    }
}

impl TokenStore for FileStore {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        let (key, claim) = (*key, claim.clone());
        Box::pin(self.run(move |directory| directory.get_or_lease(&key, &claim)))
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        let (key, lease, entry) = (*key, *lease, entry.clone());
        // Remaining times count from here, even if the lock comes later.
        let begun = Instant::now();
        Box::pin(self.run(move |directory| {
            let mut entry = entry.clone();
            entry.remaining = entry.remaining.saturating_sub(begun.elapsed());
            directory.change(&key, |slot, _, now| {
                match slot.publish(&lease, &entry, now) {
                    Publication::Published => Change::Token(Publication::Published),
                    superseded => Change::State(superseded),
                }
            })
        }))
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        let (key, lease) = (*key, *lease);
        Box::pin(self.run(move |directory| {
            directory.change(&key, |slot, _, now| {
                match slot.abandon(&lease, cooldown, now) {
                    true => Change::State(()),
                    false => Change::Nothing(()),
                }
            })
        }))
    }

    /// Returns two seconds.
    fn operation_timeout(&self) -> Duration {
        OPERATION_TIMEOUT
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("directory", &self.directory.path())
            .finish_non_exhaustive()
    }
}

/// Time since 1970. An earlier clock counts as 1970.
fn now() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}

fn no_runtime(error: tokio::runtime::TryCurrentError) -> StoreError {
    let message = "a token directory is read and written on the threads of a tokio runtime, and there is none here";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}

fn ended(error: impl Into<crate::BoxError>) -> StoreError {
    let message = "the tokio runtime ended before the token directory was read or written";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}
