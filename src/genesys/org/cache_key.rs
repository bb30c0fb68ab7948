//! A key that tells organisations apart.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Tells one [`Org`](super::Org) from all others in the key of a cache, or of
/// another layer that treats equal requests as one.
///
/// Around a stack for several organisations, such a layer sees the same method
/// and URL for two organisations, and would return the response of one to the
/// other. Put this key into the layer's own key, or put the layer inside the
/// stack, where each request carries its organisation's token.
///
/// Clones of an `Org` have the same key. Two that were built separately have
/// different keys, even for the same OAuth client. Keys also differ between
/// processes, so an entry that outlives its process is never found again. A key
/// holds nothing of the client, its secret or its tokens.
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
///     Org::builder(Region::EU_WEST_1)
///         .credentials(credentials)
///         .build(mock.http_client())
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
    /// Random, once per process.
    process: u64,
    /// Counts the organisations of the process.
    ordinal: u64,
}

impl CacheKey {
    /// Returns a key that was never returned before.
    pub(super) fn next() -> Self {
        // Ordinals restart in each process; the random part keeps a cache on a
        // disk from returning another process's entries. `fastrand` would
        // repeat it in a program that seeds its thread.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
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
