use std::{error::Error, fmt};

use crate::BoxError;

/// A [`RedisStore`](super::RedisStore) cannot be set up, or does not work when it is checked.
///
/// The message names the setting, says what to do, and never shows what is in the setting: a URL
/// holds a password.
///
/// An example: [`store::redis`](crate::store::redis).
#[derive(Debug)]
pub struct RedisStoreError {
    kind: RedisStoreErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// What is wrong, of a [`RedisStoreError`].
///
/// An example: [`store::redis`](crate::store::redis).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisStoreErrorKind {
    /// The environment variable is not set, empty, or no text.
    Variable,
    /// The URL is no URL, has a part that cannot be used, or the server is something else than it
    /// says: a Sentinel, a node of a cluster, no cluster, several clusters.
    Url,
    /// The certificates cannot be read, do not belong together, come without `rediss`, or the server
    /// wants others.
    Certificates,
    /// No crypto provider for TLS: no feature compiles one in, and none is installed.
    CryptoProvider,
    /// The prefix of the keys.
    Prefix,
    /// No server answers.
    Unreachable,
    /// The server refuses the login, or wants one.
    Credentials,
    /// The user may not do what the store does.
    Permission,
    /// The server is reached, and cannot do it: a replica, out of memory, too old, a cluster with
    /// slots that no node serves.
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

    /// Which setting is wrong, or what is wrong with the server.
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
