//! The addresses and the transports of a server.

use tower_genesys::store::{
    StoreErrorKind,
    redis::{RedisStore, RedisStoreErrorKind},
};

use crate::{
    redis_server::{Certificates, RedisServer},
    setup::{claim, entry, leased, published, shown, store, token, try_ask},
};

async fn works(store: &RedisStore) {
    store.check().await.unwrap();
    let lease = leased(store, &claim()).await;
    published(store, &lease, &entry(&lease, "token")).await;
    assert_eq!(token(store, &claim()).await.value, "token");
}

#[tokio::test]
async fn connects_over_tcp_and_sockets_with_either_protocol() {
    let server = RedisServer::start();
    for url in [
        server.url(),
        format!("{}/3", server.url()),
        format!("{}/0?protocol=resp3", server.url()),
        server.url().replace("redis:", "valkey:"),
        server.url().replace("127.0.0.1", "localhost"),
        server.unix_url(),
        format!("{}?db=4&protocol=3", server.unix_url()),
    ] {
        server.run::<()>(&["FLUSHALL"]);
        works(&store(url)).await;
    }
}

#[tokio::test]
async fn user_and_password_may_have_any_character() {
    let server = RedisServer::start();
    let password = "p@ss:/#?%+ wörd";
    let rule = format!(">{password}");
    server.run::<()>(&["ACL", "SETUSER", "us@er", "on", &rule, "~*", "+@all"]);
    let encoded = "p%40ss%3A%2F%23%3F%25%2B%20w%C3%B6rd";
    works(&store(server.url_of("us%40er", encoded))).await;
    server.run::<()>(&["FLUSHALL"]);
    let socket = format!("{}?user=us%40er&pass={encoded}", server.unix_url());
    works(&store(socket)).await;
}

#[tokio::test]
async fn connects_over_tls_with_a_custom_ca() {
    let certificates = Certificates::new();
    let server = RedisServer::start_with_tls(&certificates);
    let trusting = RedisStore::builder(server.tls_url()).ca_certificates(certificates.pem());
    works(&trusting.connect().await.unwrap()).await;
    server.run::<()>(&["FLUSHALL"]);

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, certificates.pem()).unwrap();
    let trusting = RedisStore::builder(server.tls_url()).ca_file(file);
    works(&trusting.build().unwrap()).await;
}

#[tokio::test]
async fn a_server_with_an_unknown_ca_is_refused() {
    let server = RedisServer::start_with_tls(&Certificates::new());
    let others = Certificates::new();
    for builder in [
        RedisStore::builder(server.tls_url()),
        RedisStore::builder(server.tls_url()).ca_certificates(others.pem()),
    ] {
        let store = builder.build().unwrap();
        let error = try_ask(&store, &claim()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(shown(&error).contains("certificate"), "{error:?}");
        let error = store.check().await.unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Unreachable);
    }
    assert_eq!(server.calls("evalsha"), 0);
}

#[tokio::test]
async fn a_name_that_is_not_in_the_certificate_is_refused() {
    let certificates = Certificates::new();
    let server = RedisServer::start_with_tls(&certificates);
    let url = server.tls_url().replace("localhost", "127.0.0.1");
    let store = RedisStore::builder(url)
        .ca_certificates(certificates.pem())
        .build()
        .unwrap();
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[test]
fn malformed_certificates_are_refused_at_build() {
    let url = "rediss://localhost";
    let missing = RedisStore::builder(url).ca_file("/no/such/s3cr3t.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for builder in [
        missing,
        RedisStore::builder(url).ca_certificates("no certificate"),
        RedisStore::builder(url).ca_certificates(broken),
        RedisStore::builder("redis://localhost").ca_certificates(Certificates::new().pem()),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::Certificates, "{error}");
        assert!(!shown(&error).contains("s3cr3t"), "{error}");
    }
}
