use std::{fmt, fs, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretSlice};

use crate::config_error::{ConfigError, ConfigErrorKind as Kind};

/// A client certificate with its chain and its private key.
#[derive(Clone)]
pub(super) enum ClientAuth {
    /// The PEM of the certificates, and of the key.
    Pem(Arc<[u8]>, SecretSlice<u8>),
    /// The file of the certificates, and of the key. Read at the build.
    File(PathBuf, PathBuf),
}

impl ClientAuth {
    /// Keeps the PEM; the key is erased from memory on drop.
    pub(super) fn pem(certificates: Vec<u8>, key: Vec<u8>) -> Self {
        Self::Pem(certificates.into(), key.into())
    }

    /// Builds a config that presents the certificate to servers that ask for
    /// one.
    pub(super) fn apply(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, ConfigError> {
        let (chain, key) = match self {
            Self::Pem(certificates, key) => {
                let setting = "`ClientBuilder::client_auth_pem`";
                (chain(setting, certificates)?, parse(setting, key)?)
            }
            Self::File(certificates, key) => {
                let name =
                    |what: &str, path: &PathBuf| format!("the {what} file {}", path.display());
                let (of_chain, of_key) = (name("certificate", certificates), name("key", key));
                let certificates = read(&of_chain, certificates)?;
                let key = SecretSlice::from(read(&of_key, key)?);
                (chain(&of_chain, &certificates)?, parse(&of_key, &key)?)
            }
        };
        builder.with_client_auth_cert(chain, key).map_err(|error| {
            let message = "the client certificate and the key of `ClientBuilder::client_auth_…` do not \
                           belong together, or the crypto provider does not support the key; give the \
                           key that the certificate was issued for";
            ConfigError::new(Kind::ClientAuth, message).with_source(error)
        })
    }
}

/// Reads a file. `setting` names it in the error.
fn read(setting: &str, path: &PathBuf) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|error| {
        let message = format!(
            "{setting} of `ClientBuilder::client_auth_file` cannot be read; check its path and permissions"
        );
        ConfigError::new(Kind::ClientAuth, message).with_source(error)
    })
}

/// Parses a certificate and its chain.
fn chain(setting: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let unusable = || {
        let message = format!(
            "{setting} contains no certificate as PEM (`-----BEGIN CERTIFICATE-----`); convert a DER \
             file with `openssl x509 -inform der`, a PKCS#12 file with `openssl pkcs12 -nodes`"
        );
        ConfigError::new(Kind::ClientAuth, message)
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    // The parser's error is dropped, because it may quote the file.
    chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(unusable)
}

/// Parses a private key. Its parser's error is dropped, because it may quote
/// the file.
fn parse(setting: &str, pem: &SecretSlice<u8>) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_slice(pem.expose_secret()).map_err(|_| {
        let message = format!(
            "{setting} contains no private key as PEM (`-----BEGIN PRIVATE KEY-----`); decrypt an encrypted \
             key with `openssl pkey`, or use `ClientBuilder::tls_config`"
        );
        ConfigError::new(Kind::ClientAuth, message)
    })
}

/// Omits the content of the PEM.
impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem(..) => f.write_str("Pem"),
            Self::File(certificates, key) => (certificates, key).fmt(f),
        }
    }
}
