use std::{borrow::Cow, error::Error, fmt};

use crate::BoxError;

/// An unusable setting of a [`ClientBuilder`](super::ClientBuilder).
///
/// The message names the setting and the next step. It never shows the value of
/// a proxy setting, which may contain a password, and never shows the content
/// of a PEM.
///
/// ```
/// use tower_genesys::client::{ClientBuilder, ClientConfigErrorKind};
///
/// # type Body = http_body_util::Full<bytes::Bytes>;
/// let builder = ClientBuilder::new().proxy("socks5://proxy:1080");
/// let error = builder.build::<Body>().unwrap_err();
/// assert_eq!(error.kind(), ClientConfigErrorKind::Proxy);
/// assert!(error.to_string().contains("SOCKS"), "{error}");
/// ```
#[derive(Debug)]
pub struct ClientConfigError {
    kind: ClientConfigErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The setting that a [`ClientConfigError`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientConfigErrorKind {
    /// The URL of the proxy (from the environment or
    /// [`ClientBuilder::proxy`](super::ClientBuilder::proxy)), or an entry of
    /// [`ClientBuilder::proxy_except`](super::ClientBuilder::proxy_except).
    Proxy,
    /// A file with CA certificates cannot be read.
    CaFile,
    /// The CA certificates are not PEM, or not CA certificates.
    Ca,
    /// The client certificate or its key cannot be read, is not PEM, or the two
    /// do not belong together.
    ClientAuth,
    /// There is no crypto provider: no feature compiles one in, the process has
    /// not installed one, and
    /// [`ClientBuilder::crypto_provider`](super::ClientBuilder::crypto_provider)
    /// is not set.
    CryptoProvider,
    /// `GENESYS_ALLOW_LOOPBACK` in the environment is neither `1` nor `0`.
    Loopback,
    /// TLS cannot be set up: settings exclude each other, the system trusts no
    /// CA, or the crypto provider has no cipher suites.
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

    /// Returns the setting that cannot be used.
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
