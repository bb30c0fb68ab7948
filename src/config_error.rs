//! The one error for settings that cannot work, whichever builder finds them.

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use crate::BoxError;

/// A setting that cannot work: of an [`Org`](crate::Org), a
/// [`Client`](crate::client), a [`KeyRing`](crate::store), a shared token, or
/// another value that you build at the start.
///
/// The message names the setting and the next step. It never shows a secret, a
/// key, the content of a PEM, or the value of a proxy setting, which may
/// contain a password.
///
/// ```
/// use tower_genesys::{Credentials, genesys::ConfigErrorKind};
///
/// let error = Credentials::new("", "my-client-secret").unwrap_err();
/// assert_eq!(error.kind(), ConfigErrorKind::ClientId);
/// assert!(error.to_string().starts_with("the client id is empty"));
/// ```
#[derive(Clone, Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The setting that a [`ConfigError`] is about.
///
/// The [guide](crate::guide::operating#configerrorkind) lists the next step for
/// each. [`ConfigError`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// An environment variable is not set, is not valid text, or has a value
    /// that it does not accept, such as anything other than `1` and `0` in
    /// `GENESYS_ALLOW_LOOPBACK`.
    Variable,
    /// A file of [`FileCredentials`](crate::genesys::FileCredentials) or of
    /// sealing keys cannot be read, or has another form.
    File,
    /// The id of the OAuth client.
    ClientId,
    /// The secret of the OAuth client.
    ClientSecret,
    /// The verifier of PKCE.
    Verifier,
    /// The region, or the base URLs in place of one.
    Region,
    /// The bounds of a registry of organisations.
    Registry,
    /// The rate limit that the processes keep.
    Limit,
    /// A text for [`Origins`](crate::bearer::Origins) that is not `host` or
    /// `host:port`.
    Host,
    /// A path template of [`Templates`](crate::spans::Templates) that matches
    /// no path, or would let ids into the spans.
    Template,
    /// A source that cannot repeat its request, so only one process can make
    /// it, and its tokens cannot be shared.
    NotRepeatable,
    /// The operating system provides no randomness.
    Randomness,
    /// A key ring has no key to seal with.
    NoKey,
    /// A sealing key or its id is malformed.
    InvalidKey,
    /// Two sealing keys have the same id.
    DuplicateKey,
    /// The URL of the proxy, from the environment or
    /// `ClientBuilder::proxy`, or an entry of `ClientBuilder::proxy_except`.
    Proxy,
    /// A file with CA certificates cannot be read.
    CaFile,
    /// The CA certificates are not PEM, or not CA certificates.
    Ca,
    /// The client certificate or its key cannot be read, is not PEM, or the two
    /// do not belong together.
    ClientAuth,
    /// There is no crypto provider: no feature compiles one in, the process has
    /// not installed one, and `ClientBuilder::crypto_provider` is not set.
    CryptoProvider,
    /// TLS cannot be set up: settings exclude each other, the system trusts no
    /// CA, or the crypto provider has no cipher suites.
    Tls,
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Returns the setting that is wrong.
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
