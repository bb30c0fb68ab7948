use std::{fmt, fs, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};

#[cfg(feature = "platform-verifier")]
use rustls_platform_verifier::Verifier;

use super::client_auth::ClientAuth;
use crate::config_error::{ConfigError, ConfigErrorKind as Kind};
use crate::crypto;

const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// The TLS settings of a [`ClientBuilder`](super::ClientBuilder).
#[derive(Clone, Default)]
pub(super) struct TlsSettings {
    /// A whole configuration, which excludes the parts below.
    pub(super) config: Option<Arc<ClientConfig>>,
    /// The crypto provider that the program gave.
    pub(super) provider: Option<Arc<CryptoProvider>>,
    /// The CAs to trust beside Mozilla's or the system's.
    pub(super) authorities: Vec<Authorities>,
    /// The client certificate.
    pub(super) client: Option<ClientAuth>,
    /// Whether to offer HTTP/1.1 only.
    pub(super) http1_only: bool,
    /// Whether the system's verifier decides.
    #[cfg(feature = "platform-verifier")]
    pub(super) platform: bool,
}

/// CA certificates.
#[derive(Clone)]
pub(super) enum Authorities {
    /// The PEM itself.
    Pem(Vec<u8>),
    /// A PEM file, which is read at the build.
    File(PathBuf),
}

/// The configurations for TLS with hosts and with proxies.
pub(super) struct Tls {
    pub(super) hosts: Arc<ClientConfig>,
    /// Offers no ALPN protocol, because the tunnel is requested by HTTP/1.1.
    pub(super) proxies: Arc<ClientConfig>,
}

impl TlsSettings {
    /// Reads the files, and returns the configurations.
    ///
    /// A whole config excludes single parts, because the client could not tell
    /// which of them should win.
    pub(super) fn read(&self) -> Result<Tls, ConfigError> {
        let config = match &self.config {
            None => self.config()?,
            Some(_) if self.has_parts() => {
                let message = "`ClientBuilder::tls_config` excludes `ca_file`, `ca_pem`, \
                               `client_auth_file`, `client_auth_pem`, `crypto_provider` and \
                               `platform_verifier`: put the CAs, the client certificate, the provider \
                               and the verifier into the config";
                return Err(ConfigError::new(Kind::Tls, message));
            }
            Some(config) => ClientConfig::clone(config),
        };
        let mut hosts = config.clone();
        // A given config may name protocols on purpose, so only an empty list
        // is filled.
        if self.http1_only {
            hosts.alpn_protocols = vec![HTTP_1.to_vec()];
        } else if hosts.alpn_protocols.is_empty() {
            hosts.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        }
        let mut proxies = config;
        proxies.alpn_protocols.clear();
        Ok(Tls {
            hosts: Arc::new(hosts),
            proxies: Arc::new(proxies),
        })
    }

    /// Returns whether a setting is given that a ready-made config excludes.
    fn has_parts(&self) -> bool {
        #[cfg(feature = "platform-verifier")]
        if self.platform {
            return true;
        }
        self.provider.is_some() || self.client.is_some() || !self.authorities.is_empty()
    }

    /// Builds a configuration from the parts.
    fn config(&self) -> Result<ClientConfig, ConfigError> {
        // The features precede the installed provider: any crate of the process
        // may have installed another one.
        let provider = self.provider.clone();
        let provider = provider
            .or_else(crypto::compiled_in)
            .or_else(crypto::installed)
            .ok_or_else(no_provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                let message = "the crypto provider (`ClientBuilder::crypto_provider`, or the one \
                               installed for the process) has no cipher suites for TLS 1.2 or 1.3; \
                               use another provider";
                ConfigError::new(Kind::Tls, message).with_source(error)
            })?;
        let builder = self.trust(builder)?;
        match &self.client {
            Some(client) => client.apply(builder),
            None => Ok(builder.with_no_client_auth()),
        }
    }

    /// Sets the trusted CAs: the system's or Mozilla's, and the given ones.
    fn trust(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, ConfigError> {
        let mut given = Vec::new();
        for authorities in &self.authorities {
            given.extend(authorities.read()?);
        }
        #[cfg(feature = "platform-verifier")]
        if self.platform {
            let provider = Arc::clone(builder.crypto_provider());
            let verifier = Verifier::new_with_extra_roots(given, provider);
            let verifier = verifier.map_err(|error| {
                let message = "`ClientBuilder::platform_verifier` found no CA that the system \
                               trusts; install its CA certificates (`ca-certificates`), or name a \
                               file of them in `SSL_CERT_FILE`";
                ConfigError::new(Kind::Tls, message).with_source(error)
            })?;
            let builder = builder.dangerous();
            return Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)));
        }
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        // Each one was parsed before, so none is skipped.
        roots.add_parsable_certificates(given);
        Ok(builder.with_root_certificates(roots))
    }
}

impl Authorities {
    /// Reads and parses the certificates.
    fn read(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let (setting, read);
        let pem = match self {
            Self::Pem(pem) => {
                setting = "`ClientBuilder::ca_pem`".to_owned();
                pem
            }
            Self::File(path) => {
                setting = format!("the CA file {}", path.display());
                read = fs::read(path).map_err(|error| {
                    let message = format!(
                        "{setting} of `ClientBuilder::ca_file` cannot be read; check its path and permissions"
                    );
                    ConfigError::new(Kind::CaFile, message).with_source(error)
                })?;
                &read
            }
        };
        let mut found = Vec::new();
        // rustls skips unusable roots in silence, so each certificate is tried
        // here first.
        let mut usable = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| unusable(&setting))?;
            let added = usable.add(certificate.clone());
            added.map_err(|_| unusable(&setting))?;
            found.push(certificate);
        }
        match found.is_empty() {
            true => Err(unusable(&setting)),
            false => Ok(found),
        }
    }
}

/// The error of a client without any crypto provider.
fn no_provider() -> ConfigError {
    let message = format!(
        "{}, or give it to `ClientBuilder::crypto_provider`",
        crypto::NO_PROVIDER
    );
    ConfigError::new(Kind::CryptoProvider, message)
}

/// The error of a PEM without usable CA certificates. Drops the parser's error,
/// because it may quote the file.
fn unusable(setting: &str) -> ConfigError {
    let message = format!(
        "{setting} must contain only CA certificates as PEM (`-----BEGIN CERTIFICATE-----`); convert a \
         DER file with `openssl x509 -inform der`"
    );
    ConfigError::new(Kind::Ca, message)
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("authorities", &self.authorities)
            .field("client", &self.client)
            .field("config", &self.config.is_some())
            .field("provider", &self.provider.is_some())
            .field("http1_only", &self.http1_only)
            .finish()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem(_) => f.write_str("Pem"),
            Self::File(path) => path.fmt(f),
        }
    }
}
