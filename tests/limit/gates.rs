//! A 429 closes what it is about.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use tokio::time::{Instant, sleep};
use tower_genesys::{
    CallOptions,
    testing::{ANY_API, MockGenesys, TOKENS_ME, USERS},
};

use crate::setup::*;

const ME_PATH: &str = "/api/v2/tokens/me";

/// A 429 of this limit, to be tried again after 30 s.
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
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("token.rate.per.minute", "platform.api");
    mock.on(USERS).nth(1).reply(status, headers, body);
    let first = process.clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert!(started.elapsed() >= seconds(24), "{:?}", started.elapsed());
    assert_eq!(first.await.expect("no panic"), 200);
    assert_eq!(mock.api_calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_service_closes_the_paths_that_name_it_and_no_other() {
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("user.rate.per.minute", "directory");
    mock.on(USERS)
        .nth(1)
        .reply(status, headers.clone(), body.clone());
    mock.on(TOKENS_ME).nth(1).reply(status, headers, body);
    // Both get to know that they share it.
    assert_eq!(process.get(USERS_PATH).await.status(), 200);
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert!(started.elapsed() >= seconds(30), "its own 429");
    // From now on a 429 of the one closes both.
    let (status, headers, body) = too_many("user.rate.per.minute", "directory");
    mock.on(USERS).nth(3).reply(status, headers, body);
    let first = process.clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(process.get("/api/v2/routing/queues").await.status(), 404);
    assert!(started.elapsed() < seconds(1), "{:?}", started.elapsed());
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert!(started.elapsed() >= seconds(24), "{:?}", started.elapsed());
    assert_eq!(first.await.expect("no panic"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_nothing_closes_its_path_alone() {
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
    assert!(started.elapsed() < seconds(1), "{:?}", started.elapsed());
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
    // Nothing is known of what it is about: only its path is closed.
    let started = Instant::now();
    assert_eq!(process.get(ME_PATH).await.status(), 200);
    assert!(started.elapsed() < seconds(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_holds_nothing_up() {
    let mock = MockGenesys::new();
    let process = Process::unlimited(&mock);
    let (status, headers, body) = too_many("token.rate.per.minute", "platform.api");
    mock.on(USERS)
        .nth(1)
        .reply(status, headers, body)
        .endless_body();
    let started = Instant::now();
    assert_eq!(process.get(USERS_PATH).await.status(), 200);
    assert!(started.elapsed() < seconds(40), "{:?}", started.elapsed());
}
