use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Tells one [`Org`](super::Org) from all others, in the key of a cache or of anything else that
/// takes one request for another.
///
/// Such a layer, outside of a stack that serves several organisations, sees the same method and URL
/// for two of them, and would hand the answer to one to the other. Put this into its key, or put the
/// layer inside, where each request carries its organisation's own token.
///
/// Clones of an `Org` have the same key. Two that were built apart have different ones, even for the
/// same OAuth client, and so has each process: an entry that outlives the process is never found
/// again. There is nothing of the client, its secret or its tokens in it.
///
/// ```
/// use std::collections::HashMap;
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use tower_genesys::{Credentials, Org, Region, testing::MockGenesys};
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::new();
/// let org = |id: &str| {
///     let credentials = Credentials::new(id, "s3cr3t")?;
///     Org::builder(Region::EU_WEST_1).credentials(credentials).build(mock.http_client())
/// };
/// let (irish, other) = (org("irish")?, org("other")?);
///
/// let mut cache = HashMap::new();
/// let uri = irish.api("/api/v2/users")?; // the same for both
/// cache.insert((irish.cache_key(), uri.clone()), "the users of the first");
/// assert!(cache.contains_key(&(irish.clone().cache_key(), uri.clone())));
/// assert!(!cache.contains_key(&(other.cache_key(), uri)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    process: u64,
    ordinal: u64,
}

impl CacheKey {
    /// One that there has not been yet.
    pub(super) fn next() -> Self {
        // Ordinals begin anew in each process: a cache on a disk must not find another one's entries.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| fastrand::u64(..));
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            process: *PROCESS,
            ordinal: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// Letters, digits and a hyphen, for caches whose keys are texts.
impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.process, self.ordinal)
    }
}
