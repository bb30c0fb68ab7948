//! `refresh_token`: each answer may replace the refresh token.

use http::HeaderMap;
use tower_genesys::{
    Org, TokenCache,
    genesys::grants::RefreshToken,
    testing::{MockGenesys, TOKEN},
    token::TokenSource,
};

use crate::setup::{Body, assert_none_twice, credentials, fetch, forms, refreshing, sent};

#[tokio::test(start_paused = true)]
async fn each_answer_brings_the_next_refresh_token() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, mock.service()).with_parameter("audience", "x");
    assert!(!source.is_repeatable());
    for _ in 0..5 {
        fetch(&source).await.unwrap();
    }
    let tokens = sent(&mock, "refresh_token");
    assert_none_twice(&tokens);
    assert_eq!((tokens.len(), mock.live_tokens()), (5, 5));
    assert_eq!(sent(&mock, "audience"), ["x"; 5]);
    assert!(
        mock.requests_at(TOKEN)
            .iter()
            .all(|request| request.basic().is_some())
    );
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_does_not_rotate_is_kept() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, mock.service());
    let answer = r#"{"access_token":"a","token_type":"bearer","expires_in":60}"#;
    mock.on(TOKEN).first(3).reply_token_json(answer);
    for _ in 0..3 {
        assert_eq!(fetch(&source).await.unwrap().expose(), "a");
    }
    let tokens = sent(&mock, "refresh_token");
    assert_eq!(tokens, vec![tokens[0].clone(); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_cache_renews_with_refresh_tokens_for_weeks() {
    let mock = MockGenesys::new();
    let source = refreshing(&mock, mock.service());
    let org = Org::builder(mock.region())
        .build_from_source(source)
        .unwrap();
    for day in 1..=20 {
        let token = org.tokens().token().await.unwrap();
        assert!(mock.revoke(token.expose()));
        assert_eq!(mock.token_posts(), day);
        tokio::time::advance(std::time::Duration::from_secs(86_400)).await;
    }
    assert_none_twice(&sent(&mock, "refresh_token"));
}

#[tokio::test(start_paused = true)]
async fn concurrent_callers_use_one_refresh_token() {
    let mock = MockGenesys::new();
    let cache = TokenCache::new(refreshing(&mock, mock.service()));
    let callers = (0..1000).map(|_| cache.token());
    let tokens = futures_util::future::join_all(callers).await;
    assert!(tokens.iter().all(Result::is_ok));
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_may_be_any_text() {
    let mock = MockGenesys::new();
    let odd = "a b+c&d=%20/é\n";
    mock.on(TOKEN)
        .once()
        .reply(http::StatusCode::BAD_REQUEST, HeaderMap::new(), "");
    let source: RefreshToken<_, _, Body> =
        RefreshToken::new(mock.region(), credentials(&mock), odd, mock.service());
    fetch(&source).await.unwrap_err();
    assert_eq!(forms(&mock)[0]["refresh_token"], odd);
}
