use std::{borrow::Cow, fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind,
    topology::{CertificateSettings, Pem, Topology, TopologySettings},
};

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
    pub(super) setting: Cow<'static, str>,
    prefix: Cow<'static, str>,
    pub(super) certificates: CertificateSettings,
    pub(super) sentinel: Option<SentinelLogin>,
}

/// Of the Sentinels, whose users are not those of the server.
pub(super) struct SentinelLogin {
    pub(super) setting: Cow<'static, str>,
    pub(super) user: String,
    pub(super) password: SecretString,
}

impl RedisStoreBuilder {
    pub(super) fn new(url: SecretString) -> Self {
        Self {
            url,
            setting: "the Redis URL".into(),
            prefix: PREFIX.into(),
            certificates: CertificateSettings::default(),
            sentinel: None,
        }
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
        self.certificates.authorities = Some(Pem::text("`ca_certificates`", pem.into()));
        self
    }

    /// Trusts the certificates in this file, in PEM, and no others. Default: Mozilla's list of
    /// public CAs.
    ///
    /// [`build`](Self::build) reads it, and blocks for so long.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.authorities = Some(Pem::file("`ca_file`", path.into()));
        self
    }

    /// Trusts the CAs that the system trusts. Default: Mozilla's list of public CAs.
    ///
    /// For networks whose administrators install their own CAs on each machine. On Linux, these are
    /// the files of OpenSSL, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name; on macOS the
    /// keychains, on Windows the certificate stores. Together with [`ca_file`](Self::ca_file) or
    /// [`ca_certificates`](Self::ca_certificates), it trusts both.
    ///
    /// [`build`](Self::build) reads them, and blocks for so long.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// // CAs are for TLS.
    /// let builder = RedisStore::builder("redis://localhost").system_ca_certificates();
    /// let error = builder.build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// assert!(error.to_string().contains("rediss"));
    /// ```
    #[must_use]
    pub fn system_ca_certificates(mut self) -> Self {
        self.certificates.system = true;
        self
    }

    /// Shows this certificate to the servers, and to the Sentinels. Default: none.
    ///
    /// For servers with `tls-auth-clients yes`, which is Redis's own default. Both are PEM, the
    /// certificate with the intermediate ones after it, the key without a passphrase.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let setting = "the certificate of `client_certificate`";
        self.certificates.certificate = Some(Pem::text(setting, certificate.into()));
        let setting = "the key of `client_certificate`";
        self.certificates.key = Some(Pem::text(setting, key.into()));
        self
    }

    /// Shows the certificate in this file to the servers, and to the Sentinels. Default: none.
    ///
    /// As [`client_certificate`](Self::client_certificate). [`build`](Self::build) reads both
    /// files, and blocks for so long. A certificate that is renewed is read by a store that is
    /// built after that.
    #[must_use]
    pub fn client_certificate_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let setting = "the certificate of `client_certificate_files`";
        self.certificates.certificate = Some(Pem::file(setting, certificate.into()));
        let setting = "the key of `client_certificate_files`";
        self.certificates.key = Some(Pem::file(setting, key.into()));
        self
    }

    /// Logs in to the Sentinels as this user; an empty name is the default user. Default: the
    /// `sentinel_user` and `sentinel_password` of the URL, which win, or no login.
    ///
    /// The user and the password of the URL itself are for the server.
    #[must_use]
    pub fn sentinel_login(
        mut self,
        user: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.sentinel = Some(SentinelLogin {
            setting: "`sentinel_login`".into(),
            user: user.into(),
            password: password.into(),
        });
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
        let topology = self.topology()?;
        Ok(RedisStore::new_on(topology, &self.prefix, self.setting))
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

    fn topology(&self) -> Result<Topology, RedisStoreError> {
        let sentinel_login = self.sentinel.as_ref().map(|login| {
            let password = login.password.expose_secret().to_owned();
            (&*login.setting, (login.user.clone(), password))
        });
        Topology::new(&TopologySettings {
            setting: &self.setting,
            url: self.url.expose_secret(),
            certificates: &self.certificates,
            sentinel_login,
        })
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
}
