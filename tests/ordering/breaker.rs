use http::{Response, StatusCode};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError,
    testing::{ANY_API, MockBody, MockError, USERS},
};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

use crate::setup::{USERS_PATH, seconds, setup};

/// Opens for half a minute after two failures in a row, which are errors or
/// responses with a 5xx.
macro_rules! breaker {
    ($error:ty) => {
        CircuitBreakerLayer::builder()
            .consecutive_failures(2)
            .wait_duration_in_open(seconds(30))
            .failure_classifier(|result: &Result<Response<MockBody>, $error>| match result {
                Ok(response) => response.status().is_server_error(),
                Err(_) => true,
            })
            .build()
            .expect("it is well-formed")
    };
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_outside_fails_fast_in_an_outage_and_serves_after_it_closes() {
    let setup = setup().await;
    setup.mock.on(ANY_API).first(8).reply_503();
    let stack = breaker!(BoxError).layer(setup.layer.clone().layer(setup.mock.service()));
    for sends in [4, 8] {
        let response = setup.answer(stack.clone(), USERS_PATH).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(setup.mock.count(USERS), sends, "with all its retries");
    }
    let error = stack.clone().oneshot(setup.get(USERS_PATH)).await;
    assert!(matches!(error, Err(CircuitBreakerError::OpenCircuit)));
    assert_eq!(setup.mock.count(USERS), 8, "nothing is sent");

    // The breaker's clock cannot be paused, so the test closes it.
    stack.force_closed().await;
    let response = setup.answer(stack.clone(), USERS_PATH).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        setup.answer(stack, USERS_PATH).await.status(),
        StatusCode::OK
    );
    assert_eq!(setup.mock.count(USERS), 10);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_breaker_outside_never_opens_if_it_ignores_the_status() {
    let setup = setup().await;
    setup.mock.on(ANY_API).reply_503();
    let breaker = CircuitBreakerLayer::builder()
        .consecutive_failures(2)
        .build();
    let stack = breaker
        .unwrap()
        .layer(setup.layer.clone().layer(setup.mock.service()));
    for _ in 0..4 {
        let response = setup.answer(stack.clone(), USERS_PATH).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(setup.mock.count(USERS), 16);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_circuit_breaker_inside_is_retried_so_calls_do_not_fail_fast() {
    fastrand::seed(1);
    let setup = setup().await;
    setup.mock.on(ANY_API).reply_503();
    let stack = setup
        .layer
        .clone()
        .layer(breaker!(MockError).layer(setup.mock.service()));
    let started = tokio::time::Instant::now();
    let result = stack.oneshot(setup.get(USERS_PATH)).await;
    assert!(result.is_err());
    assert_eq!(setup.mock.count(USERS), 2, "then the circuit is open");
    // Three backoffs, the last two between attempts that the breaker refuses.
    assert_eq!(started.elapsed().as_millis(), 11_938);
}
