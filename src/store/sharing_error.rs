use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// A setting for sharing tokens that cannot work.
///
/// The message names the setting and the next step. It contains neither a key
/// nor a secret.
#[derive(Debug)]
pub struct SharingError {
    kind: SharingErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The setting that a [`SharingError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SharingErrorKind {
    /// The source cannot repeat its request, so only one process can make it.
    NotRepeatable,
    /// The operating system provides no randomness.
    Randomness,
    /// A key ring has no key to seal with.
    NoKey,
    /// A key or its id is malformed.
    InvalidKey,
    /// Two keys have the same id.
    DuplicateKey,
    /// An environment variable is not set, or is not valid text.
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

    /// Returns which setting is wrong.
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
