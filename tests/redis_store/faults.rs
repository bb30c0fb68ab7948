//! A server or a network that fails and recovers.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};
use tower_genesys::store::{
    Lookup, StoreError, StoreErrorKind, TokenStore,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    fixtures::real_time::{pass, wait_until, wait_within},
    redis_server::{Mode, Proxy, RedisServer},
    setup::{
        PATIENCE, ask, beside_an_idle_runtime, claim, entry, eventually, key, leased, published,
        shown, store, token, try_ask,
    },
};

/// Asks until an operation fails in this way. The first error may still be that
/// of the connection that broke.
pub(crate) async fn until_error(store: &RedisStore, kind: StoreErrorKind) -> StoreError {
    let mut found = None;
    wait_within(Duration::from_secs(10), "an error", async || {
        match try_ask(store, &claim()).await {
            Err(error) if error.kind() == kind => found = Some(error),
            // Shown if the test fails.
            other => println!("{other:?}"),
        }
        found.is_some()
    })
    .await;
    found.expect("the wait has ended")
}

#[tokio::test]
async fn a_server_that_does_not_run_is_an_error_at_once() {
    let mut server = RedisServer::start();
    server.kill();
    let store = store(server.url());
    let begun = Instant::now();
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
    assert!(error.to_string().contains("the Redis URL"), "{error}");
}

#[tokio::test]
async fn a_server_that_dies_and_restarts_is_used_again_at_once() {
    let mut server = RedisServer::start();
    let store = store(server.url());
    leased(&store, &claim()).await;
    for _ in 0..3 {
        server.kill();
        let error = until_error(&store, StoreErrorKind::Unavailable).await;
        assert!(error.to_string().contains("not reached"), "{error}");
        server.restart();
        let (lookup, took) = eventually(&store, &claim()).await;
        assert!(matches!(lookup, Lookup::Leased(_)), "{lookup:?}");
        assert!(took < Duration::from_millis(500), "{took:?}");
    }
}

#[tokio::test]
async fn a_restart_between_two_operations_fails_none() {
    let mut server = RedisServer::start();
    let store = store(server.url());
    for protocol in ["", "/?protocol=resp3"] {
        let other = crate::setup::store(format!("{}{protocol}", server.url()));
        for _ in 0..3 {
            leased(&store, &claim()).await;
            server.run::<()>(&["FLUSHALL"]);
            leased(&other, &claim()).await;
            server.restart();
        }
    }
}

#[tokio::test]
async fn idle_connections_that_the_server_closes_fail_no_operation() {
    let server = RedisServer::start();
    let store = store(server.url());
    for _ in 0..3 {
        leased(&store, &claim()).await;
        server.run::<()>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        server.run::<()>(&["FLUSHALL"]);
    }
}

