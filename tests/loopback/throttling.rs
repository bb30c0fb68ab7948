use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tower_genesys::{
    GenesysLayer, RetryPolicy,
    replay::Unreplayed,
    retry::{Backoff, Outcome, Stop},
    testing::{MockGenesys, TOKENS_ME, USERS},
};

use crate::setup::{Version, setup, setup_with, text};

/// Waits between attempts that a test over real sockets can afford.
fn impatient(layer: GenesysLayer) -> GenesysLayer {
    let backoff = Backoff::new().with_base(Duration::from_millis(1));
    layer.map_retry(|retry| retry.with_policy(RetryPolicy::new().with_backoff(backoff)))
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let setup = setup(Version::Http1).await;
    setup
        .mock
        .on(USERS)
        .nth(1)
        .reply_429(Duration::from_secs(1));
    let started = Instant::now();
    let response = setup
        .send(setup.get("/api/v2/users"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    let outcome = Outcome::of(response.extensions()).expect("it was sent twice");
    assert_eq!(outcome.sends, 2);
    assert!(outcome.waited >= Duration::from_secs(1));
    assert_eq!(
        (setup.mock.count(USERS), setup.mock.token_posts()),
        (2, 1),
        "a 429 renews nothing"
    );
}

#[tokio::test]
async fn a_retry_after_of_hours_comes_back_at_once() {
    let setup = setup(Version::Http1).await;
    setup
        .mock
        .on(USERS)
        .reply_429(Duration::from_secs(3 * 60 * 60));
    let response = setup
        .send(setup.get("/api/v2/users"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let outcome = Outcome::of(response.extensions()).expect("a retry was not made");
    assert_eq!((outcome.stop, outcome.sends), (Stop::RetryAfterTooLong, 1));
    assert!(
        text(response).await.contains("too.many.requests"),
        "the body is intact"
    );
}

#[tokio::test]
async fn server_errors_back_off_and_the_last_one_is_returned() {
    let setup = setup_with(MockGenesys::new(), Version::Http2, impatient).await;
    setup.mock.on(USERS).reply_503();
    let response = setup
        .send(setup.get("/api/v2/users"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let outcome = Outcome::of(response.extensions()).expect("a retry was not made");
    assert_eq!((outcome.stop, outcome.sends), (Stop::SendsSpent, 4));
    assert!(
        text(response).await.contains("service.unavailable"),
        "the body is intact"
    );
    assert_eq!((setup.mock.count(USERS), setup.mock.token_posts()), (4, 1));
}

#[tokio::test]
async fn a_post_that_changes_something_is_not_repeated_after_a_503() {
    let setup = setup_with(MockGenesys::new(), Version::Http1, impatient).await;
    setup
        .mock
        .on(tower_genesys::testing::CREATE_USER)
        .reply_503();
    let response = setup
        .send(setup.post("/api/v2/users", "{}"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let outcome = Outcome::of(response.extensions()).expect("a retry was not made");
    assert_eq!((outcome.stop, outcome.sends), (Stop::NotRepeatable, 1));
    assert_eq!(setup.mock.count(tower_genesys::testing::CREATE_USER), 1);
}

#[tokio::test]
async fn alternating_401_and_503_end_after_the_retries_and_two_sends_more() {
    let setup = setup_with(MockGenesys::new(), Version::Http1, impatient).await;
    for nth in 1..20 {
        let script = setup.mock.on(TOKENS_ME).nth(nth);
        let _ = if nth % 2 == 1 {
            script.reply_401()
        } else {
            script.reply_503()
        };
    }
    let response = setup
        .send(setup.get("/api/v2/tokens/me"))
        .await
        .expect("no error");
    let retries = 3;
    assert!(
        setup.mock.count(TOKENS_ME) <= retries + 2,
        "{}",
        setup.mock.count(TOKENS_ME)
    );
    // 401, replay: 503, retry: 401, and that is the second one.
    assert_eq!(setup.mock.count(TOKENS_ME), 3);
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let unreplayed = response.extensions().get::<Unreplayed>();
    assert_eq!(unreplayed, Some(&Unreplayed::AlreadyReplayed));
    assert!(
        text(response).await.contains("bad.credentials"),
        "the body is intact"
    );
}
