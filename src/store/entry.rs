//! What a store keeps for a token: the entry, its fence, and the lease to fetch
//! the next one.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::StoreError;
use crate::token::Fingerprint;

/// The number that orders the tokens of one key across processes: the higher
/// fence is the newer token.
///
/// ```
/// use tower_genesys::store::Fence;
///
/// assert!(Fence::new(7).next() > Fence::new(7));
/// assert!(Fence::NONE < Fence::new(1));
/// assert_eq!(Fence::new(7).get(), 7);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(u64);

impl Fence {
    /// The fence below every granted one.
    pub const NONE: Self = Self(0);

    /// Creates the fence with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the next higher fence. The highest one stays.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The identity of one process among those that share a token or a limit, for
/// the lifetime of the process.
///
/// If the reply of the store that granted a lease never arrives, the process
/// asks again as the same owner, and gets the same lease.
///
/// ```
/// use tower_genesys::store::Owner;
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// let owner = Owner::random()?;
/// assert_ne!(owner, Owner::random()?);
/// assert_eq!(Owner::from_bytes(*owner.as_bytes()), owner);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// Creates a random owner, unique among all processes.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Unavailable`](super::StoreErrorKind::Unavailable) if
    /// the system provides no randomness.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(StoreError::no_randomness)?;
        Ok(Self(bytes))
    }

    /// Restores an owner from the bytes of [`as_bytes`](Self::as_bytes). For
    /// authors of a store, which keeps the owner with the lease.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The right to fetch a token for all processes, for a limited time.
///
/// ```
/// use tower_genesys::store::{Fence, Lease, Owner, StoreErrorKind};
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// // A store that found an unreadable value grants this:
/// let lease = Lease::new(Owner::random()?, Fence::new(8))
///     .with_replaces(Some(StoreErrorKind::Corrupt));
/// assert_eq!(lease.replaces, Some(StoreErrorKind::Corrupt));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The process that has the lease.
    pub owner: Owner,
    /// The fence that the owner's token will have.
    pub fence: Fence,
    /// The fault of an unreadable value in the place of the token, if there is
    /// one. The lease, or the token that the owner publishes, replaces the
    /// value. Default: none.
    pub replaces: Option<super::StoreErrorKind>,
}

impl Lease {
    /// Creates a lease of this owner. For authors of a
    /// [`TokenStore`](super::TokenStore).
    pub const fn new(owner: Owner, fence: Fence) -> Self {
        Self {
            owner,
            fence,
            replaces: None,
        }
    }

    /// Sets the fault of an unreadable value in the place of the token.
    /// Default: none.
    #[must_use]
    pub const fn with_replaces(mut self, replaces: Option<super::StoreErrorKind>) -> Self {
        self.replaces = replaces;
        self
    }
}

/// A token in the form in which a [`TokenStore`](super::TokenStore) keeps it.
///
/// A store that keeps the fields apart, for example in the columns of a table,
/// restores the entry from them:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{store::{Entry, Fence}, token::Fingerprint};
///
/// let print = *Fingerprint::of("s3cr3t").as_bytes();
/// let columns = (1_800_000_000_123, print, b"sealed");
/// let (fence, print, value) = columns;
/// let hour = Duration::from_secs(3600);
/// let print = Fingerprint::from_bytes(print);
/// let entry = Entry::new(Fence::new(fence), print, &value[..], hour)
///     .with_remaining(hour / 2);
/// assert_eq!(entry.remaining, hour / 2);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The number that orders the tokens of one key: the higher one is newer.
    pub fence: Fence,
    /// The digest by which a process names a refused token without revealing
    /// it.
    pub fingerprint: Fingerprint,
    /// The token, sealed or in plain text. The store does not interpret it.
    pub value: Bytes,
    /// The full lifetime of the token since its issue.
    pub lifetime: Duration,
    /// The remaining lifetime. The store counts it down, and deletes the entry
    /// when it reaches zero.
    pub remaining: Duration,
}

impl Entry {
    /// Creates an entry for a token that was just issued, valid for `lifetime`.
    /// For authors of a [`TokenStore`](super::TokenStore).
    pub fn new(
        fence: Fence,
        fingerprint: Fingerprint,
        value: impl Into<Bytes>,
        lifetime: Duration,
    ) -> Self {
        Self {
            fence,
            fingerprint,
            value: value.into(),
            lifetime,
            remaining: lifetime,
        }
    }

    /// Sets the remaining lifetime. Default: the full lifetime.
    #[must_use]
    pub const fn with_remaining(mut self, remaining: Duration) -> Self {
        self.remaining = remaining;
        self
    }
}

/// Omits the value, which may be the token itself.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("fence", &self.fence)
            .field("fingerprint", &self.fingerprint)
            .field("lifetime", &self.lifetime)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
