use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_genesys::{
    RetryPolicy,
    retry::Outcome,
    testing::{TOKENS_ME, USERS},
};

use crate::setup::{Body, ME_PATH, Sent, Setup, USERS_PATH, seconds, setup};

/// How long a call takes while another call, to another path, waits a minute
/// for its retry.
async fn second_call_takes<S>(setup: &Setup, stack: S) -> std::time::Duration
where
    S: Service<http::Request<Body>, Error: std::fmt::Debug + Send, Response: Send, Future: Send>
        + Clone
        + Send
        + 'static,
{
    setup.fails_once(USERS);
    let first = tokio::spawn(stack.clone().oneshot(setup.get(USERS_PATH)));
    setup.mock.wait_for(USERS, 1).await;
    tokio::task::yield_now().await;
    let started = Instant::now();
    setup.answer(stack, ME_PATH).await;
    let took = started.elapsed();
    first.await.expect("no panic").expect("no error");
    assert_eq!(
        (setup.mock.count(USERS), setup.mock.count(TOKENS_ME)),
        (2, 1)
    );
    took
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_inside_is_not_held_while_a_call_waits() {
    let setup = setup().await;
    let stack = ServiceBuilder::new()
        .layer(setup.layer.clone())
        .concurrency_limit(1)
        .service(setup.mock.service());
    assert_eq!(second_call_takes(&setup, stack).await, seconds(0));
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_outside_is_held_through_all_waits() {
    fastrand::seed(1);
    let setup = setup().await;
    let stack = ServiceBuilder::new()
        .concurrency_limit(1)
        .layer(setup.layer.clone())
        .service(setup.mock.service());
    assert_eq!(second_call_takes(&setup, stack).await.as_millis(), 62_928);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_inside_is_not_held_while_a_call_waits_for_a_token() {
    let setup = crate::setup::cold().await;
    let held = setup.mock.hold(tower_genesys::testing::TOKEN);
    let client = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(setup.mock.service());
    let stack = ServiceBuilder::new()
        .layer(setup.layer.clone())
        .service(client.clone());
    let waiting = tokio::spawn(stack.oneshot(setup.get(USERS_PATH)));
    setup.mock.wait_for(tower_genesys::testing::TOKEN, 1).await;
    // The only permit is free for another request.
    let unsigned = setup.get(USERS_PATH).map(tower_genesys::ReplayBody::new);
    let response = client.oneshot(unsigned).await.expect("no error");
    assert_eq!(response.status(), 401);
    held.release();
    assert_eq!(
        waiting.await.expect("no panic").expect("no error").status(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_inside_counts_each_send() {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    // The rate limit is not `Clone`, so it has a buffer around it.
    let client = ServiceBuilder::new()
        .buffer::<Sent>(8)
        .rate_limit(2, seconds(20))
        .service(setup.mock.service());
    let stack = setup.layer.layer(client);
    let started = Instant::now();
    for (expected, sends) in [(0, 2), (20, 3), (20, 4)] {
        setup.answer(stack.clone(), USERS_PATH).await;
        assert_eq!(started.elapsed().as_secs(), expected);
        assert_eq!(setup.mock.count(USERS), sends);
    }
}

#[tokio::test(start_paused = true)]
async fn the_attempt_time_out_includes_the_queue_of_a_buffer_and_abandoned_attempts_are_not_sent() {
    let setup = setup().await;
    let client = ServiceBuilder::new()
        .buffer::<Sent>(8)
        .rate_limit(1, seconds(100))
        .service(setup.mock.service());
    let waiting = setup.layer.clone().layer(client.clone());
    let patient = setup
        .layer
        .clone()
        .map_retry(|retry| retry.with_policy(RetryPolicy::new().without_attempt_timeout()));
    let patient = patient.layer(client);
    let call = || setup.get(USERS_PATH);
    patient.clone().oneshot(call()).await.expect("no error");

    // Each attempt ends after 30 s, and its retry goes to the end of the queue.
    let response = waiting.oneshot(call()).await.expect("no error");
    let outcome = Outcome::of(response.extensions()).expect("attempts were given up");
    assert_eq!((outcome.sends, setup.mock.count(USERS)), (4, 2));

    let response = patient.oneshot(call()).await.expect("no error");
    assert!(Outcome::of(response.extensions()).is_none(), "one send");
    assert_eq!(setup.mock.count(USERS), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_outside_counts_calls_and_not_their_sends() {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    let mut stack = ServiceBuilder::new()
        .rate_limit(2, seconds(100))
        .layer(setup.layer.clone())
        .service(setup.mock.service());
    let started = Instant::now();
    for (expected, sends) in [(0, 2), (0, 3), (100, 4)] {
        let ready = ServiceExt::<http::Request<Body>>::ready(&mut stack)
            .await
            .expect("it is ready");
        ready.call(setup.get(USERS_PATH)).await.expect("no error");
        assert_eq!(started.elapsed().as_secs(), expected);
        assert_eq!(setup.mock.count(USERS), sends);
    }
}
