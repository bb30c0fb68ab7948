//! Refusals of a server, and the errors that they become.

use tower_genesys::store::{
    StoreErrorKind,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    faults::until_error,
    redis_server::RedisServer,
    setup::{claim, entry, eventually, impostor, leased, published, shown, store, token, try_ask},
};

async fn refused(url: &str, kind: StoreErrorKind, says: &str) {
    let error = until_error(&store(url), kind).await;
    assert!(error.to_string().contains(says), "{error}");
    assert!(!shown(&error).contains("s3cr3t"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_missing_one() {
    let server = RedisServer::start_with(&["--requirepass", "s3cr3t-of-the-server"]);
    for url in [
        server.url_of("", "s3cr3t-but-wrong"),
        server.url_of("nobody", "s3cr3t-of-the-server"),
        format!(
            "{}/?protocol=3",
            server.url_of("default", "s3cr3t-but-wrong")
        ),
    ] {
        refused(&url, StoreErrorKind::Denied, "rejected the login").await;
        let error = RedisStore::builder(url).connect().await.unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Credentials, "{error}");
        assert!(error.to_string().starts_with("the Redis URL: "), "{error}");
        assert!(!shown(&error).contains("s3cr3t"));
    }
    for url in [server.url(), format!("{}/?protocol=3", server.url())] {
        refused(&url, StoreErrorKind::Denied, "requires a login").await;
    }
    let store = store(server.url_of("", "s3cr3t-of-the-server"));
    leased(&store, &claim()).await;
}

#[tokio::test]
async fn a_refused_login_works_once_the_server_knows_it() {
    let server = RedisServer::start();
    let store = store(server.url_of("genesys", "s3cr3t"));
    until_error(&store, StoreErrorKind::Denied).await;
    server.run::<()>(&["ACL", "SETUSER", "genesys", "on", ">s3cr3t", "~*", "+@all"]);
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_server_out_of_memory_still_takes_and_hands_out_a_token_under_a_lease() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    // The lease that ends makes room for it.
    published(&store, &lease, &entry(&lease, "token")).await;
    token(&store, &claim()).await;

    let mut newer = claim();
    newer.at_least = lease.fence.next();
    let error = try_ask(&store, &newer).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("maxmemory"), "{error}");
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Server);

    server.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    leased(&store, &newer).await;
}

#[tokio::test]
async fn a_replica_hands_out_tokens_and_grants_nothing() {
    let server = RedisServer::start();
    let store = store(server.url());
    let fence = crate::setup::publish(&store, "token").await;
    server.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    token(&store, &claim()).await;
    let mut newer = claim();
    newer.at_least = fence.next();
    let error = try_ask(&store, &newer).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("primary"), "{error}");
    let error = store.check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Server);

    server.run::<()>(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("lost its primary"), "{error}");

    server.run::<()>(&["REPLICAOF", "NO", "ONE"]);
    leased(&store, &newer).await;
}

#[tokio::test]
async fn a_node_of_a_cluster_without_the_slot_is_explained() {
    let server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    let url = server.url();
    refused(&url, StoreErrorKind::Unavailable, "Cluster is down").await;
}

#[tokio::test]
async fn an_endless_script_of_another_client_is_explained() {
    let server = RedisServer::start_with(&["--busy-reply-threshold", "10"]);
    let store = store(server.url());
    leased(&store, &claim()).await;
    let socket = server.unix_url();
    let endless = std::thread::spawn(move || {
        let mut connection = redis::Client::open(socket)
            .unwrap()
            .get_connection()
            .unwrap();
        let endless = redis::cmd("EVAL")
            .arg("while true do end")
            .arg(0)
            .to_owned();
        endless.query::<()>(&mut connection).unwrap_err();
    });
    // Before the threshold has passed, an operation succeeds or times out.
    let error = until_error(&store, StoreErrorKind::Unavailable).await;
    assert!(error.to_string().contains("SCRIPT KILL"), "{error}");
    server.run::<()>(&["SCRIPT", "KILL"]);
    endless.join().unwrap();
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_server_that_misses_its_replicas_is_explained() {
    let server = RedisServer::start_with(&["--min-replicas-to-write", "1"]);
    let url = server.url();
    refused(&url, StoreErrorKind::Unavailable, "without its replicas").await;
}

#[tokio::test]
async fn a_server_without_scripts_is_explained() {
    let server = RedisServer::start_with(&["--rename-command", "EVALSHA", ""]);
    let url = server.url();
    refused(&url, StoreErrorKind::Denied, "EVALSHA").await;
}

#[tokio::test]
async fn a_missing_database_is_explained() {
    let server = RedisServer::start();
    let url = format!("{}/99", server.url());
    refused(&url, StoreErrorKind::Denied, "database").await;
    let error = store(url).check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Url);
}

#[tokio::test]
async fn a_server_without_a_free_connection_is_used_when_it_has_one() {
    let server = RedisServer::start_with(&["--maxclients", "1"]);
    let only = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let store = store(server.url());
    until_error(&store, StoreErrorKind::Unavailable).await;
    drop(only);
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_server_of_another_protocol_is_explained() {
    let port = impostor(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let store = store(format!("redis://127.0.0.1:{port}"));
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(
        error
            .to_string()
            .contains("check which server listens there"),
        "{error}"
    );
}
