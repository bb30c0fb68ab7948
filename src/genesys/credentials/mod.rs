//! The id and the secret of an OAuth client, and the providers that read them.

mod env;
mod file;
mod from_fn;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

pub use env::EnvCredentials;
pub(super) use env::{read as read_env, variable};
pub use file::FileCredentials;
pub use from_fn::{CredentialsFn, credentials_fn};

use super::{ConfigError, ConfigErrorKind};
use crate::BoxError;

/// The id and the secret of an OAuth client, as one pair.
///
/// `Debug` shows the id only.
///
/// ```
/// use tower_genesys::{Credentials, genesys::ConfigErrorKind};
///
/// let credentials = Credentials::new("my-client-id", "my-client-secret")?;
/// assert!(!format!("{credentials:?}").contains("my-client-secret"));
///
/// // White space at the ends, often copied along, is dropped.
/// let credentials = Credentials::new(" my-client-id\n", "my-client-secret\n")?;
/// assert_eq!(credentials.id(), "my-client-id");
/// // A line break inside is an error.
/// let error = Credentials::new("my-id", "my-client\nsecret").unwrap_err();
/// assert_eq!(error.kind(), ConfigErrorKind::ClientSecret);
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    id: Box<str>,
    secret: SecretString,
}

impl Credentials {
    /// Returns a pair of this id and secret, without white space at their ends.
    /// A wrong pair fails at the first fetch of a token.
    ///
    /// Quotation marks are kept, since they may be part of a secret. If Genesys
    /// Cloud refuses a client whose id or secret is quoted, the error says so.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::ClientId`] or [`ConfigErrorKind::ClientSecret`] if
    /// the value is empty, or holds a character other than printable ASCII (RFC
    /// 6749, appendix A), such as a line break or a typographic quotation mark.
    /// Also [`ConfigErrorKind::ClientId`] if the id holds a colon, which HTTP
    /// Basic cannot express (RFC 7617, section 2).
    pub fn new(
        id: impl Into<String>,
        secret: impl Into<SecretString>,
    ) -> Result<Self, ConfigError> {
        let (id, secret) = (id.into(), trimmed(secret.into()));
        let id = id.trim();
        check(id, ConfigErrorKind::ClientId, "client id")?;
        // The server would split the pair at the first colon.
        if id.contains(':') {
            return Err(ConfigError::new(
                ConfigErrorKind::ClientId,
                "the client id holds a colon, which HTTP Basic does not allow; pass the id and the \
                 secret as two values",
            ));
        }
        check(
            secret.expose_secret(),
            ConfigErrorKind::ClientSecret,
            "client secret",
        )?;
        Ok(Self {
            id: id.into(),
            secret,
        })
    }

    /// Returns the client's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Reports whether the id or the secret is quoted, as it may be in a file
    /// of variables.
    pub(super) fn is_quoted(&self) -> bool {
        [self.id(), self.secret()].iter().any(|text| {
            ['"', '\'', '`']
                .iter()
                .any(|&mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark))
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Provides the [`Credentials`] at every fetch of a token, so that you can
/// rotate a secret while the process runs.
///
/// | provider | reads |
/// |---|---|
/// | [`Credentials`] | nothing: always the same pair |
/// | [`EnvCredentials`] | two environment variables |
/// | [`FileCredentials`] | a small JSON file, such as a secret that is mounted into a container |
/// | [`credentials_fn`] | any source that an async closure asks, such as a vault |
///
/// # Cancellation
///
/// The future is dropped with its fetch. At that point the fetch has sent
/// nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no id and secret of an OAuth client",
    note = "give `OrgBuilder::credentials` one of `Credentials`, `EnvCredentials`, `FileCredentials` or `credentials_fn(…)`",
    note = "tokens that come from elsewhere take `OrgBuilder::build_from_source`"
)]
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Returns the current pair. Take both from one read: otherwise the id of
    /// one rotation could be paired with the secret of another.
    ///
    /// # Errors
    ///
    /// Any error without the secret in it. It becomes the source of a
    /// [`TokenErrorKind::Credentials`](crate::token::TokenErrorKind::Credentials),
    /// which may be logged.
    fn credentials(&self) -> impl Future<Output = Result<Credentials, BoxError>> + Send;
}

impl CredentialsProvider for Credentials {
    async fn credentials(&self) -> Result<Credentials, BoxError> {
        Ok(self.clone())
    }
}

/// Drops white space at the ends, without a copy if there is none.
fn trimmed(secret: SecretString) -> SecretString {
    let text = secret.expose_secret();
    match text.trim() {
        inner if inner.len() == text.len() => secret,
        inner => SecretString::from(inner),
    }
}

/// Checks an id or a secret. The error shows a position, never the value.
fn check(value: &str, kind: ConfigErrorKind, name: &'static str) -> Result<(), ConfigError> {
    if value.is_empty() {
        let message =
            format!("the {name} is empty; copy it from the OAuth client in Genesys Cloud");
        return Err(ConfigError::new(kind, message));
    }
    // RFC 6749, appendix A: `VSCHAR`.
    let stray = |char: &char| !matches!(char, ' '..='~');
    match value.char_indices().find(|(_, char)| stray(char)) {
        None => Ok(()),
        Some((at, char)) => {
            let what = match char.is_control() {
                true => "a control character",
                false => "a character other than printable ASCII",
            };
            let message = format!(
                "the {name} holds {what} at byte {at} of {}; remove characters that were copied along, \
                 such as a line break or a typographic quotation mark",
                value.len()
            );
            Err(ConfigError::new(kind, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pairs_are_refused_without_being_shown() {
        use ConfigErrorKind as Kind;
        for (id, secret, kind) in [
            ("", "s3cr3t", Kind::ClientId),
            ("i\nd", "s3cr3t", Kind::ClientId),
            ("id:s3cr3t", "s3cr3t", Kind::ClientId),
            ("id", "", Kind::ClientSecret),
            ("id", " \n", Kind::ClientSecret),
            ("id", "s3c\nr3t", Kind::ClientSecret),
            ("id", "s3c\0r3t", Kind::ClientSecret),
            ("id", "“s3cr3t”", Kind::ClientSecret),
            ("\u{feff}id", "s3cr3t", Kind::ClientId),
            ("i\u{a0}d", "s3cr3t", Kind::ClientId),
            (":", "s3cr3t", Kind::ClientId),
        ] {
            let error = Credentials::new(id, secret).unwrap_err();
            assert_eq!(error.kind(), kind, "{id:?} {secret:?}");
            assert!(!format!("{error} {error:?}").contains("s3c"));
        }
        assert!(!format!("{:?}", Credentials::new("id", "s3cr3t")).contains("s3c"));
    }
    #[test]
    fn blanks_at_the_ends_are_dropped_and_quotes_are_kept() {
        let pair = Credentials::new("\t id\r\n", "\u{a0}s3cr3t with blank \n").unwrap();
        assert_eq!((pair.id(), pair.secret()), ("id", "s3cr3t with blank"));
        assert!(!pair.is_quoted());
        for (id, secret) in [("'id'", "s3cr3t"), ("id", "\"s3cr3t\""), ("`id`", "`")] {
            let pair = Credentials::new(id, secret).unwrap();
            assert_eq!((pair.id(), pair.secret()), (id, secret));
            assert!(pair.is_quoted(), "{id} {secret}");
        }
        assert!(!Credentials::new("id", "\"s3cr3t'").unwrap().is_quoted());
    }
}
