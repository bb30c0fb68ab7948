//! Damaged keys count as missing, and the next publication replaces them.

use tower_genesys::store::{Lookup, StoreErrorKind, TokenStore};

use crate::{
    redis_server::RedisServer,
    rules::names,
    setup::{ask, claim, entry, key, leased, publish, published, store, token},
};

/// Expects that a claim reports the damage, and that a publication repairs it.
async fn heals(server: &RedisServer, expected: Option<StoreErrorKind>) {
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    assert_eq!(lease.replaces, expected);
    published(&store, &lease, &entry(&lease, "healed")).await;
    assert_eq!(token(&store, &claim()).await.value, "healed");

    let mut newer = claim();
    newer.at_least = lease.fence.next();
    let next = leased(&store, &newer).await;
    assert_eq!(next.replaces, None, "no damage is left");
    assert!(next.fence > lease.fence);
}

#[tokio::test]
async fn keys_of_a_wrong_type_are_replaced() {
    let server = RedisServer::start();
    for name in names() {
        for damage in [
            vec!["RPUSH", &name, "1"],
            vec!["HSET", &name, "field", "1"],
            vec!["SADD", &name, "1"],
            vec!["ZADD", &name, "1", "1"],
            vec!["XADD", &name, "*", "field", "1"],
        ] {
            server.run::<()>(&["FLUSHALL"]);
            server.run::<redis::Value>(&damage);
            heals(&server, Some(StoreErrorKind::Corrupt)).await;
        }
    }
}

#[tokio::test]
async fn all_keys_of_a_wrong_type_at_once_are_replaced() {
    let server = RedisServer::start();
    for name in names() {
        server.run::<()>(&["RPUSH", &name, "1"]);
    }
    heals(&server, Some(StoreErrorKind::Corrupt)).await;
    for name in names() {
        let kind: String = server.run(&["TYPE", &name]);
        assert!(kind == "string" || kind == "none", "{name} {kind}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_replaced() {
    let server = RedisServer::start();
    let [name, ..] = names();
    let print = "0123456789abcdef0123456789abcdef";
    for garbage in [
        String::new(),
        "\0\0\0".into(),
        "s3cr3t".into(),
        "v1".into(),
        "v1 ".into(),
        format!("v1  {print} 1000\nvalue"),
        format!("v1 5 {print} 1000"),
        format!("v1 5 {print} \nvalue"),
        format!("v1 5 {print} -1\nvalue"),
        format!("v1 5 {print}0 1000\nvalue"),
        format!("v1 5 xyz{} 1000\nvalue", &print[3..]),
        format!("v1 -5 {print} 1000\nvalue"),
        format!("v1 05 {print} 1000\nvalue"),
        format!("v1 5.5 {print} 1000\nvalue"),
        format!("v1 18446744073709551616 {print} 1000\nvalue"),
        format!("v1 5 {print} 1000000000000000000\nvalue"),
        format!("1 5 {print} 1000\nvalue"),
        "{\"access_token\":\"x\"}".into(),
    ] {
        server.run::<()>(&["FLUSHALL"]);
        server.run::<()>(&["SET", &name, &garbage, "PX", "100000"]);
        heals(&server, Some(StoreErrorKind::Corrupt)).await;
    }
}

#[tokio::test]
async fn a_token_of_another_format_version_is_replaced() {
    let server = RedisServer::start();
    let [name, ..] = names();
    for version in ["v2 anything", "v0 anything", "v10 1 0 1\n"] {
        server.run::<()>(&["FLUSHALL"]);
        server.run::<()>(&["SET", &name, version, "PX", "100000"]);
        heals(&server, Some(StoreErrorKind::Incompatible)).await;
    }
}

#[tokio::test]
async fn a_token_without_an_expiry_is_replaced() {
    let server = RedisServer::start();
    publish(&store(server.url()), "token").await;
    server.run::<()>(&["PERSIST", &names()[0]]);
    heals(&server, Some(StoreErrorKind::Corrupt)).await;
}

#[tokio::test]
async fn leases_cooldowns_and_fences_that_cannot_be_read_are_replaced() {
    let server = RedisServer::start();
    let [_, lease, cooldown, fence] = names();
    let owner = "0123456789abcdef0123456789abcdef";
    let for_ever = format!("{owner} 5");
    for (name, garbage, life) in [
        (&lease, "garbage", Some("100000")),
        (&lease, "", Some("100000")),
        (&lease, owner, Some("100000")),
        (&lease, &for_ever, None),
        (&cooldown, "1", None),
        (&fence, "garbage", Some("100000")),
        (&fence, "-5", Some("100000")),
        (&fence, "99999999999999999999", Some("100000")),
        (&fence, "5", None),
    ] {
        server.run::<()>(&["FLUSHALL"]);
        server.run::<()>(&["SET", name, garbage]);
        if let Some(life) = life {
            server.run::<()>(&["PEXPIRE", name, life]);
        }
        heals(&server, Some(StoreErrorKind::Corrupt)).await;
    }
}

#[tokio::test]
async fn damage_between_a_lease_and_its_end_does_no_harm() {
    let server = RedisServer::start();
    let store = store(server.url());
    for name in names() {
        server.run::<()>(&["FLUSHALL"]);
        let lease = leased(&store, &claim()).await;
        server.run::<()>(&["DEL", &name]);
        server.run::<()>(&["RPUSH", &name, "1"]);
        published(&store, &lease, &entry(&lease, "token")).await;
        token(&store, &claim()).await;

        server.run::<()>(&["FLUSHALL"]);
        let lease = leased(&store, &claim()).await;
        server.run::<()>(&["DEL", &name]);
        server.run::<()>(&["RPUSH", &name, "1"]);
        let minute = Some(std::time::Duration::from_secs(60));
        store.abandon(&key(), &lease, minute).await.unwrap();
        match ask(&store, &claim()).await {
            Lookup::Cooldown(_) => {}
            // The lease itself was damaged. So there is nothing to end, and no
            // right to delay other processes.
            Lookup::Leased(lease) => assert!(name.ends_with("lease"), "{name} {lease:?}"),
            other => panic!("{name} {other:?}"),
        }
    }
}
