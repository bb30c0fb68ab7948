//! The store: it applies the rules of `record.rs` to the file of a key.

use std::{
    fmt,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{
    FileStoreError, content,
    directory::Directory,
    error::failed,
    private_file::{Durability, Found},
    threads::Threads,
};
use crate::store::{
    Claim, Entry, Lease, Lookup, Publication, StoreError, StoreErrorKind, StoreFuture, StoreKey,
    TokenStore, record::Record,
};

/// Longer than the wait for a lock and than a busy disk needs for a sync.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);

/// A [`TokenStore`] that keeps tokens in the files of a directory. Clones share
/// the store.
///
/// The [module](super) says which directory is suitable, and has a whole
/// example.
#[derive(Clone)]
pub struct FileStore {
    threads: Threads,
}

/// The part of a record that an operation changed, which decides whether to
/// sync the file. It contains the operation's result.
enum Change<T> {
    /// Nothing: the file stays.
    Nothing(T),
    /// The lease or the cooldown, which a power failure may undo.
    State(T),
    /// The token, which must outlast a power failure.
    Token(T),
}

impl FileStore {
    /// Opens the store in this directory. Creates the directory if it is
    /// missing, with access for its owner only.
    ///
    /// Blocks while it checks the directory. A relative path is resolved
    /// against the current directory, once: a later change of the current
    /// directory has no effect.
    ///
    /// ```
    /// use tower_genesys::{Sharing, store::file::FileStore};
    ///
    /// # let cache = tempfile::tempdir()?;
    /// # let cache = cache.path();
    /// let directory = cache.join("my-program"); // in `/home/ada/.cache`
    /// let sharing = Sharing::unsealed(FileStore::new(&directory)?);
    /// assert!(directory.is_dir());
    /// # let _ = sharing;
    /// # Ok::<_, tower_genesys::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be created, is not a directory, belongs to
    /// another user, or gives access to others; see
    /// [`FileStoreErrorKind`](super::FileStoreErrorKind).
    pub fn new(directory: impl AsRef<Path>) -> Result<Self, FileStoreError> {
        Ok(Self {
            threads: Threads::new(Directory::new(directory.as_ref())?),
        })
    }
}

impl Directory {
    /// Reads the record. An unusable file counts as an empty record, and its
    /// fault is returned with it.
    fn load(&self, key: &StoreKey) -> Result<(Record, Option<StoreErrorKind>), StoreError> {
        let found = self
            .token(key)
            .read()
            .map_err(|error| failed(self.path(), error))?;
        Ok(match found {
            Found::Nothing => (Record::default(), None),
            Found::Foreign(_) => (Record::default(), Some(StoreErrorKind::Corrupt)),
            Found::Content(bytes) => match content::read(&bytes) {
                Ok(record) => (record, None),
                Err(kind) => (Record::default(), Some(kind)),
            },
        })
    }

    /// Applies a change under the lock. Returns `None` if another process holds
    /// it.
    fn change<T>(
        &self,
        key: &StoreKey,
        act: impl FnOnce(&mut Record, Option<StoreErrorKind>, Duration) -> Change<T>,
    ) -> Result<Option<T>, StoreError> {
        let failed = |error| failed(self.path(), error);
        self.prepare()?;
        let file = self.token(key);
        let Some(_locked) = file.try_lock().map_err(failed)? else {
            return Ok(None);
        };
        // Read under the lock, as another process may have written just before.
        let (mut record, unreadable) = self.load(key)?;
        let (done, durability) = match act(&mut record, unreadable, now()) {
            Change::Nothing(done) => return Ok(Some(done)),
            Change::State(done) => (done, Durability::Cache),
            Change::Token(done) => (done, Durability::Content),
        };
        let bytes = content::write(&record).map_err(|error| failed(error.into()))?;
        file.replace(&bytes, durability).map_err(failed)?;
        Ok(Some(done))
    }

    /// Looks a token up, or takes a lease. `None` if the lock is needed and
    /// taken.
    fn get_or_lease(&self, key: &StoreKey, claim: &Claim) -> Result<Option<Lookup>, StoreError> {
        self.prepare()?;
        // A read needs no lock, since files are replaced as a whole.
        let seen = self.load(key)?.0.get_or_lease(claim, now());
        if !matches!(seen, Lookup::Leased(_)) {
            return Ok(Some(seen));
        }
        // Asked again under the lock: another process may have got the lease
        // since.
        self.change(key, |record, unreadable, now| {
            match record.get_or_lease(claim, now) {
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
        Box::pin(
            self.threads
                .run(move |directory| directory.get_or_lease(&key, &claim)),
        )
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        let (key, lease, entry) = (*key, *lease, entry.clone());
        // The remaining time counts from here, even if the lock comes later.
        let begun = Instant::now();
        Box::pin(self.threads.run(move |directory| {
            let mut entry = entry.clone();
            entry.remaining = entry.remaining.saturating_sub(begun.elapsed());
            directory.change(&key, |record, _, now| {
                match record.publish(&lease, &entry, now) {
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
        Box::pin(self.threads.run(move |directory| {
            directory.change(&key, |record, _, now| {
                match record.abandon(&lease, cooldown, now) {
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
            .field("directory", &self.threads.directory().path())
            .finish_non_exhaustive()
    }
}

/// Returns the time since 1970. An earlier clock counts as 1970.
fn now() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default()
}
