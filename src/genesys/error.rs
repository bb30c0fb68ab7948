use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use super::RegionError;
use crate::store::SharingError;

/// A setting of an [`Org`](super::Org) that cannot work.
///
/// The message names the setting and the next step, and never shows a secret.
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
    region: Option<RegionError>,
    sharing: Option<Arc<SharingError>>,
}

/// The setting that a [`ConfigError`] is about.
///
/// The [guide](crate::guide::operating#configerrorkind) lists the next step for
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// An environment variable is not set, or is not valid text.
    Variable,
    /// The id of the OAuth client.
    ClientId,
    /// The secret of the OAuth client.
    ClientSecret,
    /// The file that [`FileCredentials`](super::FileCredentials) reads.
    File,
    /// The verifier of PKCE.
    Verifier,
    /// The region, or the base URLs in place of one.
    Region,
    /// How tokens are shared with other processes.
    Sharing,
    /// The bounds of a registry of organisations.
    Registry,
    /// The rate limit that the process keeps.
    Limit,
}

impl ConfigError {
    pub(super) fn new(kind: ConfigErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            region: None,
            sharing: None,
        }
    }

    /// Returns the setting that is wrong.
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

/// Keeps the error, with its kind and cause, as the source.
impl From<SharingError> for ConfigError {
    fn from(error: SharingError) -> Self {
        let mut this = Self::new(
            ConfigErrorKind::Sharing,
            "the token cannot be shared; the cause names the setting",
        );
        this.sharing = Some(Arc::new(error));
        this
    }
}

impl From<RegionError> for ConfigError {
    fn from(error: RegionError) -> Self {
        let message = "the region or base URL cannot be used".into();
        Self {
            kind: ConfigErrorKind::Region,
            message,
            region: Some(error),
            sharing: None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.region {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.sharing.as_deref()?;
        Some(source)
    }
}
