use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use super::RegionError;
use crate::store::SharingError;

/// What an [`Org`](super::Org) was configured with cannot work.
///
/// The message names the setting and what to do, and never shows a secret.
#[derive(Clone, Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: Cow<'static, str>,
    region: Option<RegionError>,
    sharing: Option<Arc<SharingError>>,
}

/// Which setting a [`ConfigError`] is about.
///
/// What to do about each is in the [guide](crate::guide::operating#configerrorkind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// An environment variable is not set, or is no text.
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
    /// The rate limit that is to be kept.
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

    /// Which setting is wrong.
    pub const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

/// The error keeps its kind and cause as the source of this one.
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
