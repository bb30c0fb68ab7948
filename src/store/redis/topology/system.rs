//! The CAs that the system trusts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::RootCertStore;

use crate::store::redis::{RedisStoreError, RedisStoreErrorKind as Kind};

pub(super) const SETTING: &str = "`system_ca_certificates`";

/// Returns the system's CAs as PEM, the form that redis-rs takes.
pub(super) fn authorities() -> Result<Vec<u8>, RedisStoreError> {
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
        "{SETTING} found no CA that the system trusts; install its CA certificates (`ca-certificates`), or name a file \
         of them in `SSL_CERT_FILE`"
    );
    let error = RedisStoreError::new(Kind::Certificates, message);
    Err(match found.errors.into_iter().next() {
        Some(source) => error.with_source(source),
        None => error,
    })
}
