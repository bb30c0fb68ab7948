//! Without a crypto provider in the tree, TLS is an error that says what to do,
//! and a custom provider works. `make providers` runs this test.

#![cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use rustls::crypto::{CryptoProvider, ring};
use tower_genesys::{
    Client,
    client::ClientBuilder,
    genesys::{ConfigError, ConfigErrorKind},
    store::redis::{RedisStore, RedisStoreError, RedisStoreErrorKind},
};

const TLS: [&str; 3] = [
    "rediss://localhost",
    "rediss-sentinel://localhost/name",
    "rediss-cluster://localhost",
];

fn client(builder: ClientBuilder) -> Result<Client<Full<Bytes>>, ConfigError> {
    builder.without_proxy().build()
}

fn redis(url: &str) -> Result<RedisStore, RedisStoreError> {
    RedisStore::builder(url.to_owned()).build()
}

/// This is one test, since an installed provider stays for the process.
#[test]
fn without_a_provider_tls_is_an_error_at_build_and_a_custom_one_works() {
    let says = |text: String| {
        for next in ["feature `ring` or `aws-lc-rs`", "install_default"] {
            assert!(text.contains(next), "{text}");
        }
        text
    };
    let error = client(ClientBuilder::new()).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::CryptoProvider);
    let text = says(error.to_string());
    assert!(text.contains("ClientBuilder::crypto_provider"), "{text}");
    for url in TLS {
        let error = redis(url).unwrap_err();
        assert_eq!(error.kind(), RedisStoreErrorKind::CryptoProvider, "{url}");
        says(error.to_string());
    }
    redis("redis://localhost").expect("without TLS, no provider is needed");

    client(ClientBuilder::new().crypto_provider(Arc::new(ring::default_provider()))).unwrap();
    assert!(CryptoProvider::get_default().is_none());
    ring::default_provider().install_default().unwrap();
    client(ClientBuilder::new()).unwrap();
    for url in TLS {
        redis(url).unwrap();
    }
}
