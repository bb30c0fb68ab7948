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

/// For a TCP and a TLS handshake and a login. Longer than anybody waits for an operation: it goes
/// on behind the operation that began it, and the next one finds it done.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For an answer, where nobody who is less patient waits for it.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that stands, to one server or to all of a cluster. Clones share it.
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
    if is_tls {
        choose_crypto();
    }
    let mut connection = connect(client).await.map_err(Failure::NotConnected)?;
    // By TLS 1.3, the server judges the client's certificate when the handshake is over here. What it
    // says then is lost unless a command is under way.
    if is_tls {
        let asked = cmd("HELLO").exec_async(&mut connection).await;
        if let Some(error) = asked.err().filter(RedisError::is_io_error) {
            return Err(Failure::NotConnected(error));
        }
    }
    Ok(connection)
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// The redis crate takes the process's crypto provider. If none is installed, and other crates have
/// compiled two in, it would panic.
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
