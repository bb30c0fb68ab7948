//! Opening a connection to a server.

use std::time::Duration;

#[cfg(feature = "redis-cluster")]
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, RedisError, RedisResult, Value,
    aio::MultiplexedConnection, cmd,
};

use rustls::crypto::CryptoProvider;

use super::{failure::Failure, script::Call};
use crate::crypto;

/// The time for the TCP and TLS handshakes and the login. It is longer than an
/// operation, so the connection outlives the operation that began it, and the
/// next one uses it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The time for an answer, for callers without a shorter limit.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open connection, to one server or to all nodes of a cluster. Clones share
/// it.
#[derive(Clone)]
pub(super) enum Connection {
    One(MultiplexedConnection),
    #[cfg(feature = "redis-cluster")]
    Cluster(ClusterConnection),
}

impl Connection {
    /// Runs a script on the server that has its keys.
    pub(super) async fn run(&mut self, call: &Call<'_>) -> RedisResult<Value> {
        match self {
            Self::One(connection) => call.run(connection).await,
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(connection) => call.run(connection).await,
        }
    }
}

/// Connects to one server, and logs in.
pub(super) async fn open(client: &Client) -> Result<MultiplexedConnection, Failure> {
    let is_tls = matches!(
        client.get_connection_info().addr(),
        ConnectionAddr::TcpTls { .. }
    );
    // Here and not in `build`: a process that never connects by TLS keeps its
    // choice of a provider open.
    if is_tls {
        choose_crypto();
    }
    let mut connection = connect(client).await.map_err(Failure::NotConnected)?;
    // In TLS 1.3, the server checks the client's certificate after this side
    // finished the handshake. Its alert is lost unless a command is in flight.
    if is_tls {
        let asked = cmd("HELLO").exec_async(&mut connection).await;
        // Any other error is an answer: the connection works.
        if let Some(error) = asked.err().filter(RedisError::is_io_error) {
            return Err(Failure::NotConnected(error));
        }
    }
    Ok(connection)
}

/// Connects with the time limits of the store, instead of those of the redis
/// crate.
async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// Installs a crypto provider if the process has none. The redis crate would
/// panic if none is installed and other crates have compiled two in.
fn choose_crypto() {
    let provider = match crypto::installed() {
        Some(_) => None,
        None => crypto::compiled_in(),
    };
    if let Some(provider) = provider {
        // Fails only if another thread has just installed one.
        let _ = CryptoProvider::clone(&provider).install_default();
    }
}
