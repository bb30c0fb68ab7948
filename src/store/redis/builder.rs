use std::{borrow::Cow, env, ffi::OsString, fmt, fs, path::PathBuf};

use redis::Client;
use secrecy::{ExposeSecret, SecretString};

use super::{RedisStore, RedisStoreError, RedisStoreErrorKind as Kind, address};

const PREFIX: &str = "tower-genesys";
const LONGEST_PREFIX: usize = 128;

/// Sets a [`RedisStore`] up.
///
/// `Debug` does not show the URL.
///
/// An example: [`store::redis`](crate::store::redis).
pub struct RedisStoreBuilder {
    url: SecretString,
    /// What errors call the URL.
    setting: Cow<'static, str>,
    prefix: Cow<'static, str>,
    certificates: Option<Certificates>,
}

enum Certificates {
    Pem(Vec<u8>),
    File(PathBuf),
}

impl RedisStoreBuilder {
    pub(super) fn new(url: SecretString) -> Self {
        Self {
            url,
            setting: "the Redis URL".into(),
            prefix: PREFIX.into(),
            certificates: None,
        }
    }

    pub(super) fn from_env(name: Cow<'static, str>) -> Result<Self, RedisStoreError> {
        let url = url(env::var_os(&*name)).map_err(|what| {
            let message = format!("the environment variable {name} {what}");
            RedisStoreError::new(Kind::Variable, message)
        })?;
        let mut builder = Self::new(url.into());
        builder.setting = name;
        Ok(builder)
    }

    /// What the names of all keys begin with; a colon follows. Default: `tower-genesys`.
    ///
    /// For fleets that share a server and must not share tokens, such as staging and production
    /// with the same OAuth client. The rights of the user name it too.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Trusts these certificates, in PEM, and no others. Default: Mozilla's list of public CAs.
    #[must_use]
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates = Some(Certificates::Pem(pem.into()));
        self
    }

    /// Trusts the certificates in this file, in PEM, and no others. Default: Mozilla's list of
    /// public CAs.
    ///
    /// [`build`](Self::build) reads it, and blocks for so long.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates = Some(Certificates::File(path.into()));
        self
    }

    /// The store. It connects when it is first used; this needs no runtime.
    ///
    /// # Errors
    ///
    /// [`RedisStoreErrorKind::Url`](Kind::Url), [`Prefix`](Kind::Prefix) or
    /// [`Certificates`](Kind::Certificates).
    pub fn build(self) -> Result<RedisStore, RedisStoreError> {
        check_prefix(&self.prefix)?;
        let client = self.client()?;
        Ok(RedisStore::new_on(client, &self.prefix, self.setting))
    }

    /// The store, when it [works](RedisStore::check).
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build) and of [`RedisStore::check`]: wrong password, missing
    /// rights, no server.
    pub async fn connect(self) -> Result<RedisStore, RedisStoreError> {
        let store = self.build()?;
        store.check().await?;
        Ok(store)
    }

    fn client(&self) -> Result<Client, RedisStoreError> {
        let url = self.url.expose_secret();
        match &self.certificates {
            None => address::client(&self.setting, url, None),
            Some(Certificates::Pem(pem)) => address::client(&self.setting, url, Some(pem)),
            Some(Certificates::File(path)) => {
                let pem = fs::read(path).map_err(|error| {
                    let message = "the file of CA certificates cannot be read; check `ca_file`";
                    RedisStoreError::new(Kind::Certificates, message).with_source(error)
                })?;
                address::client(&self.setting, url, Some(&pem))
            }
        }
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("setting", &self.setting)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

fn url(value: Option<OsString>) -> Result<String, &'static str> {
    let value = value.ok_or("is not set; set it to redis://user:password@host:port")?;
    match value.into_string() {
        Ok(value) if value.is_empty() => Err("is empty; give it a URL, or take it away"),
        Ok(value) => Ok(value),
        Err(_) => Err("is not UTF-8; set it again"),
    }
}

/// A brace would be taken for a hash tag, and the rest could not be written into an ACL rule.
fn check_prefix(prefix: &str) -> Result<(), RedisStoreError> {
    let is_fine = |char: char| char.is_ascii_alphanumeric() || "-_.:/".contains(char);
    if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.chars().all(is_fine) {
        let message = format!(
            "the prefix of the keys is empty, longer than {LONGEST_PREFIX} bytes, or holds something \
             other than letters, digits and - _ . : /; choose another one"
        );
        return Err(RedisStoreError::new(Kind::Prefix, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_would_change_the_hash_tag_or_the_acl_is_refused() {
        for prefix in ["", "a{b", "a}b", "a b", "a*", "ä", &"a".repeat(129)] {
            let error = check_prefix(prefix).unwrap_err();
            assert_eq!(error.kind(), Kind::Prefix);
        }
        check_prefix("team-a/staging_2.x:y").unwrap();
    }

    #[test]
    fn a_variable_that_is_no_use_is_named() {
        let error = RedisStoreBuilder::from_env("NO_SUCH_REDIS_URL".into()).unwrap_err();
        assert_eq!(error.kind(), Kind::Variable);
        assert!(error.to_string().contains("NO_SUCH_REDIS_URL is not set"));
        assert!(url(Some("".into())).unwrap_err().contains("empty"));
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
