//! What is not the same does not share.

use tower_genesys::{
    MemoryStore, SharedSource, Sharing, TokenCache,
    store::{SharingErrorKind, StoreKey},
};

use crate::setup::*;

#[tokio::test(start_paused = true)]
async fn clients_and_namespaces_on_one_store_never_mix() {
    let store = MemoryStore::new();
    let mut endpoints = Vec::new();
    for (client, namespace) in [
        ("a", None),
        ("b", None),
        ("a", Some("staging")),
        ("a", Some("production")),
    ] {
        let endpoint = Endpoint::new();
        for _ in 0..3 {
            let mut sharing = Sharing::sealed(store.clone(), ring(&[("key", 1)]));
            if let Some(namespace) = namespace {
                sharing = sharing.with_namespace(namespace);
            }
            let key = StoreKey::new("login.example", client, "client_credentials");
            let source =
                SharedSource::new(endpoint.clone(), key, sharing).expect("it can be shared");
            TokenCache::new(source).token().await.expect("a token");
        }
        endpoints.push(endpoint);
    }
    assert!(endpoints.iter().all(|endpoint| endpoint.posts() == 1));
    assert_eq!(store.keys().len(), 4);
}

#[test]
fn a_source_that_spends_something_is_refused_when_it_is_built() {
    let source = tower_genesys::source_fn(async |_cx| unreachable!("it is not asked"));
    let sharing = Sharing::unsealed(MemoryStore::new());
    let shared = SharedSource::new(source.with_repeatable(false), key(), sharing);
    let error = shared.expect_err("it cannot be shared");
    assert_eq!(error.kind(), SharingErrorKind::NotRepeatable);
}
