//! The error of a setting or of a check.

use std::{error::Error, fmt};

use crate::BoxError;

/// An invalid setting of a [`RedisStore`](super::RedisStore), or the reason why
/// its check failed.
///
/// The message names the setting and the next step. It never shows the
/// setting's value, because a URL contains a password. The source is an error
/// of a file, a socket or TLS, if one of them is the cause.
///
/// ```
/// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
///
/// let error = RedisStore::new("redis://ada@localhost").unwrap_err();
/// assert_eq!(error.kind(), RedisStoreErrorKind::Url);
/// assert!(error.to_string().contains("a user without a password"));
/// ```
#[derive(Debug)]
pub struct RedisStoreError {
    kind: RedisStoreErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// The kind of a [`RedisStoreError`].
///
/// The first five are about settings, and come from
/// [`build`](super::RedisStoreBuilder::build) and from reading the environment.
/// The others are about a server, and come from
/// [`check`](super::RedisStore::check). A check also returns `Url` if the
/// server is not what the URL says, and `Certificates` if it requires others.
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
    /// too old, or a cluster with hash slots that no node serves.
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
