use std::{error::Error, fmt};

use crate::BoxError;

/// An invalid setting of a [`RedisStore`](super::RedisStore), or the reason why
/// its check failed.
///
/// The message names the setting and the next step. It never shows the
/// setting's value, because a URL contains a password.
/// [`store::redis`](crate::store::redis#example) has an example.
#[derive(Debug)]
pub struct RedisStoreError {
    kind: RedisStoreErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// The kind of a [`RedisStoreError`].
/// [`store::redis`](crate::store::redis#example) has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisStoreErrorKind {
    /// The environment variable is not set, empty, or not valid text.
    Variable,
    /// The URL is malformed or has an invalid part, or the server is not what
    /// it says: a Sentinel, a node of a cluster, not a cluster, or several
    /// clusters.
    Url,
    /// The certificates are unreadable, do not match, or are set without
    /// `rediss`; or the server requires others.
    Certificates,
    /// No crypto provider for TLS: no feature compiles one in, and none is
    /// installed.
    CryptoProvider,
    /// The prefix of the keys is invalid.
    Prefix,
    /// No server answers.
    Unreachable,
    /// The server rejects the login, or requires one.
    Credentials,
    /// The user lacks rights that the store needs.
    Permission,
    /// The server answers but cannot run the scripts: a replica, out of memory,
    /// too old, or a cluster with slots that no node serves.
    Server,
}

impl RedisStoreError {
    pub(super) fn new(kind: RedisStoreErrorKind, message: impl Into<String>) -> Self {
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

    /// Returns which setting is wrong, or the fault of the server.
    pub const fn kind(&self) -> RedisStoreErrorKind {
        self.kind
    }
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RedisStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
