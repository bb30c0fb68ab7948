use std::{collections::BTreeMap, thread, time::Duration};

use super::{Certificates, Launch, RedisServer, is_in_step, wait_until};

const SLOTS: u16 = 16384;
const PRIMARIES: usize = 3;

/// A cluster of six: three primaries, three replicas.
pub struct RedisCluster {
    pub nodes: Vec<RedisServer>,
    is_tls: bool,
}

impl RedisCluster {
    pub fn start() -> Self {
        Self::start_by(Launch::new())
    }

    /// A cluster that requires client certificates, with TLS between the nodes.
    pub fn start_with_tls(by: &Certificates) -> Self {
        let how = Launch::new().tls(by, &["localhost", "127.0.0.1"], "yes");
        Self::start_by(how.options(&["--tls-cluster", "yes", "--tls-replication", "yes"]))
    }

    pub fn start_by(how: Launch) -> Self {
        let how = how.node().options(&[
            "--cluster-node-timeout",
            "1000",
            "--cluster-replica-validity-factor",
            "0",
            "--repl-diskless-sync-delay",
            "0",
        ]);
        let starting: Vec<_> = (0..2 * PRIMARIES)
            .map(|_| {
                let how = how.clone();
                thread::spawn(move || how.start())
            })
            .collect();
        let nodes: Vec<_> = starting
            .into_iter()
            .map(|it| it.join().expect("it starts"))
            .collect();
        let is_tls = nodes[0].has_tls();
        let cluster = Self { nodes, is_tls };
        cluster.join();
        cluster
    }

    fn join(&self) {
        for (at, node) in self.nodes[..PRIMARIES].iter().enumerate() {
            let bounds = [at, at + 1].map(|at| at * usize::from(SLOTS) / PRIMARIES);
            let mut command = vec!["CLUSTER".to_owned(), "ADDSLOTS".into()];
            command.extend((bounds[0]..bounds[1]).map(|slot| slot.to_string()));
            node.run::<()>(&command);
            let epoch = (at + 1).to_string();
            node.run::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
        for node in &self.nodes[1..] {
            let port = self.port_of(node).to_string();
            self.nodes[0].run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        let knows_all = |node: &RedisServer| info(node, "cluster_known_nodes") == "6";
        wait_until("all nodes know each other", || {
            self.nodes.iter().all(knows_all)
        });
        for at in 0..PRIMARIES {
            let id = self.id(at);
            let replica = &self.nodes[PRIMARIES + at];
            wait_until("a replica knows its primary", || {
                replica
                    .try_run::<()>(&["CLUSTER", "REPLICATE", &id])
                    .is_ok()
            });
        }
        self.wait_until_well();
    }

    /// Waits until all slots are served, and every running replica is connected
    /// to its primary.
    pub fn wait_until_well(&self) {
        let is_well = |node: &RedisServer| {
            info(node, "cluster_state") == "ok" && {
                let replication: String = node.run(&["INFO", "replication"]);
                replication.contains("role:master") || replication.contains("link_status:up")
            }
        };
        wait_until("the cluster is well", || self.running().all(is_well));
    }

    /// Waits until the running nodes have noticed that slots are lost.
    pub fn wait_until_down(&self) {
        let is_down = |node: &RedisServer| info(node, "cluster_state") == "fail";
        wait_until("the cluster is down", || self.running().all(is_down));
    }

    /// Waits until the replica of this node has all of its writes.
    pub fn wait_until_in_step(&self, at: usize) {
        let (primary, replica) = (&self.nodes[at], &self.nodes[Self::replica_of(at)]);
        wait_until("the replica is in step", || is_in_step(primary, replica));
    }

    /// The other node of a pair of primary and replica.
    pub fn replica_of(at: usize) -> usize {
        (at + PRIMARIES) % (2 * PRIMARIES)
    }

    fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_running())
    }

    pub fn id(&self, at: usize) -> String {
        self.nodes[at].run(&["CLUSTER", "MYID"])
    }

    fn port_of(&self, node: &RedisServer) -> u16 {
        if self.is_tls {
            node.tls_port()
        } else {
            node.port()
        }
    }

    /// A URL that names these nodes.
    pub fn url_of(&self, nodes: &[usize]) -> String {
        let nodes: Vec<_> = nodes
            .iter()
            .map(|&at| format!("127.0.0.1:{}", self.port_of(&self.nodes[at])))
            .collect();
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        format!("{scheme}-cluster://{}", nodes.join(","))
    }

    pub fn url(&self) -> String {
        self.url_of(&[0, 1, 2, 3, 4, 5])
    }

    pub fn slot_of(&self, key: &str) -> u16 {
        let node = self.running().next().expect("a node runs");
        node.run(&["CLUSTER", "KEYSLOT", key])
    }

