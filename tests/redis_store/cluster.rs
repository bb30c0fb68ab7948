//! A cluster of three primaries and three replicas, whose keys move and whose
//! nodes die.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};
use tower_genesys::store::{
    Lookup, StoreErrorKind, StoreKey, TokenStore,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    faults::until_error,
    redis_server::{RedisCluster, RedisServer},
    rules::names,
    setup::{
        PATIENCE, beside_an_idle_runtime, claim, documented_rules, entry, eventually, leased,
        publish, published, shown, store, token, try_ask,
    },
};

/// All commands that a client of a cluster sends, except those in scripts.
const SENT: [&str; 6] = [
    "evalsha",
    "eval",
    "asking",
    "cluster|slots",
    "readonly",
    "hello",
];

#[tokio::test]
async fn each_operation_is_one_command_on_the_node_of_its_key() {
    let cluster = RedisCluster::start();
    let store = RedisStore::builder(cluster.url_of(&[0]))
        .connect()
        .await
        .unwrap();
    cluster.on_all(&["CONFIG", "RESETSTAT"]);
    for client in 0..20 {
        let key = StoreKey::new("login", &client.to_string(), "client_credentials");
        let Lookup::Leased(lease) = store.get_or_lease(&key, &claim()).await.unwrap() else {
            panic!("a lease");
        };
        store
            .publish(&key, &lease, &entry(&lease, "token"))
            .await
            .unwrap();
        store.abandon(&key, &lease, None).await.unwrap();
    }
    let mut expected: BTreeMap<_, _> = SENT.into_iter().map(|command| (command, 0)).collect();
    expected.insert("evalsha", 60);
    assert_eq!(cluster.calls(&SENT), expected);
    for node in &cluster.nodes[..3] {
        assert!(node.calls("evalsha") >= 3, "each node has some of the keys");
        assert!(!node.keys().is_empty());
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url());
    let fence = publish(&store, "token").await;
    let [name, ..] = names();
    let (slot, from) = (cluster.slot_of(&name), cluster.primary_of(&name));
    let to = cluster.other_primary(from);

    cluster.open_move(slot, from, to);
    // The old node still has the keys that exist, and sends the client to the
    // new one for the others.
    let halfway = timeout(PATIENCE, try_ask(&store, &claim())).await;
    println!("while its slot is on the move: {halfway:?}");
    cluster.move_keys(slot, from, to);
    cluster.close_move(slot, from, to);
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Token(entry) if entry.fence == fence));
    assert!(took < Duration::from_secs(1), "{took:?}");
    // From now on, the client asks the new node directly.
    cluster.on_all(&["CONFIG", "RESETSTAT"]);
    token(&store, &claim()).await;
    assert_eq!(
        (
            cluster.nodes[from].calls("evalsha"),
            cluster.nodes[to].calls("evalsha")
        ),
        (0, 1)
    );
}

#[tokio::test]
async fn a_slot_that_moves_between_two_operations_fails_none() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url());
    publish(&store, "token").await;
    let [name, ..] = names();
    let slot = cluster.slot_of(&name);
    for _ in 0..4 {
        let from = cluster.primary_of(&name);
        let to = cluster.other_primary(from);
        cluster.open_move(slot, from, to);
        cluster.move_keys(slot, from, to);
        cluster.close_move(slot, from, to);
        token(&store, &claim()).await;
    }
}

#[tokio::test]
async fn a_primary_that_dies_is_replaced_by_its_replica() {
    let mut cluster = RedisCluster::start();
    let [name, ..] = names();
    let from = cluster.primary_of(&name);
    // The only node in the URL is the one that dies.
    let store = store(cluster.url_of(&[from]));
    let fence = publish(&store, "token").await;
    cluster.wait_until_in_step(from);
    cluster.nodes[from].kill();
    let error = until_error(&store, StoreErrorKind::Unavailable).await;
    assert!(error.to_string().contains("Redis"), "{error}");
    cluster.wait_for_failover(&name, from);
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Token(entry) if entry.fence == fence));
    assert!(took < Duration::from_secs(2), "{took:?}");
    store
        .check()
        .await
        .expect_err("the only node in the URL is gone, so a new client finds none");

    cluster.nodes[from].restart();
    cluster.wait_until_well();
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_former_primary_is_left_at_the_first_write_that_it_refuses() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url());
    let [name, ..] = names();
    for _ in 0..2 {
        let mut newer = claim();
        newer.at_least = publish_newer(&store).await;
        let from = cluster.primary_of(&name);
        let to = RedisCluster::replica_of(from);
        cluster.promote(to, &name);
        cluster.on_all(&["CONFIG", "RESETSTAT"]);
        // The same operation reaches the new primary.
        let lease = leased(&store, &newer).await;
        published(&store, &lease, &entry(&lease, "token")).await;
        assert!(cluster.nodes[to].calls("evalsha") >= 2);
    }
}

/// Publishes a newer token, and returns the next fence.
async fn publish_newer(store: &RedisStore) -> tower_genesys::store::Fence {
    let mut newer = claim();
    if let Lookup::Token(found) = try_ask(store, &newer).await.unwrap() {
        newer.at_least = found.fence.next();
    }
    let lease = leased(store, &newer).await;
    published(store, &lease, &entry(&lease, "token")).await;
    lease.fence.next()
}

