use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// What a [`ClientBuilder`](super::ClientBuilder) was given cannot work.
///
/// The message names the setting and what to do. It never shows the value of a proxy setting, which
/// may hold a password, nor anything of a PEM.
///
/// An example: [`client`](crate::client).
#[derive(Debug)]
pub struct ClientConfigError {
    kind: ClientConfigErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// Which setting a [`ClientConfigError`] is about.
///
/// An example: [`client`](crate::client).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientConfigErrorKind {
    /// The URL of the proxy, from the environment or from
    /// [`ClientBuilder::proxy`](super::ClientBuilder::proxy), or an entry of
    /// [`ClientBuilder::proxy_except`](super::ClientBuilder::proxy_except).
    Proxy,
    /// A file with CA certificates cannot be read.
    CaFile,
    /// What was given as CA certificates are none.
    Ca,
    /// The client certificate or its key: it cannot be read, is no PEM, or the two do not belong
    /// together.
    ClientAuth,
    /// No crypto provider: no feature compiles one in, none is installed, and none was given.
    CryptoProvider,
    /// `GENESYS_ALLOW_LOOPBACK` in the environment is neither `1` nor `0`.
    Loopback,
    /// TLS cannot be set up: settings that exclude one another, or a crypto provider without cipher
    /// suites.
    Tls,
}

impl ClientConfigError {
    pub(super) fn new(kind: ClientConfigErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
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
    pub const fn kind(&self) -> ClientConfigErrorKind {
        self.kind
    }
}

impl fmt::Display for ClientConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClientConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