    /// The node that serves the slot of this key, according to the others.
    pub fn primary_of(&self, key: &str) -> usize {
        self.find_primary_of(key).expect("a node serves the slot")
    }

    /// `None` while the slot changes hands: its old node has given it up, and
    /// the new one is not known yet.
    fn find_primary_of(&self, key: &str) -> Option<usize> {
        let slot = self.slot_of(key);
        let node = self.running().next().expect("a node runs");
        let nodes: String = node.run(&["CLUSTER", "NODES"]);
        let owner = nodes.lines().find(|line| {
            let words: Vec<_> = line.split(' ').collect();
            !words[2].contains("fail") && words[8..].iter().any(|range| holds(range, slot))
        });
        let id = owner?.split(' ').next()?;
        let at = (0..self.nodes.len())
            .find(|&at| self.nodes[at].is_running() && self.id(at) == id)
            .expect("it is one of these");
        Some(at)
    }

    /// A primary other than this one.
    pub fn other_primary(&self, than: usize) -> usize {
        (0..self.nodes.len())
            .filter(|&at| at != than && self.nodes[at].is_running())
            .find(|&at| {
                let role: String = self.nodes[at].run(&["INFO", "replication"]);
                role.contains("role:master")
            })
            .expect("there are three")
    }

    /// Has a replica take over in an orderly way, and waits until it serves
    /// this key.
    ///
    /// A primary that must give way right after it became one refuses, and
    /// blocks writes for five seconds. No field tells when it is ready, so this
    /// lets a second pass.
    pub fn promote(&self, replica: usize, key: &str) {
        self.nodes[replica].run::<()>(&["CLUSTER", "FAILOVER"]);
        wait_until("the replica has taken over", || {
            self.find_primary_of(key) == Some(replica)
        });
        self.wait_until_well();
        thread::sleep(Duration::from_secs(1));
    }

    /// Begins to move a slot. Its keys stay on the old node.
    pub fn open_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, source, target) = (slot.to_string(), self.id(from), self.id(to));
        self.nodes[to].run::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]);
        self.nodes[from].run::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]);
    }

    /// Moves the keys of a slot whose move has begun.
    pub fn move_keys(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        let keys: Vec<String> = self.nodes[from].run(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]);
        let port = self.nodes[to].port().to_string();
        if !keys.is_empty() {
            let mut command: Vec<String> = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"]
                .map(str::to_owned)
                .to_vec();
            command.extend(keys);
            self.nodes[from].run::<()>(&command);
        }
    }

    /// Ends a move: the other node owns the slot.
    pub fn close_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, target) = (slot.to_string(), self.id(to));
        for at in [to, from] {
            self.nodes[at].run::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]);
        }
    }

    /// How often each of these commands was called on the first three nodes,
    /// which start as the primaries.
    pub fn calls(&self, commands: &[&'static str]) -> BTreeMap<&'static str, u64> {
        let primaries = || self.nodes[..PRIMARIES].iter();
        let count = |command: &str| primaries().map(|node| node.calls(command)).sum();
        commands
            .iter()
            .map(|&command| (command, count(command)))
            .collect()
    }

    /// Runs a command on every node.
    pub fn on_all(&self, arguments: &[&str]) {
        for node in self.running() {
            node.run::<()>(arguments);
        }
    }

    /// Waits until a replica has taken over from a node that does not answer.
    pub fn wait_for_failover(&self, key: &str, from: usize) {
        wait_until("a replica takes over", || {
            let well = self
                .running()
                .filter(|node| node.port() != self.nodes[from].port());
            let mut others = well;
            others.all(|node| {
                info(node, "cluster_state") == "ok" && self.is_elsewhere(node, key, from)
            })
        });
    }

    /// Whether a node knows another owner of the key's slot than this one.
    fn is_elsewhere(&self, node: &RedisServer, key: &str, from: usize) -> bool {
        let slot: u16 = node.run(&["CLUSTER", "KEYSLOT", key]);
        let nodes: String = node.run(&["CLUSTER", "NODES"]);
        let port = format!(":{}@", self.port_of(&self.nodes[from]));
        nodes.lines().any(|line| {
            let words: Vec<_> = line.split(' ').collect();
            !line.contains(&port) && words[8..].iter().any(|range| holds(range, slot))
        })
    }
}

fn info(node: &RedisServer, field: &str) -> String {
    let info: String = node.try_run(&["CLUSTER", "INFO"]).unwrap_or_default();
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{field}:")));
    value.unwrap_or_default().to_owned()
}

/// Whether a range such as `5-10` or `7` contains this slot.
fn holds(range: &str, slot: u16) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&slot),
        _ => false,
    }
}
