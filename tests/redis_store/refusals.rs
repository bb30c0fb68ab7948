//! What servers say instead of an answer, and what is made of it.

use tower_genesys::store::{
    StoreErrorKind,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    faults::until_error,
    redis_server::RedisServer,
    setup::{claim, entry, eventually, leased, published, shown, store, token, try_ask},
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
async fn a_password_that_the_server_does_not_have_yet_works_when_it_does() {
    let server = RedisServer::start();
    let store = store(server.url_of("genesys", "s3cr3t"));
    until_error(&store, StoreErrorKind::Denied).await;
    server.run::<()>(&["ACL", "SETUSER", "genesys", "on", ">s3cr3t", "~*", "+@all"]);
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_server_out_of_memory_still_hands_out_and_takes_the_token_it_was_promised() {
    let server = RedisServer::start();
    let store = store(server.url());
    let lease = leased(&store, &claim()).await;
    server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    // The lease that is given back makes the room.
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
async fn a_script_of_somebody_else_that_does_not_end_is_explained() {
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
    // Until the threshold is passed, it is granted, or waits.
    let error = loop {
        match try_ask(&store, &claim()).await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => break error,
            _ => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    assert!(error.to_string().contains("SCRIPT KILL"), "{error}");
    server.run::<()>(&["SCRIPT", "KILL"]);
    endless.join().unwrap();
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn a_server_that_saves_nothing_takes_nothing() {
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
async fn a_database_that_there_is_not_is_explained() {
    let server = RedisServer::start();
    let url = format!("{}/99", server.url());
    refused(&url, StoreErrorKind::Denied, "database").await;
    let error = store(url).check().await.unwrap_err();
    assert_eq!(error.kind(), RedisStoreErrorKind::Url);
}

#[tokio::test]
async fn a_server_with_no_connection_to_spare_is_used_when_it_has_one() {
    let server = RedisServer::start_with(&["--maxclients", "1"]);
    let only = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let store = store(server.url());
    until_error(&store, StoreErrorKind::Unavailable).await;
    drop(only);
    eventually(&store, &claim()).await;
}

#[tokio::test]
async fn what_is_no_redis_server_is_said_to_be_none() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
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
