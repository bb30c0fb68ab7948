use tokio::time::Instant;
use tower::{Layer, ServiceBuilder, ServiceExt, buffer::error::Closed};
use tower_genesys::{
    bearer::OriginError,
    testing::{MockError, TOKENS_ME, USERS},
};

use crate::setup::{Body, ME_PATH, Sent, USERS_PATH, seconds, setup};

#[tokio::test(start_paused = true)]
async fn inside_each_attempt_goes_through_the_worker_and_errors_keep_their_meaning() {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    setup.mock.on(USERS).nth(2).reset();
    let client = ServiceBuilder::new()
        .buffer::<Sent>(1)
        .service(setup.mock.service());
    let stack = setup.layer.layer(client);
    let response = setup.answer(stack.clone(), USERS_PATH).await;
    assert_eq!(
        (response.status().as_u16(), setup.mock.count(USERS)),
        (200, 3)
    );
    assert_eq!(setup.mock.token_posts(), 2);

    setup.mock.on(TOKENS_ME).reset();
    let error = stack
        .oneshot(setup.get(ME_PATH))
        .await
        .expect_err("it is reset each time");
    assert!(
        error.is::<MockError>(),
        "the buffer does not wrap it: {error:?}"
    );
    assert_eq!(setup.mock.count(TOKENS_ME), 4);
}

#[tokio::test(start_paused = true)]
async fn outside_it_passes_calls_on_and_a_waiting_call_blocks_no_other() {
    let setup = setup().await;
    setup.fails_once(USERS);
    let stack = ServiceBuilder::new()
        .buffer::<http::Request<Body>>(1)
        .layer(setup.layer.clone())
        .service(setup.mock.service());
    let first = tokio::spawn(stack.clone().oneshot(setup.get(USERS_PATH)));
    setup.mock.wait_for(USERS, 1).await;
    let started = Instant::now();
    setup.answer(stack.clone(), ME_PATH).await;
    assert_eq!(started.elapsed(), seconds(0));
    assert_eq!(
        first.await.expect("no panic").expect("no error").status(),
        200
    );

    let foreign = http::Request::get("https://evil.example/").body(Body::default());
    let error = stack.oneshot(foreign.expect("a request")).await;
    let error = error.map(drop).expect_err("it is refused");
    assert!(OriginError::find(&*error).is_some(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_gone_is_an_error_at_once() {
    let setup = setup().await;
    // The worker is a task of this runtime, and ends with it.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let client = {
        let _inside = runtime.enter();
        let service = setup.mock.service();
        ServiceBuilder::new().buffer::<Sent>(1).service(service)
    };
    runtime.shutdown_background();
    let started = Instant::now();
    let stack = setup.layer.clone().layer(client);
    let error = stack.oneshot(setup.get(USERS_PATH)).await.map(drop);
    let error = error.expect_err("the worker is gone");
    assert!(error.is::<Closed>(), "{error:?}");
    assert_eq!(started.elapsed(), seconds(0), "there is no retry");
}
