//! The error of a store.

use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// A failure of a [`TokenStore`](super::TokenStore) itself.
///
/// The process continues without the store, and reports the error to its
/// observer. Calls never get it; only
/// [`TokenCache::revoke`](crate::TokenCache::revoke) returns it, as the cause
/// of its error. The error contains no token, no secret and no password of the
/// store.
///
/// ```
/// use tower_genesys::store::{StoreError, StoreErrorKind};
///
/// let kind = StoreErrorKind::Unavailable;
/// let error = StoreError::new(kind, "the vault is sealed; unseal it")
///     .with_source(std::io::Error::other("503"));
/// assert_eq!(error.kind().as_str(), "unavailable");
/// ```
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The kind of a [`StoreError`]. It decides what a process does next: after
/// `Timeout` and `Unavailable`, it asks the store again whether it has the
/// lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached, or cannot execute the operation now. It
    /// changed nothing, except perhaps before a panic of its code.
    Unavailable,
    /// The store did not answer in time, or the connection broke. The store may
    /// or may not have executed the operation.
    Timeout,
    /// The value in the store is unreadable: damaged, of the wrong type, sealed
    /// with an unknown key, or copied from another place.
    Corrupt,
    /// The value has another format: another version of this crate wrote it, or
    /// it is sealed and this process does not seal, or the other way round.
    Incompatible,
    /// The store denies this process the operation.
    Denied,
}

impl StoreErrorKind {
    /// Returns the name that log events and metrics show.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Corrupt => "corrupt",
            Self::Incompatible => "incompatible",
            Self::Denied => "denied",
        }
    }
}

impl StoreError {
    /// Creates an error of this kind. The message should name the cause and the
    /// next step, and contain no secret.
    pub fn new(kind: StoreErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The value was damaged, or copied from another place.
    pub(super) fn damaged() -> Self {
        Self::new(
            StoreErrorKind::Corrupt,
            "the token in the store is damaged, or was copied from another place; the next publication replaces it",
        )
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of failure.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The system provides no randomness, for an owner or a nonce.
    pub(super) fn no_randomness(error: getrandom::Error) -> Self {
        Self::new(
            StoreErrorKind::Unavailable,
            "the system provided no randomness; allow this process to read it",
        )
        .with_source(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
