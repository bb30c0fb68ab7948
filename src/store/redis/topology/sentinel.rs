//! Sentinels: they name the primary, and a majority of them decides.
//!
//! redis-rs would ask one after another and believe the first that answers,
//! which may be cut off from the others.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use redis::{Client, RedisResult, TlsCertificates, aio::MultiplexedConnection, cmd};
use tokio::time::timeout;

use super::{
    node::{NodeSettings, say_hello},
    url::{Login, SentinelForm},
};
use crate::store::redis::{connection::open, failure::Failure, finding};

/// The time for one Sentinel to connect and answer. The rest of the
/// connection's time is for the primary.
const PATIENCE: Duration = Duration::from_millis(500);

/// The Sentinels that know the address of the primary.
pub(in crate::store::redis) struct Sentinels {
    clients: Vec<Client>,
    /// The name under which they know the primary.
    name: String,
    /// The login, TLS and database of the primary; its address is theirs to
    /// say.
    server: NodeSettings,
}

/// Host and port.
type Address = (String, u16);

impl Sentinels {
    /// `login` is for the Sentinels themselves. Without it, they are asked
    /// without a login, even if the primary has one.
    pub(super) fn new(
        form: SentinelForm,
        login: Option<Login>,
        certificates: Option<TlsCertificates>,
    ) -> RedisResult<Self> {
        let clients = form.sentinels.into_iter().map(|info| {
            let mut settings = info.redis_settings().clone();
            if let Some((user, password)) = &login {
                settings = settings.set_password(password);
                if !user.is_empty() {
                    settings = settings.set_username(user);
                }
            }
            let info = info.set_redis_settings(settings);
            NodeSettings::new(info, certificates.clone()).client()
        });
        Ok(Self {
            clients: clients.collect::<RedisResult<_>>()?,
            name: form.name,
            server: NodeSettings::new(form.server, certificates.clone()),
        })
    }

    /// Finds the primary and connects to it. Fails if that server calls itself
    /// a replica.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, Failure> {
        let (host, port) = self.primary().await?;
        let client = self.server.at(&host, port).client();
        let client = client.map_err(Failure::NotConnected)?;
        let mut connection = open(&client).await?;
        // A failed primary comes back as a replica, perhaps before the
        // Sentinels notice.
        if say_hello(&mut connection).await.is_replica {
            return Err(Failure::Known(&finding::NOT_THE_PRIMARY_YET));
        }
        Ok(connection)
    }

    /// Returns the address that most Sentinels name. A Sentinel that was cut
    /// off from the others may still name the old primary, so one answer of
    /// several is not enough.
    async fn primary(&self) -> Result<Address, Failure> {
        let majority = self.clients.len() / 2 + 1;
        let mut answers: FuturesUnordered<_> = self.clients.iter().map(|it| self.ask(it)).collect();
        let mut votes: HashMap<Address, usize> = HashMap::new();
        let mut failure: Option<Failure> = None;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(address) => {
                    let count = votes.entry(address.clone()).or_default();
                    *count += 1;
                    if *count >= majority {
                        return Ok(address);
                    }
                }
                // A Sentinel's error says more than its silence, so it is the
                // one to report.
                Err(new) => match &failure {
                    Some(old) if !old.is_unreachable() => {}
                    _ => failure = Some(new),
                },
            }
        }
        // All have answered or failed, and no majority agrees. A failover is in
        // progress, or too many are down to form a majority: the most votes are
        // the best guess, and the primary's own role is checked next.
        let most = votes.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(address, _)| address)
            .ok_or_else(|| failure.unwrap_or(Failure::Known(&finding::NO_SENTINEL)))
    }

    /// Asks one Sentinel for the primary's address.
    async fn ask(&self, sentinel: &Client) -> Result<Address, Failure> {
        let asked = async {
            let mut connection = open(sentinel).await?;
            let mut command = cmd("SENTINEL");
            command.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
            let address: RedisResult<Option<Address>> = command.query_async(&mut connection).await;
            address.map_err(Failure::Sent)
        };
        match timeout(PATIENCE, asked).await {
            Ok(Ok(Some(address))) => Ok(address),
            Ok(Ok(None)) => Err(Failure::Known(&finding::NO_SUCH_NAME)),
            Ok(Err(failure)) => Err(failure.of_sentinel()),
            Err(_) => Err(Failure::Known(&finding::NO_SENTINEL)),
        }
    }
}
