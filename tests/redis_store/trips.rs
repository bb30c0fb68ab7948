//! The round trips of an operation.

use tower_genesys::store::TokenStore;

use crate::{
    redis_server::{Proxy, RedisServer},
    setup::{ask, claim, entry, key, leased, published, store, token},
};

#[tokio::test]
async fn each_operation_is_one_round_trip() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    // Connects, and has the server learn the scripts.
    store.check().await.unwrap();
    assert_eq!(proxy.connections(), 1);

    let before = proxy.round_trips();
    let ours = claim();
    let lease = leased(&store, &ours).await;
    assert_eq!(proxy.round_trips() - before, 1);
    ask(&store, &claim()).await;
    assert_eq!(proxy.round_trips() - before, 2);
    published(&store, &lease, &entry(&lease, "token")).await;
    assert_eq!(proxy.round_trips() - before, 3);
    token(&store, &claim()).await;
    assert_eq!(proxy.round_trips() - before, 4);
    store.abandon(&key(), &lease, None).await.unwrap();
    assert_eq!(proxy.round_trips() - before, 5);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_script_is_sent_in_full_only_to_a_server_that_does_not_know_it() {
    let mut server = RedisServer::start();
    let store = store(server.url());
    for round in 1..=2 {
        for _ in 0..3 {
            ask(&store, &claim()).await;
        }
        let calls = (server.calls("evalsha"), server.calls("eval"));
        assert_eq!(calls, (3 * round, round), "the first of three is unknown");
        assert_eq!(server.calls("script|load"), 0);
        server.run::<()>(&["SCRIPT", "FLUSH"]);
    }
    server.restart();
    leased(&store, &claim()).await;
}

#[tokio::test]
async fn the_store_connects_at_the_first_operation() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.port()).await;
    let store = store(proxy.url());
    tokio::task::yield_now().await;
    assert_eq!(proxy.connections(), 0);
    ask(&store, &claim()).await;
    assert_eq!(proxy.connections(), 1);
}
