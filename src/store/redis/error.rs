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
/// The first five kinds are about settings, and come from
/// [`build`](super::RedisStoreBuilder::build) and from reading the environment.
/// The other four are about the server, and come from
/// [`check`](super::RedisStore::check). A check can also return `Url` and
/// `Certificates`, if the server does not fit these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisStoreErrorKind {
    /// An environment variable is missing, empty, or not valid text.
    Variable,
    /// The URL is malformed or has an invalid part. Or the server is of another
    /// kind than the URL says: a Sentinel, a node of a cluster, no cluster, or
    /// nodes of several clusters.
    Url,
    /// The certificates are unreadable, the private key does not match the
    /// client certificate, or certificates are set for a URL that does not
    /// begin with `rediss`. Or the server requires another client certificate.
    Certificates,
    /// There is no crypto provider for TLS: no feature compiles one in, and the
    /// process has installed none.
    CryptoProvider,
    /// The prefix of the keys is invalid.
    Prefix,
    /// No server answers, or the store does not trust the server's certificate.
    Unreachable,
    /// The server rejects the login, or requires one.
    Credentials,
    /// The user lacks rights that the store needs.
    Permission,
    /// The server answers but cannot run the scripts: it is a replica, out of
    /// memory or too old, or its cluster has hash slots that no node serves.
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

    /// Returns the kind: which setting is wrong, or what the server lacks.
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
