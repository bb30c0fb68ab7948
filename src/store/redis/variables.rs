//! The settings in environment variables.

use std::{borrow::Cow, env, ffi::OsString};

use super::{
    RedisStoreBuilder, RedisStoreError, RedisStoreErrorKind as Kind,
    builder::SentinelLogin,
    topology::{CertificateSettings, Pem},
};

impl RedisStoreBuilder {
    /// Reads the URL from this variable, and the other settings from the
    /// variables named after it: without `_URL` at the end, and with `_TLS_CA`
    /// and the like.
    pub(super) fn from_env(name: Cow<'static, str>) -> Result<Self, RedisStoreError> {
        let url = variable(&name)?.ok_or_else(|| {
            wrong_variable(
                &name,
                "is not set; set it to redis://user:password@host:port",
            )
        })?;
        let beside = |what: &str| format!("{}_{what}", name.strip_suffix("_URL").unwrap_or(&name));
        let pem = |what: &str| -> Result<Option<Pem>, RedisStoreError> {
            let name = beside(what);
            Ok(variable(&name)?.map(|value| Pem::variable(name, value)))
        };
        let mut builder = Self::new(url.into());
        builder.certificates = CertificateSettings {
            authorities: pem("TLS_CA")?,
            certificate: pem("TLS_CERT")?,
            key: pem("TLS_KEY")?,
            system: false,
        };
        let (user, password) = (beside("SENTINEL_USER"), beside("SENTINEL_PASSWORD"));
        builder.sentinel = match (variable(&user)?, variable(&password)?) {
            // A user alone cannot log in.
            (Some(_), None) => {
                let what =
                    "has no password beside it; set the one that ends in _SENTINEL_PASSWORD too";
                return Err(wrong_variable(&user, what));
            }
            (None, None) => None,
            (user, Some(secret)) => Some(SentinelLogin {
                setting: password.into(),
                user: user.unwrap_or_default(),
                password: secret.into(),
            }),
        };
        builder.setting = name;
        Ok(builder)
    }
}

/// Returns the value of this variable, or `None` if it is not set.
fn variable(name: &str) -> Result<Option<String>, RedisStoreError> {
    text(env::var_os(name)).map_err(|what| wrong_variable(name, what))
}

fn wrong_variable(name: &str, what: &str) -> RedisStoreError {
    let message = format!("the environment variable {name} {what}");
    RedisStoreError::new(Kind::Variable, message)
}

/// Returns the value as text. The error continues a sentence that begins with
/// the variable.
fn text(value: Option<OsString>) -> Result<Option<String>, &'static str> {
    match value.map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) if value.is_empty() => Err("is empty; give it a value, or take it away"),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err("is not UTF-8; set it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_no_use_is_named() {
        let error = RedisStoreBuilder::from_env("NO_SUCH_REDIS_URL".into()).unwrap_err();
        assert_eq!(error.kind(), Kind::Variable);
        assert!(error.to_string().contains("NO_SUCH_REDIS_URL is not set"));
        assert!(text(Some("".into())).unwrap_err().contains("empty"));
    }

    #[test]
    fn an_error_calls_the_url_by_the_name_of_its_variable() {
        // Every process has a path, and it is no URL of Redis.
        let error = RedisStoreBuilder::from_env("PATH".into()).unwrap().build();
        let error = error.unwrap_err();
        assert_eq!(error.kind(), Kind::Url);
        assert!(error.to_string().starts_with("PATH "), "{error}");
    }
}
