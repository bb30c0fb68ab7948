//! The keys in the server, and how long they live.

use std::time::Duration;

use tower_genesys::store::{StoreKey, TokenStore, redis::RedisStore};

use crate::{
    redis_server::RedisServer,
    rules::names,
    setup::{LIFE, claim, entry, key, leased, published, store},
};

const TWO_DAYS: i64 = 2 * 24 * 60 * 60 * 1000;

fn lives(server: &RedisServer, name: &str) -> i64 {
    server.run(&["PTTL", name])
}

#[tokio::test]
async fn each_key_expires_and_there_are_no_others() {
    let server = RedisServer::start();
    let store = store(server.url());
    let [token, lease, cooldown, fence] = names();

    let ours = leased(&store, &claim()).await;
    assert_eq!(server.keys(), [&*fence, &lease]);
    assert!((9_000..=10_000).contains(&lives(&server, &lease)));
    assert!((TWO_DAYS - 5000..=TWO_DAYS).contains(&lives(&server, &fence)));

    published(&store, &ours, &entry(&ours, "token")).await;
    assert_eq!(server.keys(), [&*fence, &token]);
    let life = LIFE.as_millis() as i64;
    assert!((life - 5000..=life).contains(&lives(&server, &token)));
    // The fence outlives the token, and any frozen owner of an older lease.
    assert!((TWO_DAYS + life - 5000..=TWO_DAYS + life).contains(&lives(&server, &fence)));

    let mut newer = claim();
    newer.at_least = ours.fence.next();
    let ours = leased(&store, &newer).await;
    // A later lease does not shorten its life.
    assert!(lives(&server, &fence) > TWO_DAYS + life - 5000);
    let minute = Some(Duration::from_secs(60));
    store.abandon(&key(), &ours, minute).await.unwrap();
    assert_eq!(server.keys(), [&*cooldown, &fence, &token]);
    assert!((55_000..=60_000).contains(&lives(&server, &cooldown)));
}

#[tokio::test]
async fn all_keys_of_a_token_are_in_one_slot_of_a_cluster() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    let slots: Vec<i64> = names()
        .iter()
        .map(|name| server.run(&["CLUSTER", "KEYSLOT", name]))
        .collect();
    let of_tag: i64 = server.run(&["CLUSTER", "KEYSLOT", &key().to_string()]);
    assert_eq!(slots, [of_tag; 4]);
    let other = StoreKey::new("login.mypurecloud.de", "client", "client_credentials");
    let elsewhere: i64 = server.run(&["CLUSTER", "KEYSLOT", &other.to_string()]);
    assert_ne!(of_tag, elsewhere);
}

#[tokio::test]
async fn works_on_a_single_node_that_has_all_slots() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    server.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let store = store(server.url());
    let ours = crate::setup::eventually(&store, &claim()).await.0;
    assert!(format!("{ours:?}").starts_with("Leased"), "{ours:?}");
    store.check().await.unwrap();
}

#[tokio::test]
async fn prefixes_and_databases_keep_fleets_apart() {
    let server = RedisServer::start();
    let stores = [
        store(server.url()),
        store(format!("{}/5", server.url())),
        RedisStore::builder(server.url())
            .prefix("staging:eu")
            .build()
            .unwrap(),
    ];
    for store in &stores {
        leased(store, &claim()).await;
    }
    let staging = format!("staging:eu:1:{{{}}}:lease", key());
    assert_eq!(server.run::<i64>(&["EXISTS", &*staging]), 1);
    assert_eq!(server.keys().len(), 4);
}

#[tokio::test]
async fn a_check_leaves_nothing_behind() {
    let server = RedisServer::start();
    let store = store(server.url());
    for _ in 0..3 {
        store.check().await.unwrap();
    }
    for name in server.keys() {
        let left = lives(&server, &name);
        // -2 if it has expired in between. -1 would mean that it never expires.
        assert!(left != -1 && left <= 10_000, "{name} {left}");
    }
}
