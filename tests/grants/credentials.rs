//! Scenario 22: the secret is rotated while the process runs. Also failures of
//! the credentials provider.

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::{Arc, Mutex},
};

use tokio::time::{Duration, advance, sleep};
use tower_genesys::{
    BoxError, Credentials, Org, TokenCache,
    genesys::{
        CredentialsProvider, EnvCredentials, FileCredentials, credentials_fn,
        grants::ClientCredentials,
    },
    testing::MockGenesys,
    token::TokenErrorKind,
};

use crate::setup::{Body, kind};

fn cache(mock: &MockGenesys, provider: impl CredentialsProvider) -> TokenCache {
    let client = mock.service();
    TokenCache::new(ClientCredentials::<_, _, Body>::new(
        mock.region(),
        provider,
        client,
    ))
}

/// Requests a token each second. A renewal finds that the old secret is
/// refused, and the provider gets the new one a little later.
async fn rotate(mock: &MockGenesys, cache: &TokenCache, provide: impl FnOnce(&str)) {
    cache.token().await.unwrap();
    mock.rotate_secret("rotated");
    // The token is due 15 to 10 minutes before its end.
    advance(Duration::from_secs(86_399 - 15 * 60 - 1)).await;
    let mut provide = Some(provide);
    for _ in 0..15 * 60 - 40 {
        cache
            .token()
            .await
            .expect("no request fails while the token is valid");
        sleep(Duration::from_secs(1)).await;
        if mock.token_posts() == 2 {
            if let Some(provide) = provide.take() {
                provide("rotated");
            }
        }
    }
    assert_eq!(
        mock.token_posts(),
        3,
        "one with the old secret, one with the new"
    );
    assert_eq!(mock.live_tokens(), 2);
    advance(Duration::from_secs(3600)).await;
    cache.token().await.unwrap();
    assert_eq!(mock.token_posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_secret_rotated_in_a_vault_is_used() {
    let mock = MockGenesys::new();
    let vault = Arc::new(Mutex::new(mock.client_secret()));
    let asked = Arc::clone(&vault);
    let provider = credentials_fn(move || {
        let secret = asked.lock().unwrap().clone();
        async move { Credentials::new("client-id", secret) }
    });
    let cache = cache(&mock, provider);
    rotate(&mock, &cache, |secret| {
        *vault.lock().unwrap() = secret.into()
    })
    .await;
}

struct Temporary(PathBuf);

impl Temporary {
    fn write(&self, secret: &str) {
        let json = format!("{{\"client_id\":\"client-id\",\"client_secret\":\"{secret}\"}}\n");
        fs::write(&self.0, json).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_rotated_in_a_file_is_used() {
    let mock = MockGenesys::new();
    let name = format!("tower-genesys-grants-{}.json", process::id());
    let file = Temporary(env::temp_dir().join(name));
    file.write(&mock.client_secret());
    let cache = cache(&mock, FileCredentials::new(&file.0));
    rotate(&mock, &cache, |secret| file.write(secret)).await;
}

#[tokio::test(start_paused = true)]
async fn missing_credentials_cost_no_request() {
    let mock = MockGenesys::new();
    let none = credentials_fn(async || Err::<Credentials, BoxError>("the vault is sealed".into()));
    let region = mock.region();
    let source = ClientCredentials::<_, _, Body>::new(region, none, mock.service());
    assert_eq!(kind(&source).await, TokenErrorKind::Credentials);
    let absent = EnvCredentials::new().with_names("NO_SUCH_ID", "NO_SUCH_SECRET");
    let org = Org::builder(mock.region()).credentials(absent);
    let org = org.build::<Body>(mock.service()).unwrap();
    let error = org.tokens().token().await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Credentials);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("NO_SUCH_ID"), "{cause}");
    assert_eq!(mock.token_posts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_provider_fails_one_renewal() {
    let mock = MockGenesys::new();
    let secret = mock.client_secret();
    let calls = Arc::new(Mutex::new(0));
    let provider = credentials_fn(move || {
        let call = {
            let mut calls = calls.lock().unwrap();
            *calls += 1;
            *calls
        };
        let secret = secret.clone();
        async move {
            assert!(call > 1, "scripted");
            Credentials::new("client-id", secret)
        }
    });
    let cache = cache(&mock, provider);
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Panicked
    );
    sleep(Duration::from_secs(1)).await;
    cache.token().await.unwrap();
    assert_eq!(mock.token_posts(), 1);
}
