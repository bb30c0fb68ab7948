//! tower-genesys.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use tower_genesys::{
    GenesysLayer, Org, Region, TokenCache, TokenError,
    bearer::Origins,
    token::{IssuedToken, source_fn},
};

use crate::issuer::{Issuer, LIFETIME};

/// A cache with a token from this issuer.
pub async fn tokens(issuer: &Issuer) -> TokenCache {
    let cache = TokenCache::new(source(issuer.clone()));
    cache.warm_up().await.expect("the issuer gives a token");
    cache
}

/// A source of tokens from this issuer.
pub fn source(issuer: Issuer) -> impl tower_genesys::token::TokenSource {
    source_fn(move |_cx| {
        let issuer = issuer.clone();
        async move { Ok::<_, TokenError>(IssuedToken::new(issuer.issue().await, LIFETIME)) }
    })
}

/// A cache during a renewal that lasts as long as a measurement: up to the
/// deadline of the cache.
pub async fn renewing() -> TokenCache {
    let first = AtomicBool::new(true);
    let cache = TokenCache::new(source_fn(move |_cx| {
        let answers = first.swap(false, SeqCst);
        async move {
            if !answers {
                std::future::pending::<()>().await;
            }
            // The rest of its lifetime is below the ten minutes at which a
            // token is renewed.
            let token = IssuedToken::new(crate::api::TOKEN, LIFETIME);
            Ok::<_, TokenError>(token.with_remaining(Duration::from_secs(300)))
        }
    }));
    cache.warm_up().await.expect("the source gives a token");
    cache
}

/// All four layers, for one organisation.
pub fn layer(tokens: TokenCache) -> GenesysLayer {
    GenesysLayer::new(&org(tokens))
}

pub fn org(tokens: TokenCache) -> Org {
    let org = Org::builder(Region::US_EAST_1).build_from_cache(tokens);
    org.expect("the region is https")
}

/// All four layers, for a server on this machine.
pub fn loopback_layer(tokens: TokenCache, authority: &str) -> GenesysLayer {
    let origins = Origins::of_host(authority).expect("a host").with_loopback();
    let org = Org::builder(Region::US_EAST_1)
        .origins(origins)
        .allow_loopback();
    GenesysLayer::new(&org.build_from_cache(tokens).expect("loopback is allowed"))
}