#[tokio::test]
async fn a_silent_primary_holds_up_no_caller() {
    let cluster = RedisCluster::start();
    let [name, ..] = names();
    let from = cluster.primary_of(&name);
    let store = Arc::new(store(cluster.url()));
    publish(&store, "token").await;
    cluster.wait_until_in_step(from);
    cluster.nodes[from].freeze();
    for _ in 0..3 {
        let begun = Instant::now();
        let asked = timeout(PATIENCE, try_ask(&store, &claim())).await;
        assert!(!matches!(asked, Ok(Ok(_))), "{asked:?}");
        assert!(begun.elapsed() < 2 * PATIENCE);
    }
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Token(_)), "{lookup:?}");
    println!("on its replica after {took:?}");
    cluster.nodes[from].thaw();
}

#[tokio::test]
async fn a_cluster_that_is_down_is_an_error_at_once_and_is_used_when_it_is_up() {
    let mut cluster = RedisCluster::start();
    let store = store(cluster.url());
    publish(&store, "token").await;
    for node in &mut cluster.nodes {
        node.kill();
    }
    until_error(&store, StoreErrorKind::Unavailable).await;
    let begun = Instant::now();
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable, "{error}");
    for node in &mut cluster.nodes {
        node.restart();
    }
    cluster.wait_until_well();
    // The data are lost, since no node saves any.
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Leased(_)), "{lookup:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_check_of_half_a_cluster_is_an_error_each_time() {
    let mut cluster = RedisCluster::start();
    // A primary and its replica, and another primary's replica.
    for at in [0, 3, 4] {
        cluster.nodes[at].kill();
    }
    let url = cluster.url();
    cluster.wait_until_down();
    for _ in 0..4 {
        let error = store(&url).check().await.unwrap_err();
        assert!(
            matches!(
                error.kind(),
                RedisStoreErrorKind::Server | RedisStoreErrorKind::Unreachable
            ),
            "{error}"
        );
        assert!(error.to_string().contains("luster"), "{error}");
    }
}

#[tokio::test]
async fn a_check_tells_the_url_of_a_node_from_that_of_a_cluster_each_time() {
    let (cluster, other) = (RedisCluster::start(), RedisCluster::start());
    let server = RedisServer::start();
    let none = format!("redis-cluster://127.0.0.1:{}", server.port());
    let two = format!("{},127.0.0.1:{}", cluster.url(), other.nodes[0].port());
    for (url, says) in [
        (cluster.nodes[0].url(), "write redis-cluster://"),
        (cluster.nodes[3].url(), "is a replica"),
        (none, "not a node of a Redis Cluster"),
        (two.clone(), "different Redis Clusters"),
    ] {
        for _ in 0..4 {
            let error = store(&url).check().await.unwrap_err();
            assert!(error.to_string().contains(says), "{url}: {error}");
            let kind = error.kind();
            let is_replica = says == "is a replica";
            assert_eq!(kind == RedisStoreErrorKind::Server, is_replica, "{kind:?}");
            assert_eq!(kind == RedisStoreErrorKind::Url, !is_replica, "{kind:?}");
        }
    }
    // Without a check, an operation finds it out.
    let error = until_error(&store(&two), StoreErrorKind::Denied).await;
    assert!(
        error.to_string().contains("name the nodes of one"),
        "{error}"
    );
    for _ in 0..4 {
        store(cluster.url()).check().await.unwrap();
    }
}

#[tokio::test]
async fn the_documented_rights_are_sufficient_and_necessary() {
    const PASSWORD: &str = "s3cr3t";
    let cluster = RedisCluster::start();
    let rules: Vec<_> = documented_rules()
        .find(|rule| rule.contains("+cluster|slots"))
        .expect("the documentation has the rule")
        .split(' ')
        .map(|word| word.replace(">password", &format!(">{PASSWORD}")))
        .collect();
    let set_user = |without: Option<&str>| {
        let mut command = vec!["ACL", "SETUSER", "genesys", "reset"];
        command.extend(rules.iter().map(String::as_str));
        let refused = without.map(|command| format!("-{command}"));
        command.extend(refused.as_deref());
        cluster.on_all(&command);
    };
    let url = || {
        cluster
            .url()
            .replace("://", &format!("://genesys:{PASSWORD}@"))
    };
    set_user(None);
    let known = store(url());
    known.check().await.unwrap();
    let lease = leased(&known, &claim()).await;
    published(&known, &lease, &entry(&lease, "token")).await;
    token(&known, &claim()).await;

    for command in ["cluster|slots", "evalsha", "set", "time"] {
        set_user(Some(command));
        let error = store(url()).check().await.unwrap_err();
        assert_eq!(
            error.kind(),
            RedisStoreErrorKind::Permission,
            "{command}: {error}"
        );
        if command != "evalsha" {
            let named = command.to_uppercase().replace('|', " ");
            assert!(error.to_string().contains(&named), "{command}: {error}");
        }
        assert!(!shown(&error).contains(PASSWORD));
    }
}

#[tokio::test]
async fn a_refused_login_works_once_the_nodes_know_it() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url().replace("://", "://genesys:s3cr3t@"));
    let error = until_error(&store, StoreErrorKind::Denied).await;
    assert!(error.to_string().contains("login"), "{error}");
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Credentials);
    cluster.on_all(&["ACL", "SETUSER", "genesys", "on", ">s3cr3t", "~*", "+@all"]);
    eventually(&store, &claim()).await;
}

#[test]
fn an_idle_runtime_holds_up_no_other() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url());
    let again = async { eventually(&store, &claim()).await.0 };
    let asked = beside_an_idle_runtime(&store, again);
    assert!(matches!(asked, Lookup::Busy(_)), "{asked:?}");
}

#[tokio::test]
async fn nodes_that_close_idle_connections_cost_an_operation_nothing() {
    let cluster = RedisCluster::start();
    let store = store(cluster.url());
    publish(&store, "token").await;
    for _ in 0..3 {
        cluster.on_all(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        token(&store, &claim()).await;
    }
}
