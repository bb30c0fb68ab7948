use http::Method;
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt, timeout::error::Elapsed};
use tower_genesys::{
    BearerLayer, RefreshLayer, ReplayLayer, RetryLayer, RetryPolicy,
    retry::{Backoff, GaveUp},
    testing::{TOKEN, USERS},
};

use crate::setup::{USERS_PATH, cold, seconds, setup};

fn at_once() -> RetryLayer {
    let backoff = Backoff::new().with_base(std::time::Duration::ZERO);
    RetryLayer::new(RetryPolicy::new().with_backoff(backoff))
}

#[tokio::test(start_paused = true)]
async fn outermost_it_bounds_the_whole_call_with_its_waits() {
    let setup = setup().await;
    setup.fails_once(USERS);
    let stack = ServiceBuilder::new()
        .timeout(seconds(10))
        .layer(setup.layer.clone())
        .service(setup.mock.service());
    let started = Instant::now();
    let error = stack
        .oneshot(setup.get(USERS_PATH))
        .await
        .expect_err("it takes a minute");
    assert!(error.is::<Elapsed>(), "{error}");
    assert_eq!(
        (started.elapsed(), setup.mock.count(USERS)),
        (seconds(10), 1)
    );
    tokio::time::sleep(seconds(120)).await;
    assert_eq!(
        setup.mock.count(USERS),
        1,
        "an abandoned call sends nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn innermost_it_bounds_each_attempt_and_the_call_is_retried() {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).never_answers();
    let stack = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(at_once())
        .layer(RefreshLayer::new())
        .layer(BearerLayer::per_request(setup.org.clone()))
        .timeout(seconds(5))
        .service(setup.mock.service());
    let started = Instant::now();
    let response = setup.answer(stack.clone(), USERS_PATH).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        (started.elapsed(), setup.mock.count(USERS)),
        (seconds(5), 2)
    );

    // A POST that may have been executed is not resent.
    setup
        .mock
        .on(tower_genesys::testing::CREATE_USER)
        .never_answers();
    let mut post = setup.get(USERS_PATH);
    *post.method_mut() = Method::POST;
    let error = stack.oneshot(post).await.expect_err("there is no answer");
    let gave_up = GaveUp::find(&*error).expect("it says that it may be done");
    assert!(gave_up.get_ref().is::<Elapsed>(), "{gave_up}");
    assert_eq!(setup.mock.count(tower_genesys::testing::CREATE_USER), 1);
}

#[tokio::test(start_paused = true)]
async fn between_retry_and_bearer_it_includes_the_wait_for_a_token() {
    let setup = cold().await;
    setup.mock.on(TOKEN).delay(seconds(7));
    let stack = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(at_once())
        .timeout(seconds(5))
        .layer(RefreshLayer::new())
        .layer(BearerLayer::per_request(setup.org.clone()))
        .service(setup.mock.service());
    let started = Instant::now();
    let response = setup.answer(stack, USERS_PATH).await;
    assert_eq!(response.status(), 200);
    // The first attempt sent nothing. The renewal runs in a separate task and
    // was not cancelled with it.
    assert_eq!((setup.mock.token_posts(), setup.mock.count(USERS)), (1, 1));
    assert_eq!(started.elapsed(), seconds(7));
}

#[tokio::test(start_paused = true)]
async fn innermost_it_does_not_include_the_wait_for_a_token() {
    let setup = cold().await;
    setup.mock.on(TOKEN).delay(seconds(7));
    let stack = ServiceBuilder::new()
        .layer(setup.layer.clone())
        .timeout(seconds(5))
        .service(setup.mock.service());
    let started = Instant::now();
    let response = setup.answer(stack, USERS_PATH).await;
    assert_eq!(
        (response.status().as_u16(), started.elapsed()),
        (200, seconds(7))
    );
    assert_eq!((setup.mock.token_posts(), setup.mock.count(USERS)), (1, 1));
}