#[tokio::test]
async fn a_server_that_closes_each_connection_gets_ten_a_second() {
    // Nothing listens behind the proxy, so it closes each connection.
    let proxy = Proxy::start(1).await;
    let store = Arc::new(store(proxy.url()));
    let begun = Instant::now();
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                while begun.elapsed() < Duration::from_secs(1) {
                    assert!(try_ask(&store, &claim()).await.is_err());
                    // Real, as the second in which the proxy counts.
                    pass(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    for asked in asking {
        asked.await.unwrap();
    }
    // One in each tenth of a second, for twenty callers.
    let connections = proxy.connections();
    assert!((5..=12).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_frozen_server_holds_up_no_caller_and_is_used_again_when_it_thaws() {
    let server = RedisServer::start();
    let store = store(server.url());
    let ours = claim();
    let first = leased(&store, &ours).await;
    server.freeze();
    for _ in 0..4 {
        let begun = Instant::now();
        assert!(timeout(PATIENCE, try_ask(&store, &ours)).await.is_err());
        assert!(begun.elapsed() < PATIENCE * 2);
    }
    // A caller with more patience gets an error.
    let error = try_ask(&store, &ours).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            StoreErrorKind::Timeout | StoreErrorKind::Unavailable
        ),
        "{error:?}"
    );
    server.thaw();
    let (lookup, took) = eventually(&store, &ours).await;
    // The server may have carried out what timed out, and still recognises the
    // lease.
    assert!(matches!(lookup, Lookup::Leased(lease) if lease.fence == first.fence));
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn a_paused_server_is_a_timeout_and_is_used_again_afterwards() {
    let server = RedisServer::start();
    let store = store(server.url());
    leased(&store, &claim()).await;
    server.run::<()>(&["CLIENT", "PAUSE", "1500", "ALL"]);
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout);
    let (lookup, _) = eventually(&store, &claim()).await;
    assert!(matches!(lookup, Lookup::Busy(_)));
}

#[tokio::test]
async fn a_silent_connection_is_given_up_with_the_first_operation() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    leased(&store, &claim()).await;
    proxy.set(Mode::BlackHole);
    assert!(timeout(PATIENCE, try_ask(&store, &claim())).await.is_err());
    // The old connection stays unusable: an answer on it could belong to the
    // lost request.
    proxy.set(Mode::Pass);
    let begun = Instant::now();
    let asked = timeout(PATIENCE, try_ask(&store, &claim())).await;
    assert!(matches!(asked, Ok(Ok(Lookup::Busy(_)))), "{asked:?}");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_slow_connection_is_completed_after_the_operation_that_gave_up() {
    let server = RedisServer::start_with(&["--requirepass", "s3cr3t"]);
    let proxy = Proxy::start(server.port()).await;
    // The login takes longer than an operation may.
    proxy.set(Mode::Delay(Duration::from_millis(300)));
    let url = proxy.url().replace("redis://", "redis://:s3cr3t@");
    let store = store(url);
    assert!(timeout(PATIENCE, try_ask(&store, &claim())).await.is_err());
    // No operation waits for the login, which is completed meanwhile.
    wait_until("the login is answered", async || {
        proxy.replies_passed() == proxy.round_trips()
    })
    .await;
    proxy.set(Mode::Pass);
    leased(&store, &claim()).await;
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn an_owner_recovers_its_lease_after_a_lost_reply() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    store.check().await.unwrap();
    let ours = claim();
    proxy.set(Mode::DropReplies);
    assert!(timeout(PATIENCE, try_ask(&store, &ours)).await.is_err());
    assert_eq!(proxy.replies_lost(), 1);
    let written: String = server.run(&["GET", &crate::rules::names()[1]]);
    proxy.set(Mode::Pass);
    assert!(matches!(ask(&store, &claim()).await, Lookup::Busy(_)));
    let lease = leased(&store, &ours).await;
    assert!(
        written.ends_with(&format!(" {}", lease.fence.get())),
        "{written}"
    );
    published(&store, &lease, &entry(&lease, "token")).await;
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_write_leaves_the_outcome_unknown() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    store.check().await.unwrap();
    // The answers to the first and to the second try are lost with their
    // connections, so the outcome is unknown.
    proxy.set(Mode::CutReplies);
    let ours = claim();
    let error = try_ask(&store, &ours).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Timeout, "{error:?}");
    assert!(proxy.replies_lost() >= 1);
    let written: String = server.run(&["GET", &crate::rules::names()[1]]);
    proxy.set(Mode::Pass);
    let (lookup, _) = eventually(&store, &ours).await;
    let Lookup::Leased(lease) = lookup else {
        panic!("{lookup:?}");
    };
    assert!(
        written.ends_with(&format!(" {}", lease.fence.get())),
        "{written}"
    );
}

#[tokio::test]
async fn connections_that_are_cut_fail_no_operation() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "token")).await;
    for cuts in 1..=5 {
        proxy.cut();
        token(&store, &claim()).await;
        assert_eq!(proxy.connections(), cuts + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_operations_do_not_mix_up_the_answers_of_others() {
    let server = RedisServer::start();
    let store = Arc::new(store(server.url()));
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "token")).await;
    let tasks: Vec<_> = (0..8u64)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for turn in 0..200u64 {
                    let patience = Duration::from_micros((task * 37 + turn * 13) % 700);
                    if let Ok(lookup) = timeout(patience, try_ask(&store, &claim())).await {
                        assert!(matches!(lookup, Ok(Lookup::Token(_))), "{lookup:?}");
                    }
                    // A request whose answer has another form.
                    let nothing = timeout(patience, store.abandon(&key(), &lease, None)).await;
                    assert!(!matches!(nothing, Ok(Err(_))), "{nothing:?}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    token(&store, &claim()).await;
    // Connections that were given up are closed, and not kept: this one is the
    // last.
    drop(store);
    wait_within(Duration::from_secs(5), "connections close", async || {
        let clients: String = server.run(&["CLIENT", "LIST"]);
        clients.lines().count() == 1
    })
    .await;
}

#[test]
fn a_store_outlives_the_runtime_that_it_connected_in() {
    let server = RedisServer::start();
    let store = store(server.url());
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { leased(&store, &claim()).await });
        server.run::<()>(&["FLUSHALL"]);
    }
}

#[test]
fn an_idle_runtime_holds_up_no_other() {
    let server = RedisServer::start();
    let store = store(server.url());
    let again = async { timeout(PATIENCE, try_ask(&store, &claim())).await };
    let asked = beside_an_idle_runtime(&store, again);
    assert!(matches!(asked, Ok(Ok(Lookup::Busy(_)))), "{asked:?}");
}

#[test]
fn outside_of_a_runtime_an_operation_is_an_error() {
    let store = store("redis://127.0.0.1:1");
    let asked = futures_util::FutureExt::now_or_never(store.get_or_lease(&key(), &claim()));
    let error = asked.unwrap().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(shown(&error).contains("runtime"));
}
