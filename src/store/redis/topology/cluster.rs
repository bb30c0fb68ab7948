//! A Redis Cluster: its nodes are asked for their hash slots before redis-rs
//! connects.
//!
//! redis-rs asks one node after another, so a dead one would delay the
//! operation, and it would not notice two clusters in one URL.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use redis::{
    Client, RedisResult, Value, cluster::ClusterClientBuilder, cluster_async::ClusterConnection,
    cluster_routing::Slot, cmd,
};
use tokio::time::timeout;

use super::{node::NodeSettings, view::View};
use crate::{
    lock::lock,
    store::redis::{
        RedisStoreErrorKind,
        connection::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT, open},
        failure::Failure,
        finding,
    },
};

/// The time for the nodes in the URL to answer. After it, the nodes of the last
/// view are asked instead.
const PATIENCE: Duration = Duration::from_millis(300);
/// The time after the first answer in which other nodes may contradict it.
const GRACE: Duration = Duration::from_millis(50);
/// How often the redis crate follows a key that moves.
const REDIRECTIONS: u32 = 5;
/// The shortest wait in between, in milliseconds: an operation has 150.
const LEAST_WAIT: u64 = 5;
/// The longest one, in milliseconds.
const LONGEST_WAIT: u64 = 40;

/// A cluster, with the nodes known so far.
pub(in crate::store::redis) struct Cluster {
    /// The nodes in the URL.
    seeds: Vec<Node>,
    /// The nodes of the last view. Those in the URL may all be gone by now.
    known: Mutex<Vec<(String, u16)>>,
}

/// A node to ask, not yet connected.
struct Node {
    settings: NodeSettings,
    client: Client,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<NodeSettings>) -> RedisResult<Self> {
        let seeds = seeds.into_iter().map(Node::new);
        Ok(Self {
            seeds: seeds.collect::<RedisResult<_>>()?,
            known: Mutex::default(),
        })
    }

    /// Connects to the cluster through the node that answered first, which is
    /// alive.
    pub(super) async fn connect(&self) -> Result<ClusterConnection, Failure> {
        let (view, settings) = self.look().await?;
        // Remembered before the connection, which may fail on a dead primary.
        *lock(&self.known) = view.addresses();
        let info = settings.info().clone();
        let mut builder = ClusterClientBuilder::new([info.clone()])
            .tcp_settings(info.tcp_settings().clone())
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .retries(REDIRECTIONS)
            .min_retry_wait(LEAST_WAIT)
            .max_retry_wait(LONGEST_WAIT);
        if let Some(certificates) = settings.certificates {
            builder = builder.certs(certificates);
        }
        let client = builder.build().map_err(Failure::NotConnected)?;
        let connection = client.get_async_connection().await;
        connection.map_err(Failure::NotConnected)
    }

    /// Returns the hash slots of each primary. Fails if one is not served, or
    /// if the nodes in the URL belong to different clusters.
    ///
    /// For a check, which asks all nodes and waits for each.
    pub(super) async fn hash_slots(&self) -> Result<Vec<HashSet<Slot>>, Failure> {
        let (mut views, mut failure) = (Vec::new(), None);
        for looked in join_all(self.seeds.iter().map(Node::look)).await {
            match looked {
                Ok((view, _)) => views.push(view),
                Err(error) => failure = Some(error),
            }
        }
        let Some(first) = views.first() else {
            return Err(failure.unwrap_or(Failure::Known(&finding::NO_NODE)));
        };
        if views.iter().any(|view| !view.is_of_the_same_cluster(first)) {
            return Err(Failure::Known(&finding::SEVERAL_CLUSTERS));
        }
        if !first.is_complete() {
            return Err(Failure::Known(&finding::SLOTS_MISSING));
        }
        let slots = |ranges: Vec<(u16, u16)>| -> HashSet<Slot> {
            let all = ranges.into_iter().flat_map(|(first, last)| first..=last);
            all.filter_map(Slot::new).collect()
        };
        Ok(first.ranges().into_iter().map(slots).collect())
    }

    /// Returns a node's view of the cluster, and the settings of that node.
    ///
    /// The nodes in the URL come first. If none of them answers in time, the
    /// nodes of the last view are asked: those in the URL may all be gone.
    async fn look(&self) -> Result<(View, NodeSettings), Failure> {
        let failure = match timeout(PATIENCE, look_at(&self.seeds)).await {
            Ok(Ok(found)) => return Ok(found),
            // An answer, such as a rejected login: another node would give the
            // same.
            Ok(Err(failure)) if !failure.is_unreachable() => return Err(failure),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Known(&finding::NO_NODE),
        };
        let known = lock(&self.known).clone();
        let Some(seed) = self.seeds.first().filter(|_| !known.is_empty()) else {
            return match failure {
                // Nothing else to ask, and a slow node may still answer.
                Failure::Known(_) => look_at(&self.seeds).await,
                failure => Err(failure),
            };
        };
        let known = known
            .iter()
            .map(|(host, port)| Node::new(seed.settings.at(host, *port)));
        let known: Vec<_> = known.filter_map(Result::ok).collect();
        look_at(&known).await
    }
}

impl Node {
    fn new(settings: NodeSettings) -> RedisResult<Self> {
        let client = settings.client()?;
        Ok(Self { settings, client })
    }

    /// Asks this node for its view of the cluster.
    async fn look(&self) -> Result<(View, NodeSettings), Failure> {
        let mut connection = open(&self.client).await?;
        let mut command = cmd("CLUSTER");
        command.arg("SLOTS");
        let slots: Value = command
            .query_async(&mut connection)
            .await
            .map_err(|error| refused(Failure::Sent(error)))?;
        // A node that was reset, or never joined, knows of no hash slots.
        let view = View::read(slots).ok_or(Failure::Nonsense)?;
        if view.is_empty() {
            return Err(Failure::Known(&finding::SLOTS_MISSING));
        }
        Ok((view, self.settings.clone()))
    }
}

/// Diagnoses a server's refusal to show its hash slots.
fn refused(failure: Failure) -> Failure {
    // A server without cluster support answers `ERR` to `CLUSTER`.
    match (failure.diagnose().setup, &failure) {
        (RedisStoreErrorKind::Permission, _) => Failure::Known(&finding::NO_CLUSTER_RIGHTS),
        (RedisStoreErrorKind::Server, Failure::Sent(error))
            if matches!(error.code(), Some("ERR") | None) =>
        {
            Failure::Known(&finding::NO_CLUSTER)
        }
        _ => failure,
    }
}

/// Returns the first answer, unless another cluster answers right after it.
async fn look_at(nodes: &[Node]) -> Result<(View, NodeSettings), Failure> {
    let mut looking: FuturesUnordered<_> = nodes.iter().map(Node::look).collect();
    let mut failure = Failure::Known(&finding::NO_NODE);
    let first = loop {
        match looking.next().await {
            Some(Ok(found)) => break found,
            Some(Err(error)) => failure = error,
            None => return Err(failure),
        }
    };
    let others = async {
        while let Some(looked) = looking.next().await {
            if looked.is_ok_and(|(view, _)| !view.is_of_the_same_cluster(&first.0)) {
                return true;
            }
        }
        false
    };
    // After the grace, a silent node counts as one that agrees.
    match timeout(GRACE, others).await {
        Ok(true) => Err(Failure::Known(&finding::SEVERAL_CLUSTERS)),
        _ => Ok(first),
    }
}
