//! The lifetime of a token, and its limits.

use std::time::Duration;

use http::{Method, header};
use serde_json::json;
use tower_genesys::testing::{MockGenesys, USERS};

use crate::ask::{api, form, get, send, token};

#[tokio::test(start_paused = true)]
async fn a_token_opens_the_api_until_it_expires() {
    let mock = MockGenesys::new();
    let request = form(&mock, "client-secret", "grant_type=client_credentials");
    let (_, headers, body) = send(&mock, request).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 86_399);
    assert_eq!(body.as_object().unwrap().len(), 3, "no refresh token");
    let token = body["access_token"].as_str().unwrap();

    tokio::time::advance(Duration::from_secs(86_399)).await;
    assert_eq!(get(&mock, "/api/v2/users", token).await.0, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (status, headers, body) = get(&mock, "/api/v2/users", token).await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "bad.credentials");
    assert_eq!(
        body["contextId"],
        headers["ININ-Correlation-Id"].to_str().unwrap()
    );
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_missing_token_and_a_bad_one_have_different_codes() {
    let mock = MockGenesys::new();
    let mut request = api(&mock, Method::GET, "/api/v2/users", "x");
    request.headers_mut().clear();
    let (status, _, body) = send(&mock, request).await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "authentication.required");
    let (status, _, body) = get(&mock, "/api/v2/users", "nonsense").await;
    assert_eq!(status, 401);
    assert_eq!(body["code"], "bad.credentials");
}

#[tokio::test(start_paused = true)]
async fn each_token_has_its_own_minute() {
    let mock = MockGenesys::builder().rate_limit(3).build();
    let (one, other) = (token(&mock).await, token(&mock).await);
    for _ in 0..3 {
        assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 200);
    }
    tokio::time::advance(Duration::from_millis(18_500)).await;
    let (status, headers, body) = get(&mock, "/api/v2/users", &one).await;
    assert_eq!(
        (status.as_u16(), &headers[header::RETRY_AFTER]),
        (429, &"42".parse().unwrap())
    );
    assert_eq!(body["limit"]["value"], 3);
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 200);
    tokio::time::advance(Duration::from_millis(41_500)).await;
    assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_end_by_revocation_expiry_and_eviction() {
    let mock = MockGenesys::builder().max_tokens(2).build();
    let oldest = token(&mock).await;
    let (one, other) = (token(&mock).await, token(&mock).await);
    assert_eq!(mock.live_tokens(), 2);
    assert_eq!(get(&mock, "/api/v2/users", &oldest).await.0, 401, "evicted");
    assert!(mock.revoke(&one));
    assert!(!mock.revoke(&one));
    assert_eq!(get(&mock, "/api/v2/users", &one).await.0, 401);
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 200);
    mock.expire_all();
    assert_eq!(get(&mock, "/api/v2/users", &other).await.0, 401);
    let last = mock.mint_token();
    mock.on(USERS).once().revoke_token();
    assert_eq!(get(&mock, "/api/v2/users", &last).await.0, 401);
    assert_eq!(get(&mock, "/api/v2/users", &last).await.0, 401);
    mock.accept_token("elsewhere");
    mock.on(USERS).once().expire_token();
    assert_eq!(get(&mock, "/api/v2/tokens/me", "elsewhere").await.0, 200);
    assert_eq!(get(&mock, "/api/v2/users", "elsewhere").await.0, 401);
    assert_eq!((mock.live_tokens(), mock.token_posts()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_client_loses_its_tokens() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.disable_client();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 401);
    let ask = || form(&mock, "client-secret", "grant_type=client_credentials");
    let (status, _, body) = send(&mock, ask()).await;
    assert_eq!(
        (status.as_u16(), &body["error"]),
        (400, &json!("invalid_client"))
    );
    mock.enable_client();
    assert_eq!(send(&mock, ask()).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_accepted_again_counts_as_new() {
    let mock = MockGenesys::builder().max_tokens(2).build();
    mock.accept_token("again");
    mock.accept_token("other");
    mock.revoke("again");
    mock.accept_token("again");
    mock.accept_token("third");
    assert_eq!(get(&mock, "/api/v2/users", "again").await.0, 200);
    assert_eq!(get(&mock, "/api/v2/users", "other").await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn old_tokens_and_requests_are_not_kept() {
    let mock = MockGenesys::builder()
        .users(1)
        .max_tokens(10)
        .keep_requests(0)
        .build();
    for _ in 0..10_000 {
        let token = token(&mock).await;
        assert_eq!(get(&mock, "/api/v2/tokens/me", &token).await.0, 200);
    }
    assert_eq!((mock.token_posts(), mock.api_calls()), (10_000, 10_000));
    assert_eq!((mock.live_tokens(), mock.requests().len()), (10, 0));
}
