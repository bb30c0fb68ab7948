//! The topologies that a URL can name (a server, Sentinels, a cluster), and how
//! the store connects to each.
//!
//! `url.rs` parses the URL, `certificates.rs` reads the settings of TLS, and
//! `node.rs` applies both to one server. The rest of the store sees a
//! [`Topology`], which connects and which a check can examine.

mod certificates;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod node;
mod sentinel;
mod url;
#[cfg(feature = "redis-cluster")]
mod view;

use redis::{Client, ConnectionAddr, TlsCertificates};

#[cfg(feature = "redis-cluster")]
use self::cluster::Cluster;
use self::{
    node::{Hello, Mode, NodeSettings, say_hello},
    sentinel::Sentinels,
    url::{Form, Login},
};
use super::{
    RedisStoreError, RedisStoreErrorKind as Kind,
    connection::{Connection, open},
    failure::Failure,
    finding,
};

pub(super) use self::certificates::{CertificateSettings, Pem};

/// The settings of a store that decide how it reaches its servers.
pub(super) struct TopologySettings<'a> {
    /// The name of the URL in error messages.
    pub(super) setting: &'a str,
    pub(super) url: &'a str,
    pub(super) certificates: &'a CertificateSettings,
    /// The login for Sentinels if the URL has none, and its name in error
    /// messages.
    pub(super) sentinel_login: Option<(&'a str, Login)>,
}

/// The servers that hold the store's keys.
pub(super) enum Topology {
    /// One server.
    Server(Client),
    /// The primary that Sentinels name at each connection.
    Sentinel(Sentinels),
    /// All primaries of a cluster.
    #[cfg(feature = "redis-cluster")]
    Cluster(Cluster),
}

/// A sample of keys: if the store can use these, it can use all.
pub(super) enum Part {
    /// Any single key.
    Any,
    /// Keys from several hash slots: the server is a node of a cluster, and may
    /// have only some of them.
    Spread,
    /// One key in a hash slot of this primary.
    #[cfg(feature = "redis-cluster")]
    HashSlots(std::collections::HashSet<redis::cluster_routing::Slot>),
}

impl Topology {
    /// Reads the settings, without connecting.
    pub(super) fn new(settings: &TopologySettings<'_>) -> Result<Self, RedisStoreError> {
        let name = settings.setting;
        let wrong = |what: &str| RedisStoreError::new(Kind::Url, format!("{name} {what}"));
        let unusable = |_| wrong("cannot be used; check its host, port and login");
        let form = url::parse(settings.url).map_err(|what| wrong(&what))?;
        let certificates = certificates(settings, &form)?;
        let node = |info| NodeSettings::new(info, certificates.clone());
        // A login that is never used is a mistake in the URL.
        if let (Some((setting, _)), Form::Server(_) | Form::Cluster(_)) =
            (&settings.sentinel_login, &form)
        {
            let message = format!("{setting} is set, but {name} names no Sentinels");
            return Err(RedisStoreError::new(Kind::Url, message));
        }
        match form {
            Form::Server(info) => Ok(Self::Server(node(info).client().map_err(unusable)?)),
            Form::Sentinel(form) => {
                let set = settings
                    .sentinel_login
                    .as_ref()
                    .map(|(_, login)| login.clone());
                // The URL's own login comes first, as documented.
                let login = form.login.clone().or(set);
                Sentinels::new(form, login, certificates)
                    .map(Self::Sentinel)
                    .map_err(unusable)
            }
            #[cfg(feature = "redis-cluster")]
            Form::Cluster(infos) => {
                let seeds = infos.into_iter().map(node).collect();
                Cluster::new(seeds).map(Self::Cluster).map_err(unusable)
            }
            #[cfg(not(feature = "redis-cluster"))]
            Form::Cluster(_) => Err(wrong(url::NO_CLUSTER)),
        }
    }

    /// Opens a connection. Behind Sentinels, the server has said that it is a
    /// primary; any other may turn out to be a replica at the first write.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        match self {
            Self::Server(client) => open(client).await.map(Connection::One),
            Self::Sentinel(sentinels) => sentinels.connect().await.map(Connection::One),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(cluster) => cluster.connect().await.map(Connection::Cluster),
        }
    }

    /// Checks that the servers are what the URL says. Returns the keys that
    /// remain to be tried.
    pub(super) async fn examine(&self, connection: &mut Connection) -> Result<Vec<Part>, Failure> {
        match (self, connection) {
            #[cfg(feature = "redis-cluster")]
            (Self::Cluster(cluster), _) => {
                let slots = cluster.hash_slots().await?;
                Ok(slots.into_iter().map(Part::HashSlots).collect())
            }
            // A Sentinel and a replica accept the login, and would refuse the
            // first script with a less helpful error.
            (_, Connection::One(connection)) => match say_hello(connection).await {
                Hello {
                    mode: Mode::Sentinel,
                    ..
                } => Err(Failure::Known(&finding::IS_SENTINEL)),
                Hello {
                    is_replica: true, ..
                } => Err(Failure::Known(&finding::IS_REPLICA)),
                Hello {
                    mode: Mode::Cluster,
                    ..
                } => Ok(vec![Part::Spread, Part::Any]),
                Hello {
                    mode: Mode::Alone, ..
                } => Ok(vec![Part::Any]),
            },
            // Never: `connect` opens a cluster's connection for a cluster only.
            #[cfg(feature = "redis-cluster")]
            _ => Err(Failure::Nonsense),
        }
    }
}

/// Reads the certificates. Fails if TLS is set up for a URL without TLS, or if
/// no crypto provider exists for it.
fn certificates(
    settings: &TopologySettings<'_>,
    form: &Form,
) -> Result<Option<TlsCertificates>, RedisStoreError> {
    // All servers of one URL are with TLS, or none.
    let info = match form {
        Form::Server(info) => Some(info),
        Form::Sentinel(form) => Some(&form.server),
        Form::Cluster(infos) => infos.first(),
    };
    let is_tls = info.is_some_and(|info| matches!(info.addr(), ConnectionAddr::TcpTls { .. }));
    if is_tls {
        // Found here, before rustls would panic in the first connection.
        certificates::provider()?;
    }
    match settings.certificates.setting() {
        Some(set) if !is_tls => Err(RedisStoreError::new(
            Kind::Certificates,
            format!(
                "{set} is set, but {} is without TLS; it must begin with rediss",
                settings.setting
            ),
        )),
        _ => settings.certificates.read(),
    }
}
