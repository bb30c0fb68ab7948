//! A primary that Sentinels name, and failovers to another one.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tower_genesys::store::{
    Lookup, StoreErrorKind, TokenStore,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    faults::until_error,
    redis_server::{Launch, RedisSentinels, RedisServer, SentinelOptions},
    setup::{
        PATIENCE, ask, beside_an_idle_runtime, claim, entry, eventually, key, leased, publish,
        published, shown, store, token, try_ask,
    },
};

#[tokio::test]
async fn the_primary_is_found_and_each_operation_is_one_script() {
    let fleet = RedisSentinels::start();
    let store = RedisStore::builder(fleet.url()).connect().await.unwrap();
    let primary = &fleet.servers[0];
    let before = (primary.calls("evalsha"), primary.calls("hello"));
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "token")).await;
    token(&store, &claim()).await;
    store.abandon(&key(), &lease, None).await.unwrap();
    assert_eq!(
        (primary.calls("evalsha"), primary.calls("hello")),
        (before.0 + 4, before.1)
    );
    assert_eq!(fleet.servers[1].calls("evalsha"), 0);
}

#[tokio::test]
async fn a_primary_that_dies_is_replaced_by_the_one_that_takes_over() {
    let mut fleet = RedisSentinels::start();
    let store = store(fleet.url());
    let fence = publish(&store, "token").await;
    fleet.wait_for_replica(1);
    fleet.servers[0].kill();
    let error = until_error(&store, StoreErrorKind::Unavailable).await;
    assert!(error.to_string().contains("not reached"), "{error}");
    fleet.wait_for_primary(1);
    // The token was replicated.
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Token(entry) if entry.fence == fence));
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The old primary restarts, and is not asked.
    fleet.servers[0].restart();
    token(&store, &claim()).await;
    assert_eq!(fleet.servers[0].calls("evalsha"), 0);
}

#[tokio::test]
async fn an_orderly_failover_fails_no_operation() {
    let fleet = RedisSentinels::start();
    let store = store(fleet.url());
    publish(&store, "token").await;
    let failing_over = tokio::task::spawn_blocking(move || {
        fleet.fail_over();
        fleet.wait_for_primary(1);
        fleet.wait_for_replica(0);
        fleet
    });
    while !failing_over.is_finished() {
        token(&store, &claim()).await;
    }
    let _fleet = failing_over.await.unwrap();
    token(&store, &claim()).await;
}

#[tokio::test]
async fn a_former_primary_is_left_at_the_first_write_that_it_refuses() {
    let fleet = RedisSentinels::start();
    let store = store(fleet.url());
    let fence = publish(&store, "token").await;
    fleet.fail_over();
    fleet.wait_for_primary(1);
    fleet.wait_for_replica(0);
    let mut newer = claim();
    newer.at_least = fence.next();
    // The same operation reaches the new primary.
    leased(&store, &newer).await;
    assert!(fleet.servers[1].calls("evalsha") >= 1);
}

#[tokio::test]
async fn a_silent_primary_holds_up_no_caller() {
    let fleet = RedisSentinels::start();
    let store = store(fleet.url());
    publish(&store, "token").await;
    fleet.servers[0].freeze();
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(timeout(PATIENCE, try_ask(&store, &claim())).await.is_err());
        assert!(begun.elapsed() < 2 * PATIENCE);
    }
    fleet.wait_for_primary(1);
    let (lookup, took) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Token(_)), "{lookup:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    fleet.servers[0].thaw();
}

