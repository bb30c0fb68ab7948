//! The settings of a store, and the names that error messages give them.

use std::{borrow::Cow, fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{
    RedisStore, RedisStoreError, RedisStoreErrorKind as Kind,
    topology::{CertificateSettings, Pem, Topology, TopologySettings},
};

/// The default prefix, as the documentation of the rights has it.
const PREFIX: &str = "tower-genesys";
/// In bytes. Each key has the prefix, and each call sends four keys.
const LONGEST_PREFIX: usize = 128;

/// Configures a [`RedisStore`].
///
/// `Debug` does not show the URL.
///
/// ```
/// use tower_genesys::store::redis::RedisStore;
///
/// let store = RedisStore::builder("redis://localhost:6379")
///     .prefix("staging")
///     .build()?; // connects at the first operation
/// assert!(format!("{store:?}").contains("staging"));
/// # Ok::<_, tower_genesys::BoxError>(())
/// ```
pub struct RedisStoreBuilder {
    url: SecretString,
    /// The name of the URL in error messages.
    pub(super) setting: Cow<'static, str>,
    prefix: Cow<'static, str>,
    /// The certificates, which `build` reads.
    pub(super) certificates: CertificateSettings,
    pub(super) sentinel: Option<SentinelLogin>,
}

/// The login for the Sentinels, which have their own users.
pub(super) struct SentinelLogin {
    /// The name of the setting in error messages.
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

    /// Sets the prefix with which the names of all keys begin. Default:
    /// `tower-genesys`. The store adds a colon after it.
    ///
    /// The prefix may have 1 to 128 characters: ASCII letters, digits and
    /// `-_.:/`. For any other prefix, [`build`](Self::build) returns an error.
    ///
    /// Use it for fleets that share a server but not their tokens, such as
    /// staging and production with the same OAuth client. The ACL rule of the
    /// Redis user must name the same prefix.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let builder = || RedisStore::builder("redis://localhost");
    /// assert!(builder().prefix("staging").build().is_ok());
    /// let error = builder().prefix("{staging}").build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Prefix);
    /// ```
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Trusts only these CA certificates, in PEM. Default: Mozilla's list of
    /// public CAs.
    ///
    /// Replaces the certificates of an earlier call, and of
    /// [`ca_file`](Self::ca_file).
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let builder = RedisStore::builder("rediss://localhost");
    /// let error = builder.ca_certificates("not PEM").build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// assert!(error.to_string().contains("`ca_certificates`"));
    /// ```
    #[must_use]
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.authorities = Some(Pem::text("`ca_certificates`", pem.into()));
        self
    }

    /// Trusts only the CA certificates in this PEM file. Default: Mozilla's
    /// list of public CAs.
    ///
    /// Replaces the certificates of an earlier call, and of
    /// [`ca_certificates`](Self::ca_certificates). [`build`](Self::build) reads
    /// the file, and blocks meanwhile.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let builder = RedisStore::builder("rediss://localhost");
    /// let error = builder.ca_file("/no/such/ca.pem").build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// ```
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.authorities = Some(Pem::file("`ca_file`", path.into()));
        self
    }

    /// Trusts the CAs that the operating system trusts. Default: Mozilla's list
    /// of public CAs.
    ///
    /// Use it in networks whose administrators install their own CAs on each
    /// machine. Together with [`ca_file`](Self::ca_file) or
    /// [`ca_certificates`](Self::ca_certificates), the store trusts both groups
    /// of CAs.
    ///
    /// [`build`](Self::build) reads the CAs, and blocks meanwhile. On Linux, it
    /// reads OpenSSL's files, or the files that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name; on macOS, the keychains; on Windows, the
    /// certificate stores.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// // CAs are for TLS.
    /// let builder = RedisStore::builder("redis://localhost");
    /// let error = builder.system_ca_certificates().build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// assert!(error.to_string().contains("rediss"));
    /// ```
    #[must_use]
    pub fn system_ca_certificates(mut self) -> Self {
        self.certificates.system = true;
        self
    }

    /// Authenticates to the servers and the Sentinels with this certificate.
    /// Default: none.
    ///
    /// Servers with `tls-auth-clients yes`, Redis's own default, require a
    /// client certificate. Both arguments are PEM: `certificate` is the
    /// certificate followed by its intermediates, and `key` its private key
    /// without a passphrase.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let (certificate, key) = ("not PEM", "not PEM");
    /// let error = RedisStore::builder("rediss://localhost")
    ///     .client_certificate(certificate, key)
    ///     .build()
    ///     .unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// assert!(error.to_string().contains("`client_certificate`"));
    /// ```
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

    /// Authenticates to the servers and the Sentinels with the certificate in
    /// this file. Default: none.
    ///
    /// The files have the format of
    /// [`client_certificate`](Self::client_certificate). [`build`](Self::build)
    /// reads both, and blocks meanwhile. When the certificate has been renewed,
    /// build a new store, because this one does not read the files again.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let error = RedisStore::builder("rediss://localhost")
    ///     .client_certificate_files("/no/client.crt", "/no/client.key")
    ///     .build()
    ///     .unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Certificates);
    /// ```
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

    /// Logs in to the Sentinels as this user. An empty name means the default
    /// user. Default: no login.
    ///
    /// If the URL has the options `sentinel_user` and `sentinel_password`, they
    /// replace this setting. The user and password in front of the `@` of the
    /// URL are for the primary, not for the Sentinels.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// let sentinels = "redis-sentinel://one,two,three/primary";
    /// let builder = RedisStore::builder(sentinels);
    /// assert!(builder.sentinel_login("", "s3cr3t").build().is_ok());
    ///
    /// // A single server has no Sentinels to log in to.
    /// let builder = RedisStore::builder("redis://one");
    /// let error = builder.sentinel_login("", "s3cr3t").build().unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Url);
    /// ```
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

    /// Builds the store. It connects at its first operation; building needs no
    /// runtime.
    ///
    /// ```
    /// use tower_genesys::store::redis::RedisStore;
    ///
    /// let url = "rediss://user:s3cr3t@redis.example/0";
    /// let store = RedisStore::builder(url).build()?;
    /// assert!(!format!("{store:?}").contains("s3cr3t"));
    /// # Ok::<_, tower_genesys::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a setting is invalid: [`RedisStoreErrorKind::Url`](Kind::Url),
    /// [`Prefix`](Kind::Prefix), [`Certificates`](Kind::Certificates) or
    /// [`CryptoProvider`](Kind::CryptoProvider).
    pub fn build(self) -> Result<RedisStore, RedisStoreError> {
        check_prefix(&self.prefix)?;
        let topology = self.topology()?;
        Ok(RedisStore::new_on(topology, &self.prefix, self.setting))
    }

    /// Builds the store, and returns it if its [`check`](RedisStore::check)
    /// succeeds.
    ///
    /// Use it in programs that must not start without the store.
    ///
    /// ```
    /// use tower_genesys::store::redis::{RedisStore, RedisStoreErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// // No server listens on this port.
    /// let builder = RedisStore::builder("redis://127.0.0.1:1");
    /// let error = builder.connect().await.unwrap_err();
    /// assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build) and of [`RedisStore::check`], such as a
    /// wrong password, missing rights or no server.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the check.
    pub async fn connect(self) -> Result<RedisStore, RedisStoreError> {
        let store = self.build()?;
        store.check().await?;
        Ok(store)
    }

    /// Reads the URL and the certificates, without connecting.
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

/// Rejects braces, which would form a hash tag, and characters that an ACL rule
/// cannot contain.
fn check_prefix(prefix: &str) -> Result<(), RedisStoreError> {
    let is_fine = |char: char| char.is_ascii_alphanumeric() || "-_.:/".contains(char);
    if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || !prefix.chars().all(is_fine) {
        let message = format!(
            "the prefix of the keys is empty, longer than {LONGEST_PREFIX} bytes, or contains a \
             character other than letters, digits and - _ . : /; choose another prefix"
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
