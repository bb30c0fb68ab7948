//! A server or a network that fails, and comes back.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tower_genesys::store::{
    Lookup, StoreError, StoreErrorKind, TokenStore,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    redis_server::{Mode, Proxy, RedisServer},
    setup::{
        ask, beside_an_idle_runtime, claim, entry, eventually, key, leased, published, shown,
        store, token, try_ask,
    },
};

/// What whoever uses a store gives an operation.
const PATIENCE: Duration = Duration::from_millis(150);

/// Asks until it fails in this way: the first error may still be that of the
/// connection that broke.
pub(crate) async fn until_error(store: &RedisStore, kind: StoreErrorKind) -> StoreError {
    let begun = Instant::now();
    loop {
        match try_ask(store, &claim()).await {
            Err(error) if error.kind() == kind => return error,
            other => assert!(begun.elapsed() < Duration::from_secs(10), "{other:?}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nobody_there_is_an_answer_at_once() {
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
async fn a_server_that_dies_and_comes_back_is_used_again_at_once() {
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
async fn a_restart_between_two_operations_is_not_noticed() {
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
async fn connections_that_the_server_closes_while_nobody_asks_cost_nothing() {
    let server = RedisServer::start();
    let store = store(server.url());
    for _ in 0..3 {
        leased(&store, &claim()).await;
        server.run::<()>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        server.run::<()>(&["FLUSHALL"]);
    }
}

#[tokio::test]
async fn a_server_that_takes_connections_and_ends_them_meets_no_storm() {
    // Nobody listens behind it.
    let proxy = Proxy::start(1).await;
    let store = Arc::new(store(proxy.url()));
    let begun = Instant::now();
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                while begun.elapsed() < Duration::from_secs(1) {
                    assert!(try_ask(&store, &claim()).await.is_err());
                    sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    for asked in asking {
        asked.await.unwrap();
    }
    // One in each tenth of a second.
    let connections = proxy.connections();
    assert!((5..=12).contains(&connections), "{connections}");
}

#[tokio::test]
async fn a_frozen_server_holds_nobody_and_is_used_again_when_it_thaws() {
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
    // Whoever has more patience gets an answer all the same.
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
    // What was asked in vain may have been done since: the lease is known all
    // the same.
    assert!(matches!(lookup, Lookup::Leased(lease) if lease.fence == first.fence));
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn a_paused_server_is_a_timeout_and_then_fine() {
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
async fn a_connection_that_went_silent_is_given_up_with_the_first_operation() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    leased(&store, &claim()).await;
    proxy.set(Mode::BlackHole);
    assert!(timeout(PATIENCE, try_ask(&store, &claim())).await.is_err());
    // What is lost stays lost on that connection: what was sent into it is half
    // a conversation.
    proxy.set(Mode::Pass);
    let begun = Instant::now();
    let asked = timeout(PATIENCE, try_ask(&store, &claim())).await;
    assert!(matches!(asked, Ok(Ok(Lookup::Busy(_)))), "{asked:?}");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn a_slow_server_is_connected_to_behind_the_operations_that_gave_up() {
    let server = RedisServer::start_with(&["--requirepass", "s3cr3t"]);
    let proxy = Proxy::start(server.port()).await;
    // The login takes longer than an operation may.
    proxy.set(Mode::Delay(Duration::from_millis(300)));
    let url = proxy.url().replace("redis://", "redis://:s3cr3t@");
    let store = store(url);
    assert!(timeout(PATIENCE, try_ask(&store, &claim())).await.is_err());
    sleep(Duration::from_millis(400)).await;
    proxy.set(Mode::Pass);
    leased(&store, &claim()).await;
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn ones_own_lease_is_recognised_when_the_reply_was_lost() {
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
    // The answer is lost with the connection; so is that to the second try:
    // what came of it is unknown.
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
async fn connections_that_are_cut_cost_an_operation_nothing() {
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
async fn operations_that_are_dropped_anywhere_do_not_mix_up_the_answers_of_others() {
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
                    // Another question, whose answer looks different.
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
    // Connections that were given up are closed, and not kept.
    drop(store);
    let begun = Instant::now();
    loop {
        let clients: String = server.run(&["CLIENT", "LIST"]);
        if clients.lines().count() == 1 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{clients}");
        sleep(Duration::from_millis(20)).await;
    }
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
fn a_runtime_that_nobody_drives_holds_nobody_up() {
    let server = RedisServer::start();
    let store = store(server.url());
    let again = async { timeout(PATIENCE, try_ask(&store, &claim())).await };
    let asked = beside_an_idle_runtime(&store, again);
    assert!(matches!(asked, Ok(Ok(Lookup::Busy(_)))), "{asked:?}");
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let store = store("redis://127.0.0.1:1");
    let asked = futures_util::FutureExt::now_or_never(store.get_or_lease(&key(), &claim()));
    let error = asked.unwrap().unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(shown(&error).contains("runtime"));
}
