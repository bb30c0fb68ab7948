use std::time::Duration;

use redis::{
    Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

/// A connection is used once in hours, when a token is renewed. Probes keep what is on the way from
/// forgetting it, and find out meanwhile if it has.
const KEEPALIVE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(5);
/// How long what was sent may stay unacknowledged. Linux's default is a quarter of an hour.
#[cfg(any(target_os = "android", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The login, the TLS and the TCP settings that all servers of one URL have in common.
#[derive(Clone)]
pub(super) struct NodeSettings {
    info: ConnectionInfo,
    pub(super) certificates: Option<TlsCertificates>,
}

impl NodeSettings {
    pub(super) fn new(info: ConnectionInfo, certificates: Option<TlsCertificates>) -> Self {
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
        Self {
            info: info.set_tcp_settings(settings).set_redis_settings(login),
            certificates,
        }
    }

    #[cfg(feature = "redis-cluster")]
    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The server of the URL itself.
    pub(super) fn client(&self) -> RedisResult<Client> {
        let info = self.info.clone();
        match &self.certificates {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        }
    }

    /// Another server, with everything but the address as in the URL.
    pub(super) fn at(&self, host: &str, port: u16) -> Self {
        let addr = match self.info.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
                host: host.to_owned(),
                port,
                insecure: *insecure,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host.to_owned(), port),
        };
        Self {
            info: self.info.clone().set_addr(addr),
            certificates: self.certificates.clone(),
        }
    }
}
