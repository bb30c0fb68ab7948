use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    TlsCertificates,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::time::Duration;

use super::{RedisStoreError, RedisStoreErrorKind as Kind};

const SCHEMES: [&str; 7] = [
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "unix",
    "redis+unix",
    "valkey+unix",
];
/// A connection is used once in hours, when a token is renewed. Probes keep what is on the way from
/// forgetting it, and find out meanwhile if it has.
const KEEPALIVE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(5);
/// How long what was sent may stay unacknowledged. Linux's default is a quarter of an hour.
#[cfg(any(target_os = "android", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The client for this URL. It does not connect yet. `setting` is what errors call the URL.
pub(super) fn client(
    setting: &str,
    url: &str,
    certificates: Option<&[u8]>,
) -> Result<Client, RedisStoreError> {
    let wrong = |what: &str| RedisStoreError::new(Kind::Url, format!("{setting} {what}"));
    let info = connection_info(url).map_err(wrong)?;
    match certificates {
        None => Client::open(info).map_err(|_| wrong("cannot be used; write it anew")),
        Some(pem) => {
            if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
                return Err(RedisStoreError::new(
                    Kind::Certificates,
                    format!(
                        "CA certificates are given, but {setting} is without TLS; let it begin with rediss://"
                    ),
                ));
            }
            with_certificates(info, pem)
        }
    }
}

fn with_certificates(info: ConnectionInfo, pem: &[u8]) -> Result<Client, RedisStoreError> {
    let wrong = |what: &str| {
        let message = format!("the CA certificates {what}; give one or more of them as PEM");
        RedisStoreError::new(Kind::Certificates, message)
    };
    if CertificateDer::pem_slice_iter(pem).next().is_none() {
        return Err(wrong("hold none"));
    }
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(pem.to_vec()),
    };
    Client::build_with_tls(info, certificates).map_err(|_| wrong("cannot be read"))
}

/// What the URL says, or what is wrong with it.
fn connection_info(url: &str) -> Result<ConnectionInfo, &'static str> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    if !scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())) {
        return Err(
            "has no scheme that is known; begin with redis://, rediss:// for TLS, or unix://",
        );
    }
    let parsed = redis::parse_redis_url(url).ok_or(
        "is no URL; write redis://user:password@host:port/database, and % in front of two \
         hexadecimal digits for what is special in a password",
    )?;
    let is_unix = parsed.scheme().ends_with("unix");
    match parsed.fragment() {
        None => {}
        Some("insecure") => {
            return Err(
                "asks for TLS that checks no certificate; give the CA's certificate instead",
            );
        }
        Some(_) => return Err("holds a #; write it as %23 where it is a part of the password"),
    }
    for (name, value) in parsed.query_pairs() {
        match (&*name, &*value) {
            ("protocol", "2" | "3" | "resp2" | "resp3") => {}
            ("protocol", _) => {
                return Err("has a protocol that is not known; write resp2 or resp3");
            }
            ("db" | "user" | "pass", _) if is_unix => {}
            _ => {
                return Err(
                    "has an option that is not known; only `protocol` is, and `db`, `user` and `pass` for a socket",
                );
            }
        }
    }
    let host_is_missing = !is_unix && parsed.host_str().is_none_or(str::is_empty);
    if host_is_missing {
        return Err(
            "names no host; write redis://host, and %40, %2F and %23 for @, / and # in a password",
        );
    }
    let info = parsed.into_connection_info().map_err(|_| {
        "has a host, a user, a password or a database that cannot be used; the database is a number"
    })?;
    let login = info.redis_settings();
    if login.db() < 0 {
        return Err("has a database below 0; count from 0");
    }
    if login.username().is_some() && login.password().is_none() {
        return Err("has a user without a password; write user:password@host");
    }
    Ok(with_settings(info))
}

fn with_settings(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(PROBE);
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(keepalive);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let settings = settings.set_user_timeout(USER_TIMEOUT);
    // One permission less that a user needs.
    let login: RedisConnectionInfo = info.redis_settings().clone().set_skip_set_lib_name();
    info.set_tcp_settings(settings).set_redis_settings(login)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
