//! Credentials from environment variables.

use std::{
    borrow::Cow,
    collections::HashMap,
    env,
    ffi::{OsStr, OsString},
};

use secrecy::SecretString;

use super::{Credentials, CredentialsProvider};
use crate::{
    BoxError,
    genesys::{ConfigError, ConfigErrorKind},
};

type Name = Cow<'static, str>;

/// The crate's name, and that of Genesys' Terraform provider.
const CLIENT_ID: [Name; 2] = [
    Cow::Borrowed("GENESYS_CLIENT_ID"),
    Cow::Borrowed("GENESYSCLOUD_OAUTHCLIENT_ID"),
];
const CLIENT_SECRET: [Name; 2] = [
    Cow::Borrowed("GENESYS_CLIENT_SECRET"),
    Cow::Borrowed("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
];

/// Reads the [`Credentials`] from the environment at every fetch of a token.
///
/// It copies the environment in one step. So id and secret belong together if
/// your code sets both before the next fetch.
///
/// # Default
///
/// `GENESYS_CLIENT_ID` and `GENESYS_CLIENT_SECRET`, as for
/// [`Org::from_env`](crate::Org::from_env). If one is not set, the name that
/// Genesys' Terraform provider uses: `GENESYSCLOUD_OAUTHCLIENT_ID`,
/// `GENESYSCLOUD_OAUTHCLIENT_SECRET`.
///
/// # Errors
///
/// A [`ConfigError`] that names the variable that is missing, empty or not
/// UTF-8. It never shows the value.
///
/// ```
/// use tower_genesys::genesys::{CredentialsProvider, EnvCredentials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // For `OrgBuilder::credentials`:
/// let provider = EnvCredentials::new()
///     .with_names("STAGING_CLIENT_ID", "STAGING_CLIENT_SECRET");
/// // Without these variables, each fetch of a token fails:
/// let error = provider.credentials().await.unwrap_err();
/// assert!(error.to_string().contains("STAGING_CLIENT_ID is not set"));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EnvCredentials {
    id: Vec<Name>,
    secret: Vec<Name>,
}

impl EnvCredentials {
    /// Returns a provider that reads the default variables.
    pub fn new() -> Self {
        Self {
            id: CLIENT_ID.into(),
            secret: CLIENT_SECRET.into(),
        }
    }

    /// Sets other variables, for example for the second organisation of a
    /// process.
    #[must_use]
    pub fn with_names(mut self, id: impl Into<Name>, secret: impl Into<Name>) -> Self {
        self.id = vec![id.into()];
        self.secret = vec![secret.into()];
        self
    }

    fn read(&self, look_up: impl Fn(&str) -> Option<OsString>) -> Result<Credentials, ConfigError> {
        let (_, id) = variable(&look_up, &self.id)?;
        let (_, secret) = variable(&look_up, &self.secret)?;
        Credentials::new(id, SecretString::from(secret))
    }
}

impl Default for EnvCredentials {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialsProvider for EnvCredentials {
    async fn credentials(&self) -> Result<Credentials, BoxError> {
        // One copy: two reads could pair the id of one rotation with the secret
        // of another.
        let variables: HashMap<_, _> = env::vars_os().collect();
        Ok(self.read(|name| variables.get(OsStr::new(name)).cloned())?)
    }
}

/// Reads the default variables through a function that looks them up.
pub(in crate::genesys) fn read(
    look_up: impl Fn(&str) -> Option<OsString>,
) -> Result<Credentials, ConfigError> {
    EnvCredentials::new().read(look_up)
}

/// Returns the name and value of the first of these variables that is set.
pub(in crate::genesys) fn variable(
    look_up: impl Fn(&str) -> Option<OsString>,
    names: &[Name],
) -> Result<(&str, String), ConfigError> {
    let found = names
        .iter()
        .find_map(|name| Some((&**name, look_up(name)?)));
    // An empty variable is an error, so the next name is not tried.
    let message = match found {
        Some((name, value)) => match value.into_string() {
            Ok(value) if !value.is_empty() => return Ok((name, value)),
            Ok(_) => format!("the environment variable {name} is empty; give it a value"),
            Err(_) => format!("the environment variable {name} is not UTF-8; set it to UTF-8 text"),
        },
        None => match names {
            [name, others @ ..] if !others.is_empty() => format!(
                "the environment variable {name} is not set (nor is {}); set it",
                others.join(" or ")
            ),
            names => format!(
                "the environment variable {} is not set; set it",
                names.concat()
            ),
        },
    };
    Err(ConfigError::new(ConfigErrorKind::Variable, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_names_replace_the_usual_ones() {
        let provider = EnvCredentials::new().with_names("B_ID", "B_SECRET");
        let usual = |name: &str| match name {
            "GENESYS_CLIENT_ID" | "GENESYS_CLIENT_SECRET" => Some("usual".into()),
            "B_ID" => Some("b".into()),
            "B_SECRET" => Some("s3cr3t".into()),
            _ => None,
        };
        let credentials = provider.read(usual).unwrap();
        assert_eq!((credentials.id(), credentials.secret()), ("b", "s3cr3t"));

        let error = provider
            .read(|name| usual(name).filter(|_| name != "B_SECRET"))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable B_SECRET is not set; set it"
        );
    }

    #[tokio::test]
    async fn the_environment_is_asked_at_each_fetch() {
        // Every process has a path, and no test may change the environment of
        // the others.
        let provider = EnvCredentials::new().with_names("PATH", "PATH");
        let path = env::var("PATH").unwrap();
        match provider.credentials().await {
            Ok(credentials) => assert_eq!(credentials.id(), path),
            Err(error) => assert!(error.to_string().contains("colon"), "{error}"),
        }
        let absent = EnvCredentials::new().with_names("NO_SUCH_ID", "NO_SUCH_SECRET");
        let error = absent.credentials().await.unwrap_err();
        assert!(error.to_string().contains("NO_SUCH_ID"), "{error}");
    }
}
