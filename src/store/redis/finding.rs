//! What a failure means, and the meanings that do not come from a server's
//! words: those of topologies and of TLS.

use std::borrow::Cow;

use redis::RedisError;
use rustls::{AlertDescription as Alert, CertificateError, Error as TlsError};

use super::RedisStoreErrorKind as Setup;
use crate::{
    error::find,
    store::StoreErrorKind::{self, Denied, Unavailable},
};

/// A failure as a [`StoreErrorKind`] for a running process, as a
/// [`RedisStoreErrorKind`](Setup) for a check, and as a message.
///
/// The message repeats none of the server's words: some servers and proxies
/// quote the command that they refuse, and with it the password.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    /// For the observer of a running process.
    pub(super) kind: StoreErrorKind,
    /// For the error of a check.
    pub(super) setup: Setup,
    /// The cause and the next step.
    pub(super) message: Cow<'static, str>,
}

impl Diagnosis {
    pub(super) const fn fixed(kind: StoreErrorKind, setup: Setup, message: &'static str) -> Self {
        Self {
            kind,
            setup,
            message: Cow::Borrowed(message),
        }
    }

    pub(super) fn new(
        kind: StoreErrorKind,
        setup: Setup,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            setup,
            message: message.into(),
        }
    }
}

pub(super) static IS_SENTINEL: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "this is a Redis Sentinel, not a server; write redis-sentinel://host:port/name, with the \
     name of the primary",
);
pub(super) static IS_REPLICA: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Server,
    "this Redis server is a replica and does not share its writes with the primary; give the URL of \
     the primary, or redis-sentinel:// for one that changes",
);
pub(super) static IS_NODE: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Url,
    "this server is one node of a Redis Cluster, and has only some of the keys; write \
     redis-cluster:// instead of redis://",
);

pub(super) static NO_SENTINEL: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "no Sentinel was reached; check that they run, their addresses, and that the port is that of \
     Sentinel, 26379 by default",
);
pub(super) static NO_SENTINEL_THERE: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "the server at this address is not a Sentinel; give the addresses of Sentinels, or write redis:// \
     for a server",
);
pub(super) static NO_SUCH_NAME: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "no Sentinel knows a primary of the name in the URL; give the name in `sentinel monitor`",
);
pub(super) static SENTINEL_LOGIN: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Credentials,
    "the Sentinels reject the login, or require one; check `sentinel_user` and `sentinel_password`: \
     the Sentinels have their own login",
);
pub(super) static SENTINEL_RIGHTS: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Permission,
    "the user of the Sentinels may not run SENTINEL GET-MASTER-ADDR-BY-NAME; give it that right",
);
pub(super) static NOT_THE_PRIMARY_YET: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Server,
    "the server that the Sentinels name is a replica: a failover is in progress; it will end soon",
);

pub(super) static NO_NODE: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "no node of the Redis Cluster was reached that has the key; check the nodes, and the addresses \
     that they announce",
);
#[cfg(feature = "redis-cluster")]
pub(super) static NO_CLUSTER: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "the server at this address is not a node of a Redis Cluster; write redis:// for a single server",
);
#[cfg(feature = "redis-cluster")]
pub(super) static NO_CLUSTER_RIGHTS: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Permission,
    "this user of Redis may not run CLUSTER SLOTS; give it the rights in the documentation of \
     RedisStore for a cluster",
);
#[cfg(feature = "redis-cluster")]
pub(super) static SLOTS_MISSING: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Server,
    "the Redis Cluster has slots that no node serves; check its nodes (`redis-cli --cluster check`)",
);
#[cfg(feature = "redis-cluster")]
pub(super) static SEVERAL_CLUSTERS: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "the nodes in the URL belong to different Redis Clusters; name the nodes of one",
);

static UNTRUSTED: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "no trusted CA signed the certificate of Redis; set its CA with `ca_file`, `system_ca_certificates` or the \
     variable that ends in _TLS_CA",
);
static WRONG_NAME: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "the certificate of Redis is for another host; connect by a name in the certificate, or make the \
     servers announce such names",
);
static EXPIRED: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "the certificate of Redis has expired or is not valid yet; renew it, or set the clock",
);
static NO_CERTIFICATE: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Certificates,
    "Redis requires a client certificate (`tls-auth-clients`); set it with `client_certificate_files`, \
     or the variables that end in _TLS_CERT and _TLS_KEY",
);
static BAD_CERTIFICATE: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Certificates,
    "Redis rejects the client certificate; check that a CA of the server's `tls-ca-cert-file` signed \
     it, and that it has not expired",
);
static NO_TLS: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Url,
    "the server at this address does not speak TLS; write redis instead of rediss, or give the TLS port",
);

/// Diagnoses an error of TLS. Returns `None` for other errors.
pub(super) fn about_tls(error: &RedisError) -> Option<&'static Diagnosis> {
    match find::<TlsError>(error)? {
        // This side does not trust the server: a matter of addresses, clocks
        // and CAs, so it counts as unreachable.
        TlsError::InvalidCertificate(error) => Some(match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                &WRONG_NAME
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => &EXPIRED,
            _ => &UNTRUSTED,
        }),
        // The server does not trust this side. Before TLS 1.3, a missing
        // certificate is a general failure of the handshake.
        TlsError::AlertReceived(Alert::CertificateRequired | Alert::HandshakeFailure) => {
            Some(&NO_CERTIFICATE)
        }
        TlsError::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => Some(&BAD_CERTIFICATE),
        // The first bytes are not TLS: a port that speaks plain Redis.
        TlsError::InvalidMessage(_) => Some(&NO_TLS),
        _ => None,
    }
}
