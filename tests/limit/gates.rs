//! A 429 closes the gates of the limit that it names.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use tokio::time::{Instant, sleep};
use tower_genesys::{
    CallOptions,
    testing::{ANY_API, MockGenesys, TOKENS_ME, USERS},
};

use crate::setup::*;

const ME_PATH: &str = "/api/v2/tokens/me";

/// A 429 that names this limit, with a `Retry-After` of 30 s.
fn too_many(key: &str, namespace: &str) -> (StatusCode, HeaderMap, Bytes) {
    let body = format!(
        r#"{{"code":"too.many.requests.retry.after","limit":{{"key":"{key}","namespace":"{namespace}","value":300}}}}"#
    );
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    (StatusCode::TOO_MANY_REQUESTS, headers, body.into())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_token_closes_all_paths() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("token.rate.per.minute", "platform.api");
    mock.on(USERS).nth(1).reply(status, headers, body);
    let first = process.clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), millis(26_957));
    assert_eq!(first.await.expect("no panic"), 200);
    assert_eq!(mock.api_calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_service_closes_the_paths_that_have_met_it_and_no_other() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("user.rate.per.minute", "directory");
    mock.on(USERS)
        .nth(1)
        .reply(status, headers.clone(), body.clone());
    mock.on(TOKENS_ME).nth(1).reply(status, headers, body);
    // Each path learns from its own 429 that the limit applies to it.
    assert_eq!(process.get(USERS_PATH).await.status(), 200);
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), millis(32_027), "its own 429");
    // After that, a 429 to one path closes both.
    let (status, headers, body) = too_many("user.rate.per.minute", "directory");
    mock.on(USERS).nth(3).reply(status, headers, body);
    let first = process.clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(process.get("/api/v2/routing/queues").await.status(), 404);
    assert_eq!(started.elapsed(), seconds(0));
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), millis(28_371));
    assert_eq!(first.await.expect("no panic"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_no_limit_closes_its_path_only() {
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    let status = StatusCode::TOO_MANY_REQUESTS;
    mock.on(USERS).nth(1).reply(status, headers, "<html>");
    let first = process.clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), seconds(0));
    assert_eq!(first.await.expect("no panic"), 200);
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_429_that_goes_to_the_caller_is_whole() {
    use http_body_util::BodyExt;
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("token.rate.per.minute", "platform.api");
    mock.on(ANY_API).nth(1).reply(status, headers, body.clone());
    let once = CallOptions::new().without_retry();
    let response = process.get_with(USERS_PATH, once).await;
    let read = response.into_body().collect().await.expect("a body");
    assert_eq!(read.to_bytes(), body);
    // The layers have not read the body, so they close its path only.
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_of_a_429_delays_nothing() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("token.rate.per.minute", "platform.api");
    mock.on(USERS)
        .nth(1)
        .reply(status, headers, body)
        .endless_body();
    let started = Instant::now();
    assert_eq!(process.get(USERS_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), millis(31_757));
}
