use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// What was set up for sharing tokens cannot work.
///
/// The message names the setting and what to do, and shows neither a key nor a secret.
///
/// An example: [`store`](crate::store).
#[derive(Debug)]
pub struct SharingError {
    kind: SharingErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// Which setting a [`SharingError`] is about.
///
/// An example: [`store`](crate::store).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SharingErrorKind {
    /// Each request of the source spends something, so that only one process can make them.
    NotRepeatable,
    /// The system gives no randomness.
    Randomness,
    /// A ring without a key to seal with.
    NoKey,
    /// A key, or its id, that cannot be one.
    InvalidKey,
    /// Two keys under one id.
    DuplicateKey,
    /// An environment variable is not set, or is no text.
    Variable,
    /// A file cannot be read.
    File,
}

impl SharingError {
    pub(super) fn new(kind: SharingErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Which setting is wrong.
    pub const fn kind(&self) -> SharingErrorKind {
        self.kind
    }
}

impl fmt::Display for SharingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SharingError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
