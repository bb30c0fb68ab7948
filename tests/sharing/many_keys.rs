//! Different clients and namespaces do not share a token.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use tower_genesys::{
    Sharing, TokenCache, TokenError,
    genesys::ConfigErrorKind,
    store::{Fault, MemoryStore, ShareableSource, SharedSource, StoreErrorKind, StoreKey},
    token::{FetchContext, IssuedToken, Reason, TokenSource},
};

use crate::setup::*;

#[tokio::test(start_paused = true)]
async fn clients_and_namespaces_in_one_store_have_separate_tokens() {
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
fn a_source_that_cannot_be_repeated_is_refused_at_build() {
    let source = tower_genesys::token::source_fn(async |_cx| unreachable!("it is not asked"));
    let sharing = Sharing::unsealed(MemoryStore::new());
    let shared = SharedSource::new(source.with_repeatable(false), key(), sharing);
    let error = shared.expect_err("it cannot be shared");
    assert_eq!(error.kind(), ConfigErrorKind::NotRepeatable);
}

/// A client whose id changes while requests are in flight. Its tokens name the
/// id.
#[derive(Clone)]
struct Rotated {
    client: Arc<Mutex<&'static str>>,
    slow: &'static str,
}

impl TokenSource for Rotated {
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let (_, client) = self.identify().await?;
        self.fetch_as(&client, cx).await
    }
}

impl ShareableSource for Rotated {
    type Identity = &'static str;

    async fn identify(&self) -> Result<(StoreKey, &'static str), TokenError> {
        let client = *self.client.lock().expect("no panic");
        Ok((StoreKey::new("login.example", client, "test"), client))
    }

    async fn fetch_as(
        &self,
        client: &&'static str,
        _cx: FetchContext,
    ) -> Result<IssuedToken, TokenError> {
        let takes = if *client == self.slow { 2 } else { 0 };
        tokio::time::sleep(seconds(takes)).await;
        Ok(IssuedToken::new(format!("of-{client}"), DAY))
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_token_of_a_replaced_client_is_not_used_for_the_new_one() {
    for store_fails in [false, true] {
        let client = Arc::new(Mutex::new("old"));
        let source = Rotated {
            client: Arc::clone(&client),
            slow: "old",
        };
        let store = MemoryStore::new();
        if store_fails {
            store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
        }
        let sharing = Sharing::unsealed(store.clone());
        let source = SharedSource::identified(source, sharing).expect("it can be shared");
        let cx = |reason| FetchContext::new(reason, Instant::now() + seconds(15));
        let late = source.fetch(cx(Reason::Missing));
        let replaced = async {
            tokio::time::sleep(seconds(1)).await;
            *client.lock().expect("no panic") = "new";
            source.fetch(cx(Reason::Missing)).await
        };
        let (late, new) = tokio::join!(late, replaced);
        assert_eq!(late.expect("a token").expose(), "of-old");
        if !store_fails {
            assert_eq!(new.expect("a token").expose(), "of-new");
        }
        store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
        tokio::time::sleep(seconds(40)).await;
        let kept = source.fetch(cx(Reason::Check)).await.expect("a token");
        assert_eq!(kept.expose(), "of-new", "{store_fails}");
    }
}
