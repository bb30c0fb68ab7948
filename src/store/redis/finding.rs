//! What a server or a setting turns out to be, in words.

use redis::RedisError;
use rustls::{AlertDescription as Alert, CertificateError, Error as TlsError};

use super::{RedisStoreErrorKind as Setup, diagnosis::Diagnosis};
use crate::{
    error::find,
    store::StoreErrorKind::{Denied, Unavailable},
};

pub(super) static IS_SENTINEL: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "a Redis Sentinel is there, and not a server; write redis-sentinel://host:port/name, with the \
     name of the primary",
);
pub(super) static IS_REPLICA: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Server,
    "this Redis server is a replica, whose writes are not those of its primary; give the URL of the \
     primary, or redis-sentinel:// for one that changes",
);
pub(super) static IS_NODE: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Url,
    "this server is one node of a Redis Cluster, and has some of the keys only; write \
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
    "what listens there is no Sentinel; give the addresses of Sentinels, or write redis:// for a \
     server",
);
pub(super) static NO_SUCH_NAME: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Url,
    "no Sentinel knows a primary of the name in the URL; give the name in `sentinel monitor`",
);
pub(super) static SENTINEL_LOGIN: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Credentials,
    "the Sentinels refuse the login, or want one; check `sentinel_user` and `sentinel_password`: \
     their login is another one than that of the server",
);
pub(super) static SENTINEL_RIGHTS: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Permission,
    "the user of the Sentinels may not run SENTINEL GET-MASTER-ADDR-BY-NAME; give it that right",
);
pub(super) static NOT_THE_PRIMARY_YET: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Server,
    "the server that the Sentinels name is a replica: a failover is under way; it will be over soon",
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
    "what is there is no node of a Redis Cluster; write redis:// for a server by itself",
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
    "the nodes in the URL are not of one Redis Cluster; name those of a single one",
);

static UNTRUSTED: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "the certificate of Redis is signed by no CA that is trusted; give its CA by `ca_file`, `system_ca_certificates` or the \
     variable that ends in _TLS_CA",
);
static WRONG_NAME: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Unreachable,
    "the certificate of Redis is for another host; connect by a name that is in it, or have the \
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
    "Redis wants a client certificate (`tls-auth-clients`); give it by `client_certificate_files`, \
     or the variables that end in _TLS_CERT and _TLS_KEY",
);
static BAD_CERTIFICATE: Diagnosis = Diagnosis::fixed(
    Denied,
    Setup::Certificates,
    "Redis refuses the client certificate; check that it is signed by a CA of the server's \
     `tls-ca-cert-file`, and has not expired",
);
static NO_TLS: Diagnosis = Diagnosis::fixed(
    Unavailable,
    Setup::Url,
    "what listens there does not speak TLS; write redis instead of rediss, or give the TLS port",
);

/// What an error of TLS comes to, if it is one.
pub(super) fn about_tls(error: &RedisError) -> Option<&'static Diagnosis> {
    match find::<TlsError>(error)? {
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
        TlsError::InvalidMessage(_) => Some(&NO_TLS),
        _ => None,
    }
}
