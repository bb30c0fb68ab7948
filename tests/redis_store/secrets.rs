//! Neither the token nor the password is visible.

use bytes::Bytes;
use tower_genesys::store::{TokenStore, redis::RedisStore};

use crate::{
    redis_server::RedisServer,
    setup::{claim, entry, impostor, key, leased, published, shown, store, token, try_ask},
};

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|at| at == needle.as_bytes())
}

#[tokio::test]
async fn a_server_sees_the_sealed_value_and_nothing_of_the_token() {
    let server = RedisServer::start();
    let monitor = server.monitor();
    let store = store(server.url());
    let mut ours = claim();
    let lease = leased(&store, &ours).await;
    // The user of the store seals the value.
    let mut sealed = entry(&lease, "the-t0ken");
    sealed.value = Bytes::from_static(b"sealed-value");
    published(&store, &lease, &sealed).await;
    token(&store, &ours).await;
    ours.rejected = Some(sealed.fingerprint);
    let lease = leased(&store, &ours).await;
    store.abandon(&key(), &lease, None).await.unwrap();
    let (dump, seen) = (server.dump(), monitor.stop());
    for all in [&dump[..], seen.as_bytes()] {
        assert!(holds(all, "sealed-value") && holds(all, &key().to_string()));
        for secret in ["t0ken", "client_credentials", "mypurecloud"] {
            assert!(!holds(all, secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn no_error_and_no_debug_shows_a_password() {
    let server = RedisServer::start_with(&["--requirepass", "another"]);
    let mut dead = RedisServer::start();
    dead.kill();
    for url in [
        server.url_of("s3cr3t-user", "s3cr3t"),
        server.url_of("", "s3cr3t"),
        format!("{}/?protocol=resp3", server.url_of("", "s3cr3t")),
        dead.url_of("s3cr3t-user", "s3cr3t"),
        "redis://:s3cr3t@no-such-host.invalid".into(),
        dead.url_of("s3cr3t-user", "s3cr3t")
            .replace("redis:", "rediss:"),
    ] {
        let builder = RedisStore::builder(url.clone());
        let mut all = format!("{builder:?}");
        let store = builder.build().unwrap();
        all += &format!("{store:?}");
        all += &shown(&try_ask(&store, &claim()).await.unwrap_err());
        all += &shown(&store.check().await.unwrap_err());
        assert!(!all.contains("s3cr3t"), "{all}");
    }
}

/// Some proxies and old servers repeat a command that they do not understand.
#[tokio::test]
async fn no_error_shows_a_password_that_a_server_repeats() {
    let answer = b"-S3CR3T unknown command, with args beginning with: `s3cr3t`\r\n";
    let port = impostor(answer).await;
    for protocol in ["resp2", "resp3"] {
        for login in ["", "user:s3cr3t@", ":s3cr3t@"] {
            let url = format!("redis://{login}127.0.0.1:{port}/?protocol={protocol}");
            let store = store(url);
            let error = try_ask(&store, &claim()).await.unwrap_err();
            let all = shown(&error) + &shown(&store.check().await.unwrap_err());
            assert!(!all.to_lowercase().contains("s3cr3t"), "{all}");
        }
    }
}
