//! Servers that require a client certificate, as redis-server does with TLS by
//! default.

use tower_genesys::store::{
    StoreErrorKind,
    redis::{RedisStore, RedisStoreBuilder, RedisStoreError, RedisStoreErrorKind as Kind},
};

use crate::{
    redis_server::{
        Certificates, Identity, Launch, RedisCluster, RedisSentinels, RedisServer, SentinelOptions,
    },
    setup::{claim, entry, impostor, leased, published, shown, token, try_ask},
};

fn with(by: &Certificates, client: &Identity, url: String) -> RedisStoreBuilder {
    RedisStore::builder(url)
        .ca_certificates(by.pem())
        .client_certificate(&*client.certificate, &*client.key)
}

async fn works(builder: RedisStoreBuilder) {
    let store = builder.connect().await.unwrap();
    let lease = leased(&store, &claim()).await;
    published(&store, &lease, &entry(&lease, "token")).await;
    assert_eq!(token(&store, &claim()).await.value, "token");
}

#[tokio::test]
async fn all_three_topologies_accept_a_client_certificate() {
    let by = Certificates::new();
    let client = by.client();
    let server = Launch::new().tls(&by, &["localhost"], "yes").start();
    works(with(&by, &client, server.tls_url())).await;

    let sentinels = RedisSentinels::start_with(&SentinelOptions {
        tls: Some(&by),
        ..SentinelOptions::default()
    });
    works(with(&by, &client, sentinels.url())).await;

    let cluster = RedisCluster::start_with_tls(&by);
    works(with(&by, &client, cluster.url())).await;
}

#[tokio::test]
async fn certificates_may_be_in_files() {
    let by = Certificates::new();
    let server = Launch::new().tls(&by, &["localhost"], "yes").start();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, pem).unwrap();
        file
    };
    let client = by.client();
    let builder = RedisStore::builder(server.tls_url())
        .ca_file(file("ca.pem", by.pem()))
        .client_certificate_files(
            file("client.pem", &client.certificate),
            file("client.key", &client.key),
        );
    works(builder).await;
}

/// Expects this error from `check` and from an operation.
async fn refused(builder: impl Fn() -> RedisStoreBuilder, kind: Kind, says: &str) {
    let error = builder().connect().await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    let store = builder().build().unwrap();
    let error = try_ask(&store, &claim()).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            StoreErrorKind::Denied | StoreErrorKind::Unavailable
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains(says), "{error}");
}

#[tokio::test]
async fn an_error_names_the_setting_that_does_not_fit() {
    let (by, others) = (Certificates::new(), Certificates::new());
    let server = Launch::new().tls(&by, &["localhost"], "yes").start();
    let url = || server.tls_url();
    let ca = || RedisStore::builder(url()).ca_certificates(by.pem());
    refused(ca, Kind::Certificates, "_TLS_CERT").await;
    let foreign = others.client();
    refused(
        || with(&by, &foreign, url()),
        Kind::Certificates,
        "`tls-ca-cert-file`",
    )
    .await;
    let expired = by.expired_client();
    refused(|| with(&by, &expired, url()), Kind::Certificates, "expired").await;
    let client = by.client();
    refused(
        || with(&others, &client, url()),
        Kind::Unreachable,
        "`ca_file`",
    )
    .await;
    let by_address = || with(&by, &client, url().replace("localhost", "127.0.0.1"));
    refused(by_address, Kind::Unreachable, "another host").await;
    // A plain port takes the TLS handshake for half a command, and waits.
    let plain = format!("rediss://localhost:{}", server.port());
    refused(
        || with(&by, &client, plain.clone()),
        Kind::Unreachable,
        "speaks TLS",
    )
    .await;
}

#[tokio::test]
async fn a_plain_answer_to_tls_is_another_error_than_no_answer() {
    let port = impostor(b"-ERR unknown command\r\n").await;
    let by = Certificates::new();
    let url = format!("rediss://localhost:{port}");
    refused(
        || with(&by, &by.client(), url.clone()),
        Kind::Url,
        "does not speak TLS",
    )
    .await;
}

#[tokio::test]
async fn a_plain_url_for_a_tls_port_is_an_error_that_says_so() {
    let by = Certificates::new();
    let server = Launch::new().tls(&by, &["localhost"], "no").start();
    let url = server.tls_url().replace("rediss", "redis");
    let error = RedisStore::builder(url).connect().await.unwrap_err();
    assert!(error.to_string().contains("rediss"), "{error}");
}

fn wrong(builder: RedisStoreBuilder) -> RedisStoreError {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), Kind::Certificates, "{error}");
    assert!(!shown(&error).contains("s3cr3t"), "{error:?}");
    error
}

#[test]
fn contradictory_settings_are_refused_at_build() {
    let by = Certificates::new();
    let (one, other) = (by.client(), by.client());
    let of = |url: &str, certificate: &str, key: &str| {
        wrong(RedisStore::builder(url).client_certificate(certificate, key)).to_string()
    };
    let url = "rediss://localhost";
    assert!(of(url, &one.certificate, &other.key).contains("is not the key of the certificate"));
    assert!(of(url, "s3cr3t", &one.key).contains("holds no certificate"));
    assert!(of(url, &one.certificate, "s3cr3t").contains("holds no private key"));
    assert!(of(url, &one.key, &one.certificate).contains("holds no certificate"));
    for url in [
        "redis://localhost",
        "redis-sentinel://localhost/name",
        "redis-cluster://localhost",
        "unix:///redis.sock",
    ] {
        assert!(of(url, &one.certificate, &one.key).contains("begin with rediss"));
    }
    let files = RedisStore::builder(url).client_certificate_files("/s3cr3t.pem", "/s3cr3t.key");
    assert!(wrong(files).to_string().contains("cannot be read"));
}

#[tokio::test]
async fn a_server_that_requires_no_certificate_accepts_one() {
    let by = Certificates::new();
    let server = RedisServer::start_with_tls(&by);
    works(with(&by, &by.client(), server.tls_url())).await;
}