#[tokio::test]
async fn silent_dead_and_outdated_sentinels_are_outvoted() {
    let mut fleet = RedisSentinels::start();
    // A Sentinel that was cut off, and names a former primary.
    let past = RedisServer::start();
    let lines = format!("sentinel monitor fleet 127.0.0.1 {} 2\n", past.port());
    let lost = Launch::new().sentinel(lines).start();
    let url = fleet
        .url()
        .replace("://", &format!("://127.0.0.1:{},", lost.port()));
    for _ in 0..10 {
        leased(&store(&url), &claim()).await;
        fleet.servers[0].run::<()>(&["FLUSHALL"]);
    }
    assert_eq!(past.calls("evalsha"), 0);

    let url = fleet.url();
    fleet.sentinels[0].freeze();
    ask(&store(&url), &claim()).await;
    fleet.sentinels[1].kill();
    // The only one that answers decides, after a wait for the silent one.
    eventually(&store(&url), &claim()).await;
    fleet.sentinels[0].thaw();
    fleet.sentinels[0].kill();
    ask(&store(&url), &claim()).await;
    fleet.sentinels[2].kill();
    let all_gone = store(&url);
    let error = try_ask(&all_gone, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(
        error.to_string().contains("no Sentinel was reached"),
        "{error}"
    );
    let error = all_gone.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
}

#[tokio::test]
async fn an_error_names_the_part_of_the_url_that_is_wrong() {
    let fleet = RedisSentinels::start();
    let server = RedisServer::start();
    let no_sentinels = format!("redis-sentinel://127.0.0.1:{}/fleet", server.port());
    for (url, says) in [
        (fleet.url().replace("/fleet", "/s3cr3t"), "name in the URL"),
        (no_sentinels, "is not a Sentinel"),
        (fleet.sentinels[0].url(), "write redis-sentinel://"),
        (fleet.servers[1].url(), "is a replica"),
    ] {
        for _ in 0..3 {
            let error = store(&url).check().await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert!(!shown(&error).contains("s3cr3t"), "{error}");
            let kind = error.kind();
            let is_replica = says == "is a replica";
            assert_eq!(kind == RedisStoreErrorKind::Server, is_replica, "{kind:?}");
            assert_eq!(kind == RedisStoreErrorKind::Url, !is_replica, "{kind:?}");
        }
    }
    // Without a check, the first operation finds it out.
    let unchecked = store(fleet.sentinels[0].url());
    let error = try_ask(&unchecked, &claim()).await.unwrap_err();
    assert!(error.to_string().contains("redis-sentinel://"), "{error}");
}

#[tokio::test]
async fn sentinels_and_servers_have_separate_logins() {
    let fleet = RedisSentinels::start_with(&SentinelOptions {
        password: Some("s3cr3t-server"),
        sentinel_password: Some("s3cr3t-sentinel"),
        ..SentinelOptions::default()
    });
    let url = fleet.url().replace("://", "://:s3cr3t-server@");
    let in_url = format!("{url}?sentinel_password=s3cr3t-sentinel");
    RedisStore::builder(in_url).connect().await.unwrap();
    let by_builder = RedisStore::builder(url.clone()).sentinel_login("default", "s3cr3t-sentinel");
    by_builder.connect().await.unwrap();

    for (url, says) in [
        (url.clone(), "`sentinel_password`"),
        (
            format!("{url}?sentinel_password=s3cr3t-wrong"),
            "`sentinel_password`",
        ),
        (
            format!("{}?sentinel_password=s3cr3t-sentinel", fleet.url()),
            "requires a login",
        ),
        (
            format!(
                "{}?sentinel_password=s3cr3t-sentinel",
                url.replace("server@", "wrong@")
            ),
            "rejected the login",
        ),
    ] {
        let error = RedisStore::builder(url).connect().await.unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Credentials, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!shown(&error).contains("s3cr3t"), "{error}");
    }
}

#[tokio::test]
async fn a_refused_login_works_once_the_server_knows_it() {
    let fleet = RedisSentinels::start();
    let store = store(fleet.url().replace("://", "://genesys:s3cr3t@"));
    until_error(&store, StoreErrorKind::Denied).await;
    let user = ["ACL", "SETUSER", "genesys", "on", ">s3cr3t", "~*", "+@all"];
    fleet.servers[0].run::<()>(&user);
    eventually(&store, &claim()).await;
}

#[test]
fn an_idle_runtime_holds_up_no_other() {
    let fleet = RedisSentinels::start();
    let store = store(fleet.url());
    let again = async { timeout(PATIENCE, try_ask(&store, &claim())).await };
    let asked = beside_an_idle_runtime(&store, again);
    assert!(matches!(asked, Ok(Ok(Lookup::Busy(_)))), "{asked:?}");
}
