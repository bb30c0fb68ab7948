use std::{fmt, time::Duration};

use bytes::Bytes;

use super::StoreError;
use crate::token::Fingerprint;

/// The order of tokens across processes: of two tokens under one key, that of the higher fence is
/// the newer one.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(u64);

impl Fence {
    /// Below every fence that is granted.
    pub const NONE: Self = Self(0);

    /// The fence of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One of the processes that share a token, for as long as it lives: by this it recognises a lease
/// that was granted in a reply that never arrived.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// Nobody else's, by chance.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Unavailable`](super::StoreErrorKind::Unavailable) when the system has no
    /// randomness.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(StoreError::no_randomness)?;
        Ok(Self(bytes))
    }

    /// The owner that [`as_bytes`](Self::as_bytes) gave. For stores, which keep it beside the
    /// lease.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The right to get a token for all, for a limited time.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// Whose it is.
    pub owner: Owner,
    /// What the token will be published under.
    pub fence: Fence,
    /// Whether something is in the place of the token that the store cannot read, and that a
    /// publication will replace. Default: no.
    pub replaces: Option<super::StoreErrorKind>,
}

impl Lease {
    /// A lease of this owner, in the place of nothing. For authors of a
    /// [`TokenStore`](super::TokenStore).
    pub const fn new(owner: Owner, fence: Fence) -> Self {
        Self {
            owner,
            fence,
            replaces: None,
        }
    }

    /// Says what is in the place of the token and cannot be read. Default: nothing.
    #[must_use]
    pub const fn with_replaces(mut self, replaces: Option<super::StoreErrorKind>) -> Self {
        self.replaces = replaces;
        self
    }
}

/// A token as a [`TokenStore`](super::TokenStore) keeps it.
///
/// A store that keeps its parts apart, in the columns of a table, say, makes it of them again:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{store::{Entry, Fence}, token::Fingerprint};
///
/// let columns = (1_800_000_000_123, *Fingerprint::of("s3cr3t").as_bytes(), b"sealed");
/// let (fence, fingerprint, value) = columns;
/// let hour = Duration::from_secs(3600);
/// let entry = Entry::new(Fence::new(fence), Fingerprint::from_bytes(fingerprint), &value[..], hour)
///     .with_remaining(hour / 2);
/// assert_eq!(entry.remaining, hour / 2);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Entry {
    /// Its place in the order of tokens.
    pub fence: Fence,
    /// By which a refused token is recognised without being shown.
    pub fingerprint: Fingerprint,
    /// The token, sealed or not. The store does not look into it.
    pub value: Bytes,
    /// The whole life of the token, from when it was issued.
    pub lifetime: Duration,
    /// What is left of it. The store counts it down, and forgets the entry at its end.
    pub remaining: Duration,
}

impl Entry {
    /// A token that was issued just now and lives for `lifetime`. For authors of a
    /// [`TokenStore`](super::TokenStore).
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

    /// Says that this much of its life is left. Default: all.
    #[must_use]
    pub const fn with_remaining(mut self, remaining: Duration) -> Self {
        self.remaining = remaining;
        self
    }
}

/// Without the value, which may be the token itself.
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
