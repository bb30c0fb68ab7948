//! The settings of TLS: CAs to trust, and the client's certificate.
//!
//! They are read and checked when the store is built. redis-rs checks them too,
//! but its errors do not name the setting.

use std::{borrow::Cow, fs, path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use redis::{ClientTlsConfig, TlsCertificates};
use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::{
    crypto,
    store::redis::{RedisStoreError, RedisStoreErrorKind as Kind},
};

/// The beginning of PEM text, which no path has.
const PEM: &str = "-----BEGIN";
/// The setting for the CAs of the system, as error messages name it.
const SYSTEM: &str = "`system_ca_certificates`";

/// The certificate settings, not yet read.
#[derive(Clone, Default)]
pub(in crate::store::redis) struct CertificateSettings {
    /// The CAs to trust instead of Mozilla's.
    pub(in crate::store::redis) authorities: Option<Pem>,
    /// Whether to trust the system's CAs, too.
    pub(in crate::store::redis) system: bool,
    /// The client's certificate and its intermediates.
    pub(in crate::store::redis) certificate: Option<Pem>,
    /// The private key of that certificate.
    pub(in crate::store::redis) key: Option<Pem>,
}

/// PEM text, or the path of a file that contains it.
#[derive(Clone)]
pub(in crate::store::redis) struct Pem {
    /// The setting's name in error messages.
    setting: Cow<'static, str>,
    from: Place,
}

/// Where the PEM text is.
#[derive(Clone)]
enum Place {
    Text(Vec<u8>),
    File(PathBuf),
}

impl Pem {
    pub(in crate::store::redis) fn text(setting: &'static str, pem: Vec<u8>) -> Self {
        Self {
            setting: setting.into(),
            from: Place::Text(pem),
        }
    }

    pub(in crate::store::redis) fn file(setting: &'static str, path: PathBuf) -> Self {
        Self {
            setting: setting.into(),
            from: Place::File(path),
        }
    }

    /// Takes the value of an environment variable: PEM text, or the path of a
    /// PEM file.
    pub(in crate::store::redis) fn variable(name: String, value: String) -> Self {
        let from = if value.trim_start().starts_with(PEM) {
            Place::Text(value.into_bytes())
        } else {
            Place::File(value.into())
        };
        Self {
            setting: name.into(),
            from,
        }
    }

    fn read(&self) -> Result<Vec<u8>, RedisStoreError> {
        match &self.from {
            Place::Text(pem) => Ok(pem.clone()),
            Place::File(path) => fs::read(path).map_err(|error| {
                self.wrong("names a file that cannot be read; check its path and rights")
                    .with_source(error)
            }),
        }
    }

    /// Returns the error of this setting. `what` continues its name.
    fn wrong(&self, what: &str) -> RedisStoreError {
        RedisStoreError::new(Kind::Certificates, format!("{} {what}", self.setting))
    }
}

impl CertificateSettings {
    /// Reads the settings. Returns `None` without any setting.
    pub(super) fn read(&self) -> Result<Option<TlsCertificates>, RedisStoreError> {
        let mut root_cert = self.authorities.as_ref().map(authorities).transpose()?;
        if self.system {
            let system = system_authorities()?;
            root_cert.get_or_insert_default().extend(system);
        }
        // Each of the two is useless without the other.
        let client_tls = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(client(certificate, key)?),
            (Some(certificate), None) => {
                return Err(
                    certificate.wrong("has no key beside it; set the client's private key too")
                );
            }
            (None, Some(key)) => {
                return Err(
                    key.wrong("has no certificate beside it; set the client's certificate too")
                );
            }
        };
        if root_cert.is_none() && client_tls.is_none() {
            return Ok(None);
        }
        Ok(Some(TlsCertificates {
            client_tls,
            root_cert,
        }))
    }

    /// Returns the first setting in use, for an error about all of them.
    pub(super) fn setting(&self) -> Option<&str> {
        let all = [&self.authorities, &self.certificate, &self.key];
        let named = all.into_iter().flatten().next().map(|pem| &*pem.setting);
        named.or(self.system.then_some(SYSTEM))
    }
}

/// Returns the PEM of these CAs, if each can be used.
fn authorities(setting: &Pem) -> Result<Vec<u8>, RedisStoreError> {
    let pem = setting.read()?;
    let mut roots = RootCertStore::empty();
    for certificate in chain(setting, &pem)? {
        let added = roots.add(certificate);
        added.map_err(|_| {
            setting.wrong("holds a certificate that cannot be read; give it as PEM")
        })?;
    }
    Ok(pem)
}

/// Returns the system's CAs as PEM, the form that redis-rs takes.
fn system_authorities() -> Result<Vec<u8>, RedisStoreError> {
    let found = rustls_native_certs::load_native_certs();
    let mut usable = RootCertStore::empty();
    let mut pem = String::new();
    for certificate in found.certs {
        // Skips the few CAs that webpki cannot read: it would not trust their
        // signatures anyway.
        if usable.add(certificate.clone()).is_ok() {
            pem += "-----BEGIN CERTIFICATE-----\n";
            pem += &STANDARD.encode(&certificate);
            pem += "\n-----END CERTIFICATE-----\n";
        }
    }
    if !pem.is_empty() {
        return Ok(pem.into_bytes());
    }
    let message = format!(
        "{SYSTEM} found no CA that the system trusts; install its CA certificates (`ca-certificates`), or name a file \
         of them in `SSL_CERT_FILE`"
    );
    let error = RedisStoreError::new(Kind::Certificates, message);
    Err(match found.errors.into_iter().next() {
        Some(source) => error.with_source(source),
        None => error,
    })
}

/// Reads the certificates in this PEM, at least one.
fn chain(setting: &Pem, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RedisStoreError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(setting.wrong("holds no certificate; give one or more as PEM")),
        // Omits the parser's error, which may quote the text.
        Err(_) => Err(setting.wrong("holds a certificate that cannot be read; give it as PEM")),
    }
}

/// Returns the client's certificate, if the key belongs to it.
fn client(certificate: &Pem, key: &Pem) -> Result<ClientTlsConfig, RedisStoreError> {
    let (client_cert, client_key) = (certificate.read()?, key.read()?);
    let chain = chain(certificate, &client_cert)?;
    let private = PrivateKeyDer::from_pem_slice(&client_key)
        .map_err(|_| key.wrong("holds no private key; give it as PEM, without a passphrase"))?;
    let provider = provider()?;
    // Checked here, so that the error names both settings.
    match CertifiedKey::from_der(chain, private, &provider) {
        Ok(_) => Ok(ClientTlsConfig {
            client_cert,
            client_key,
        }),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message = format!(
                "is not the key of the certificate in {}",
                certificate.setting
            );
            Err(key.wrong(&format!("{message}; give the two that belong together")))
        }
        Err(error) => Err(key
            .wrong("and its certificate cannot be used for TLS; check both")
            .with_source(error)),
    }
}

/// Returns the provider that the connection will use. redis-rs takes that of
/// the process.
pub(super) fn provider() -> Result<Arc<CryptoProvider>, RedisStoreError> {
    let provider = crypto::installed().or_else(crypto::compiled_in);
    provider.ok_or_else(|| RedisStoreError::new(Kind::CryptoProvider, crypto::NO_PROVIDER))
}
