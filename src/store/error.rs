use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// What went wrong with a [`TokenStore`](super::TokenStore) itself.
///
/// It never reaches a caller of the cache: the process goes on without the store, and tells its
/// observer. It holds no token, no secret, and no password of the store.
///
/// An example: [`store`](crate::store).
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// What kind of failure a [`StoreError`] is.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store was not reached, or cannot do it now. Nothing was changed.
    Unavailable,
    /// The store did not answer in time, or the connection broke. Whether something was changed is
    /// unknown.
    Timeout,
    /// What is there cannot be read: damaged, of a wrong type, sealed with an unknown key, or put
    /// there from somewhere else.
    Corrupt,
    /// What is there was written by a version of this crate that writes another format.
    Incompatible,
    /// The store does not let this process do it.
    Denied,
}

impl StoreErrorKind {
    /// The name in log events and metrics.
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
    /// An error of this kind. The message names the cause and the next step, and holds no secret.
    pub fn new(kind: StoreErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// What is there is no token that any process has put there.
    pub(super) fn damaged() -> Self {
        Self::new(
            StoreErrorKind::Corrupt,
            "the token in the store is damaged, or was put there from somewhere else; another one takes its place",
        )
    }

    /// Adds the error that led to this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    pub(super) fn no_randomness(error: getrandom::Error) -> Self {
        Self::new(
            StoreErrorKind::Unavailable,
            "the system has no randomness to give; check that this process may use it",
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
