use std::time::Duration;

use http::StatusCode;
use tokio::sync::mpsc;
use tower::ServiceExt;
use tower_genesys::{
    GenesysLayer, RetryPolicy,
    replay::Unreplayed,
    retry::{Backoff, Outcome, RetryEvent, Stop},
    testing::{MockGenesys, TOKENS_ME, USERS},
};

use crate::{
    fixtures::stopped_clock::StoppedClock,
    setup::{Version, setup, setup_with, text},
};

/// Shortens the waits between attempts for a test over real sockets.
fn impatient(layer: GenesysLayer) -> GenesysLayer {
    let backoff = Backoff::new().with_base(Duration::from_millis(1));
    layer.map_retry(|retry| retry.with_policy(RetryPolicy::new().with_backoff(backoff)))
}

/// The sockets are real. The clock stands still, and the test moves it to the
/// end of the wait.
#[tokio::test(start_paused = true)]
async fn the_layer_waits_for_retry_after() {
    let clock = StoppedClock::stop();
    let (waits, mut wait) = mpsc::unbounded_channel();
    let observer = move |event: &RetryEvent<'_>| {
        if let RetryEvent::Scheduled { wait, .. } = event {
            let _ = waits.send(*wait);
        }
    };
    let setup = setup_with(MockGenesys::new(), Version::Http1, |layer| {
        let backoff = Backoff::new().with_seed(7);
        let policy = RetryPolicy::new().with_backoff(backoff);
        layer.map_retry(|retry| retry.with_policy(policy).with_observer(observer))
    })
    .await;
    setup
        .mock
        .on(USERS)
        .nth(1)
        .reply_429(Duration::from_secs(20));
    let request = setup.get("/api/v2/users");
    let call = tokio::spawn(setup.genesys.clone().oneshot(request));
    let wait = wait.recv().await.expect("a 429 is retried");
    // Twenty seconds, and up to a twentieth more: by seed 7, this.
    assert_eq!(wait, Duration::from_nanos(20_251_658_983));

    // A timer fires at the end of its millisecond.
    let tick = Duration::from_millis(1);
    clock.advance(wait - tick).await;
    assert_eq!(setup.mock.count(USERS), 1, "not before the wait has ended");
    clock.advance(2 * tick).await;
    let response = call.await.expect("no panic").expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    let outcome = Outcome::of(response.extensions()).expect("it was sent twice");
    assert_eq!(outcome.sends, 2);
    assert_eq!(outcome.waited, wait + tick);
    assert_eq!(
        (setup.mock.count(USERS), setup.mock.token_posts()),
        (2, 1),
        "a 429 renews no token"
    );
}

#[tokio::test]
async fn a_429_with_a_retry_after_of_hours_is_returned_at_once() {
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
    let outcome = Outcome::of(response.extensions()).expect("no retry");
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
    let outcome = Outcome::of(response.extensions()).expect("no further retry");
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
    let outcome = Outcome::of(response.extensions()).expect("no retry");
    assert_eq!((outcome.stop, outcome.sends), (Stop::NotRepeatable, 1));
    assert_eq!(setup.mock.count(tower_genesys::testing::CREATE_USER), 1);
}

#[tokio::test]
async fn alternating_401s_and_503s_end_at_the_second_401() {
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
    // A 401, the replay with a 503, and the retry with the second 401.
    assert_eq!(setup.mock.count(TOKENS_ME), 3);
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let unreplayed = response.extensions().get::<Unreplayed>();
    assert_eq!(unreplayed, Some(&Unreplayed::AlreadyReplayed));
    assert!(
        text(response).await.contains("bad.credentials"),
        "the body is intact"
    );
}
