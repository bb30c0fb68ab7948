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

/// Ours, and the name that Genesys' Terraform provider has for the same.
const CLIENT_ID: [Name; 2] = [
    Cow::Borrowed("GENESYS_CLIENT_ID"),
    Cow::Borrowed("GENESYSCLOUD_OAUTHCLIENT_ID"),
];
const CLIENT_SECRET: [Name; 2] = [
    Cow::Borrowed("GENESYS_CLIENT_SECRET"),
    Cow::Borrowed("GENESYSCLOUD_OAUTHCLIENT_SECRET"),
];

/// The [`Credentials`] in the environment, read at every fetch of a token.
///
/// The environment is copied in one go, so that a pair is never half of one and half of another, as
/// far as whoever sets it sets both in time.
///
/// # Default
///
/// `GENESYS_CLIENT_ID` and `GENESYS_CLIENT_SECRET`; where one of these is not set, the name that
/// Genesys' Terraform provider has for it: `GENESYSCLOUD_OAUTHCLIENT_ID`,
/// `GENESYSCLOUD_OAUTHCLIENT_SECRET`. These are the names of
/// [`Org::from_env`](crate::Org::from_env).
///
/// # Errors
///
/// A [`ConfigError`] that names the variable that is missing, empty or no text, and never shows
/// what is in it.
///
/// ```
/// use tower_genesys::{Org, Region, genesys::EnvCredentials, testing::MockGenesys};
///
/// # let client = MockGenesys::new().http_client();
/// let credentials = EnvCredentials::new().with_names("STAGING_CLIENT_ID", "STAGING_CLIENT_SECRET");
/// let org = Org::builder(Region::EU_WEST_1).credentials(credentials).build(client)?;
/// # let _ = org;
/// # Ok::<(), tower_genesys::genesys::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EnvCredentials {
    id: Vec<Name>,
    secret: Vec<Name>,
}

impl EnvCredentials {
    /// The variables of the default.
    pub fn new() -> Self {
        Self {
            id: CLIENT_ID.into(),
            secret: CLIENT_SECRET.into(),
        }
    }

    /// These variables instead, for the second organisation of a process, for example.
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
        let variables: HashMap<_, _> = env::vars_os().collect();
        Ok(self.read(|name| variables.get(OsStr::new(name)).cloned())?)
    }
}

/// Reads the variables of the default by a function that looks them up.
pub(in crate::genesys) fn read(
    look_up: impl Fn(&str) -> Option<OsString>,
) -> Result<Credentials, ConfigError> {
    EnvCredentials::new().read(look_up)
}

/// The first of these variables that is set: its name and its value.
pub(in crate::genesys) fn variable(
    look_up: impl Fn(&str) -> Option<OsString>,
    names: &[Name],
) -> Result<(&str, String), ConfigError> {
    let found = names
        .iter()
        .find_map(|name| Some((&**name, look_up(name)?)));
    let message = match found {
        Some((name, value)) => match value.into_string() {
            Ok(value) if !value.is_empty() => return Ok((name, value)),
            Ok(_) => format!("the environment variable {name} is empty; give it a value"),
            Err(_) => format!("the environment variable {name} is not UTF-8; set it again"),
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
        // Every process has a path, and no test may change the environment of the others.
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
