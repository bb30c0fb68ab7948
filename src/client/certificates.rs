use std::{path::PathBuf, sync::Arc};

use rustls::{ClientConfig, crypto::CryptoProvider};

use super::{ClientBuilder, client_auth::ClientAuth, tls::Authorities};

/// Certificates, and the other settings of TLS.
impl ClientBuilder {
    /// Trusts the CAs in this PEM too. Default: only Mozilla's.
    ///
    /// ```
    /// use tower_genesys::{client::ClientBuilder, genesys::ConfigErrorKind};
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let builder = ClientBuilder::new().ca_pem("not a certificate");
    /// let error = builder.build::<Body>().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::Ca);
    /// ```
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.authorities.push(Authorities::Pem(pem.into()));
        self
    }

    /// Trusts the CAs in this PEM file too. Default: only Mozilla's.
    ///
    /// [`build`](Self::build) reads the file once.
    ///
    /// ```
    /// use tower_genesys::{client::ClientBuilder, genesys::ConfigErrorKind};
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let builder = ClientBuilder::new().ca_file("/nowhere/gateway.pem");
    /// let error = builder.build::<Body>().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::CaFile);
    /// ```
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.authorities.push(Authorities::File(path.into()));
        self
    }

    /// Presents this client certificate to servers that ask for one (mutual
    /// TLS). Takes the certificate with its chain, and its private key, both as
    /// PEM. Default: no certificate.
    ///
    /// The key must be unencrypted PKCS#8, PKCS#1 or SEC1.
    /// [`build`](Self::build) refuses a key that does not belong to the
    /// certificate. A later call of this or of
    /// [`client_auth_file`](Self::client_auth_file) replaces the certificate.
    ///
    /// ```
    /// use tower_genesys::{client::ClientBuilder, genesys::ConfigErrorKind};
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let builder = ClientBuilder::new().client_auth_pem("no certificate", "no key");
    /// let error = builder.build::<Body>().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::ClientAuth);
    /// ```
    pub fn client_auth_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.tls.client = Some(ClientAuth::pem(certificates.into(), key.into()));
        self
    }

    /// Presents the client certificate in these PEM files, like
    /// [`client_auth_pem`](Self::client_auth_pem). Both may be the same file.
    ///
    /// [`build`](Self::build) reads the files once.
    pub fn client_auth_file(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.tls.client = Some(ClientAuth::File(certificates.into(), key.into()));
        self
    }

    /// Trusts the CAs of the system instead of Mozilla's.
    ///
    /// On macOS, iOS and Windows, the system's own verifier decides. On other
    /// systems, the client trusts the CAs of the trust store, such as those of
    /// `ca-certificates`; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others there.
    ///
    /// Use it if a company installs its CAs on each machine. The client also
    /// trusts the CAs of [`ca_pem`](Self::ca_pem) and
    /// [`ca_file`](Self::ca_file). [`build`](Self::build) reads the trust
    /// store.
    #[cfg(feature = "platform-verifier")]
    #[cfg_attr(docsrs, doc(cfg(feature = "platform-verifier")))]
    pub fn platform_verifier(mut self) -> Self {
        self.tls.platform = true;
        self
    }

    /// Uses this crypto provider. Default: the one that the
    /// [features](super#crypto-provider) compile in, which is *ring* by
    /// default.
    ///
    /// If the features compile one in, the client ignores the provider
    /// installed for the process. So other crates may install any.
    ///
    /// ```
    /// use rustls::crypto::ring;
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let mut provider = ring::default_provider();
    /// provider.cipher_suites.truncate(1);
    /// let builder = ClientBuilder::new().crypto_provider(provider);
    /// assert!(builder.build::<Body>().is_ok());
    /// ```
    pub fn crypto_provider(mut self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.tls.provider = Some(provider.into());
        self
    }

    /// Uses this configuration for TLS with hosts and proxies. Use it for a
    /// custom verifier, for CAs instead of Mozilla's, or for a client
    /// certificate whose key is in an HSM.
    ///
    /// [`build`](Self::build) refuses it together with
    /// [`ca_pem`](Self::ca_pem), [`ca_file`](Self::ca_file),
    /// [`client_auth_pem`](Self::client_auth_pem),
    /// [`client_auth_file`](Self::client_auth_file),
    /// [`crypto_provider`](Self::crypto_provider) or `platform_verifier`. If
    /// the configuration names no ALPN protocols, the client offers HTTP/2 and
    /// HTTP/1.1.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use rustls::{ClientConfig, RootCertStore, crypto::ring};
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let provider = Arc::new(ring::default_provider());
    /// let config = ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(RootCertStore::empty()) // or your CAs
    ///     .with_no_client_auth();
    /// let builder = ClientBuilder::new().tls_config(config);
    /// assert!(builder.build::<Body>().is_ok());
    /// // The configuration has its CAs already.
    /// assert!(builder.ca_file("ca.pem").build::<Body>().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls_config(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls.config = Some(config.into());
        self
    }

    /// Offers HTTP/1.1 only. Use it if a gateway on the way handles HTTP/2
    /// badly. Default: both.
    pub fn http1_only(mut self) -> Self {
        self.tls.http1_only = true;
        self
    }
}
