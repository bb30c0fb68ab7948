use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// A CA that only those trust who are given its certificate, and the
/// certificates that it signs.
pub struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    authority: String,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Certificates {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // With the name of a certificate that it signs, OpenSSL would take that
        // one for self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "a CA for tests");
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            authority,
        }
    }

    /// The certificate of the CA.
    pub fn pem(&self) -> &str {
        &self.authority
    }

    /// A certificate for a server of these names. It also serves as a client
    /// certificate, since servers connect to each other.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.signed(names, 4096)
    }

    pub fn client(&self) -> Identity {
        self.signed(&["client"], 4096)
    }

    /// A certificate for a client, which expired long ago.
    pub fn expired_client(&self) -> Identity {
        self.signed(&["client"], 2000)
    }

    fn signed(&self, names: &[&str], until: i32) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("it is signed");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
