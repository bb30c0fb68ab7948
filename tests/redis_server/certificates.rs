use std::{fs, path::Path};

use rcgen::{CertifiedKey, generate_simple_self_signed};

/// A certificate for `localhost` that vouches for itself, and its key.
pub struct Certificates {
    certificate: String,
    key: String,
}

impl Certificates {
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        Self {
            certificate: cert.pem(),
            key: signing_key.serialize_pem(),
        }
    }

    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// The files of the certificate and of the key.
    pub(super) fn write(&self, directory: &Path) -> [String; 2] {
        let files = [("server.pem", &self.certificate), ("server.key", &self.key)];
        files.map(|(name, pem)| {
            let file = directory.join(name);
            fs::write(&file, pem).expect("a file in the temporary directory");
            super::path(&file)
        })
    }
}
