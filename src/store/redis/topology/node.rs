//! One server: how to connect to it, and what it says of itself.

use std::{collections::HashMap, time::Duration};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult, TlsCertificates,
    Value,
    aio::MultiplexedConnection,
    cmd, from_redis_value,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

/// A store connection is idle for hours between renewals. Keepalive probes keep
/// NAT and firewalls from dropping it, and detect it if they do.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The time between two probes, if the first was not answered.
const PROBE: Duration = Duration::from_secs(5);
/// How long sent data may stay unacknowledged. Linux's default is a quarter of
/// an hour.
#[cfg(any(target_os = "android", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The login, TLS and TCP settings that all servers of one URL share.
#[derive(Clone)]
pub(super) struct NodeSettings {
    info: ConnectionInfo,
    /// `None` without settings of TLS: rustls' defaults apply.
    pub(super) certificates: Option<TlsCertificates>,
}

/// A server's description of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) mode: Mode,
    pub(super) is_replica: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// A single server, or one whose mode is unknown.
    #[default]
    Alone,
    Cluster,
    Sentinel,
}

impl NodeSettings {
    /// Adds the settings of TCP to those of the URL.
    pub(super) fn new(info: ConnectionInfo, certificates: Option<TlsCertificates>) -> Self {
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(PROBE);
        let settings = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(keepalive);
        #[cfg(any(target_os = "android", target_os = "linux"))]
        let settings = settings.set_user_timeout(USER_TIMEOUT);
        // `CLIENT SETINFO` would need one more permission of the user.
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

    /// Opens a client for the URL's own server.
    pub(super) fn client(&self) -> RedisResult<Client> {
        let info = self.info.clone();
        match &self.certificates {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        }
    }

    /// Returns the settings for another server, which differ in the address
    /// only.
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

/// Asks a server for its mode and role by `HELLO`, the only such command that
/// needs no permission.
///
/// A proxy that does not know the command counts as a single server.
pub(super) async fn say_hello(connection: &mut MultiplexedConnection) -> Hello {
    match cmd("HELLO").query_async::<Value>(connection).await {
        Ok(reply) => read_hello(reply),
        Err(_) => Hello::default(),
    }
}

/// Reads the reply to `HELLO`. A field that is missing or unknown counts as
/// that of a single primary: the first script finds out.
fn read_hello(reply: Value) -> Hello {
    let fields: HashMap<String, Value> = from_redis_value(reply).unwrap_or_default();
    let is = |name: &str, text: &str| matches!(fields.get(name), Some(Value::BulkString(value)) if value == text.as_bytes());
    Hello {
        mode: if is("mode", "cluster") {
            Mode::Cluster
        } else if is("mode", "sentinel") {
            Mode::Sentinel
        } else {
            Mode::Alone
        },
        is_replica: is("role", "replica") || is("role", "slave"),
    }
}
