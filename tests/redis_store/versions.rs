//! Servers that teams run other than a distribution's newest Redis.

use tower_genesys::store::{
    Lookup, Owner, StoreKey, TokenStore,
    book::{Reservation, SlotBook, Terms},
    redis::RedisStore,
};

use crate::{
    redis_server::{Launch, Proxy, RedisCluster, RedisSentinels, RedisServer, SentinelOptions},
    setup::{
        claim, documented_rules, entry, eventually, key, leased, publish, published, store, token,
        try_ask,
    },
};

const PROGRAMS: [&str; 2] = ["redis-server-6", "valkey-server"];

fn launch(program: &str) -> Launch {
    Launch::new().program(program)
}

async fn works(url: String) {
    let store = RedisStore::builder(url).connect().await.unwrap();
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "token")).await;
    assert_eq!(token(&store, &claim()).await.value, "token");
    let mut newer = claim();
    newer.at_least = lease.fence.next();
    let lease = leased(&store, &newer).await;
    store.abandon(&key(), &lease, None).await.unwrap();
}

#[tokio::test]
async fn other_servers_work() {
    for program in PROGRAMS {
        let server = launch(program).start();
        for url in [server.url(), format!("{}?protocol=resp3", server.url())] {
            works(url).await;
            server.run::<()>(&["FLUSHALL"]);
        }
        let info: String = server.run(&["INFO", "server"]);
        let expected = if program == "valkey-server" {
            "valkey_version:9."
        } else {
            "redis_version:6."
        };
        assert!(info.contains(expected), "{info}");
    }
}

#[tokio::test]
async fn the_documented_rights_are_sufficient_on_other_servers() {
    let is_for_limits = |rule: &&str| rule.starts_with("+hmget");
    let token = documented_rules().next().expect("it is documented");
    let limit = documented_rules().find(is_for_limits);
    let limit = limit.expect("it is documented");
    for program in PROGRAMS {
        let server: RedisServer = launch(program).start();
        let allow = |rule: &str| {
            let command = ["ACL", "SETUSER", "genesys"].into_iter();
            let command: Vec<_> = command.chain(rule.split(' ')).collect();
            server.run::<()>(&command);
        };
        let url = server.url_of("genesys", "password");
        allow(token);
        works(url.clone()).await;
        allow(limit);
        store(url).check_limit().await.unwrap();
        let log: Vec<redis::Value> = server.run(&["ACL", "LOG"]);
        assert!(log.is_empty(), "the server has refused nothing: {log:?}");
    }
}

#[tokio::test]
async fn sentinels_of_other_servers_fail_over() {
    for program in PROGRAMS {
        let mut fleet = RedisSentinels::start_with(&SentinelOptions {
            how: Some(launch(program)),
            ..SentinelOptions::default()
        });
        works(fleet.url()).await;
        fleet.servers[0].run::<()>(&["FLUSHALL"]);
        let store = store(fleet.url());
        let fence = publish(&store, "another").await;
        fleet.wait_for_replica(1);
        fleet.servers[0].kill();
        fleet.wait_for_primary(1);
        let (lookup, _) = eventually(&store, &claim()).await;
        assert!(
            matches!(lookup, Lookup::Token(entry) if entry.fence == fence),
            "{program}"
        );
        let error = RedisStore::builder(fleet.sentinels[0].url())
            .connect()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("redis-sentinel://"), "{error}");
    }
}

#[tokio::test]
async fn a_cluster_of_other_servers_fails_over() {
    for program in PROGRAMS {
        let mut cluster = RedisCluster::start_by(launch(program));
        works(cluster.url()).await;
        let [name, ..] = crate::rules::names();
        let from = cluster.primary_of(&name);
        let store = store(cluster.url());
        let mut newer = claim();
        newer.at_least = token(&store, &claim()).await.fence.next();
        let lease = leased(&store, &newer).await;
        published(&store, &lease, &entry(&lease, "another")).await;
        cluster.wait_until_in_step(from);
        cluster.nodes[from].kill();
        cluster.wait_for_failover(&name, from);
        let (lookup, _) = eventually(&store, &claim()).await;
        assert!(
            matches!(lookup, Lookup::Token(entry) if entry.fence == lease.fence),
            "{program}"
        );
        let error = RedisStore::builder(cluster.nodes[(from + 1) % 3].url());
        let error = error.connect().await.unwrap_err();
        assert!(error.to_string().contains("redis-cluster://"), "{error}");
    }
}

#[tokio::test]
async fn a_connection_to_a_server_that_was_demoted_is_replaced() {
    for program in ["redis-server", "redis-server-6", "valkey-server"] {
        let server = launch(program).start();
        let proxy = Proxy::start(server.port()).await;
        let store = store(proxy.url());
        let mut newer = claim();
        newer.at_least = publish(&store, "token").await.next();
        server.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
        let error = try_ask(&store, &newer).await.unwrap_err();
        assert!(error.to_string().contains("is a replica"), "{error}");
        // By now, the address may lead to the primary.
        assert!(proxy.connections() > 1, "{program}");
        let key = StoreKey::from_bytes([1; 32]);
        let ask = Reservation::new(Owner::from_bytes([1; 16]), Some(Terms::new(300, 75)), 1);
        let before = proxy.connections();
        let error = SlotBook::reserve(&store, &key, &ask).await.unwrap_err();
        assert!(error.to_string().contains("is a replica"), "{error}");
        assert!(proxy.connections() > before, "{program}");
        server.run::<()>(&["REPLICAOF", "NO", "ONE"]);
        leased(&store, &newer).await;
    }
}
