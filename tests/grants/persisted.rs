//! A new refresh token is stored before its access token is used.

use std::sync::{Arc, Mutex};

use tokio::time::{Duration, Instant, advance, sleep};
use tower_genesys::{
    BoxError, TokenCache,
    genesys::grants::IssuedRefreshToken,
    testing::MockGenesys,
    token::{FetchContext, Reason, TokenErrorKind, TokenSource},
};

use crate::setup::{Store, assert_none_twice, failure, fetch, refreshing, sent};

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_stored_before_its_access_token_is_handed_out() {
    let mock = MockGenesys::new();
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let (stored, posts) = (Arc::clone(&log), mock.clone());
    let source = refreshing(&mock, mock.service()).with_store(move |token: IssuedRefreshToken| {
        let (stored, posts) = (Arc::clone(&stored), posts.token_posts());
        async move {
            sleep(Duration::from_secs(1)).await;
            stored
                .lock()
                .unwrap()
                .push(format!("stored {} after post {posts}", token.expose()));
            Ok::<_, BoxError>(())
        }
    });
    for n in 1..=3 {
        fetch(&source).await.unwrap();
        log.lock().unwrap().push(format!("token {n}"));
    }
    fetch(&source).await.unwrap();
    let tokens = sent(&mock, "refresh_token");
    let expected: Vec<_> = (1..=3)
        .flat_map(|n| {
            [
                format!("stored {} after post {n}", tokens[n]),
                format!("token {n}"),
            ]
        })
        .collect();
    assert_eq!(log.lock().unwrap()[..6], expected);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_could_not_be_stored_is_stored_before_the_next_request() {
    let mock = MockGenesys::new();
    let store = Store::default();
    let source = refreshing(&mock, mock.service()).with_store(store.clone());
    store.fail(3);
    for _ in 0..3 {
        let error = failure(&source).await;
        assert_eq!(error.kind(), TokenErrorKind::NotPersisted);
        assert!(error.is_transient());
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the database is down");
    }
    assert_eq!(
        (mock.token_posts(), store.calls()),
        (1, 3),
        "no other token is requested"
    );

    let token = fetch(&source).await.unwrap();
    assert!(
        mock.revoke(token.expose()),
        "the access token of that request"
    );
    assert_eq!((mock.token_posts(), store.tokens().len()), (1, 1));
    fetch(&source).await.unwrap();
    let tokens = sent(&mock, "refresh_token");
    assert_eq!(tokens[1], store.tokens()[0]);
    assert_none_twice(&tokens);
}

#[tokio::test(start_paused = true)]
async fn an_access_token_that_waits_for_the_store_is_used_for_half_its_lifetime() {
    let mock = MockGenesys::new();
    let store = Store::default();
    let source = refreshing(&mock, mock.service()).with_store(store.clone());
    store.fail(1);
    failure(&source).await;
    advance(Duration::from_secs(10_000)).await;
    let token = fetch(&source).await.unwrap();
    assert_eq!(token.remaining(), Duration::from_secs(86_399 - 10_000));
    assert_eq!(token.lifetime(), Duration::from_secs(86_399));

    store.fail(1);
    failure(&source).await;
    advance(Duration::from_secs(44_000)).await;
    let token = fetch(&source).await.unwrap();
    assert_eq!(
        (token.remaining().as_secs(), mock.token_posts()),
        (86_399, 3)
    );

    store.fail(1);
    failure(&source).await;
    let forced = FetchContext::new(Reason::Forced, Instant::now() + Duration::from_secs(9));
    source.fetch(forced).await.unwrap();
    assert_eq!(mock.token_posts(), 5, "a forced renewal gets a new token");
    assert_none_twice(&sent(&mock, "refresh_token"));
}

#[tokio::test(start_paused = true)]
async fn a_cache_recovers_with_the_store() {
    let mock = MockGenesys::new();
    let store = Store::default();
    store.fail(2);
    let cache = TokenCache::new(refreshing(&mock, mock.service()).with_store(store.clone()));
    for _ in 0..2 {
        assert_eq!(
            cache.token().await.unwrap_err().kind(),
            TokenErrorKind::NotPersisted
        );
        sleep(Duration::from_secs(2)).await;
    }
    cache.token().await.unwrap();
    assert_eq!(
        (mock.token_posts(), store.calls(), store.tokens().len()),
        (1, 3, 1)
    );
}
