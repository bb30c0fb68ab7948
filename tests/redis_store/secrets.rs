//! What can be seen of the token and of the password.

use bytes::Bytes;
use tower_genesys::store::{TokenStore, redis::RedisStore};

use crate::{
    redis_server::RedisServer,
    setup::{claim, entry, key, leased, published, shown, store, token, try_ask},
};

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|at| at == needle.as_bytes())
}

#[tokio::test]
async fn a_server_sees_the_value_that_it_is_given_and_nothing_of_the_token() {
    let server = RedisServer::start();
    let monitor = server.monitor();
    let store = store(server.url());
    let mut ours = claim();
    let lease = leased(&store, &ours).await;
    // Sealed, by whoever uses the store.
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
async fn a_password_is_in_no_error_and_no_debug() {
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

/// A server that repeats what it does not understand, as some proxies and old
/// servers do.
#[tokio::test]
async fn a_password_that_a_server_repeats_goes_no_further() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 4096];
            while let Ok(1..) = stream.read(&mut asked).await {
                let answer = b"-S3CR3T unknown command, with args beginning with: `s3cr3t`\r\n";
                let _ = stream.write_all(answer).await;
            }
        }
    });
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
