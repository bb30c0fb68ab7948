use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use tokio::time::Instant;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, ReplayBody, RetryPolicy,
    retry::Backoff,
    testing::{MockGenesys, TOKEN, TOKENS_ME as TOKENS_ME_ROUTE, USERS as USERS_ROUTE},
};

use crate::setup::{Body, TOKENS_ME, USERS, after, setup};

const SECONDS: Duration = Duration::from_secs(1);

type Request = http::Request<ReplayBody<Body>>;

/// Sends fifty requests through a client with one permit for everything, token
/// requests included. A token is revoked meanwhile, and each request fails five
/// times.
async fn one_permit<S>(mock: MockGenesys, client: S)
where
    S: tower::Service<Request, Response = http::Response<tower_genesys::testing::MockBody>>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let credentials = Credentials::new(mock.client_id(), mock.client_secret());
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("well-formed"))
        .build::<ReplayBody<Body>>(client.clone())
        .expect("the region is https");
    let policy = RetryPolicy::new()
        .with_max_sends(5)
        .with_backoff(Backoff::new().with_base(Duration::from_millis(10)));
    let genesys = GenesysLayer::new(&org)
        .map_retry(|retry| {
            retry
                .with_policy(policy)
                .with_upstream_from(|_| None)
                .with_upstream(tower_genesys::retry::Upstream::new().without_budget())
        })
        .layer(client);
    mock.on(TOKEN).delay(SECONDS / 10);
    // An outage in front of the API, where no token is checked.
    mock.on(TOKENS_ME_ROUTE).to_anyone().reply_503();
    mock.on(TOKENS_ME_ROUTE).nth(60).revoke_token();
    let calls = (0..50).map(|_| {
        let uri = org.api(TOKENS_ME).expect("a path");
        let request = http::Request::get(uri)
            .body(Body::default())
            .expect("a request");
        genesys.clone().oneshot(request)
    });
    let answers = tokio::time::timeout(SECONDS * 600, join_all(calls)).await;
    for answer in answers.expect("no deadlock") {
        assert_eq!(answer.expect("no error").status(), 503);
    }
    assert_eq!(
        mock.count(TOKENS_ME_ROUTE),
        50 * 5 + 1,
        "five sends each, and one replay"
    );
    assert_eq!(mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_of_one_shared_with_the_token_client_does_not_deadlock() {
    let mock = MockGenesys::builder().users(1).build();
    let client = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(mock.service());
    one_permit(mock, client).await;
}

#[tokio::test(start_paused = true)]
async fn a_buffer_of_one_shared_with_the_token_client_does_not_deadlock() {
    let mock = MockGenesys::builder().users(1).build();
    let service = mock.service();
    let client = ServiceBuilder::new()
        .buffer::<Request>(1)
        .concurrency_limit(1)
        .service(service);
    one_permit(mock, client).await;
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_never_waits_at_the_throttle_of_the_api() {
    let setup = setup();
    // A 429 without a body names no limit, so it closes its own path only.
    let wait = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("100"))]);
    let first = setup.mock.on(USERS_ROUTE).first(1);
    first.reply(StatusCode::TOO_MANY_REQUESTS, wait, "");
    let throttled = tokio::spawn({
        let setup = setup.clone();
        async move { setup.status(USERS).await }
    });
    setup.mock.wait_for(USERS_ROUTE, 1).await;
    after(SECONDS).await;
    let started = Instant::now();
    setup.mock.revoke_all();
    assert_eq!(setup.status(TOKENS_ME).await.expect("no error"), 200);
    assert_eq!(
        (setup.mock.token_posts(), started.elapsed()),
        (2, Duration::ZERO)
    );
    assert_eq!(throttled.await.expect("no panic").expect("no error"), 200);
    assert_eq!(setup.mock.count(USERS_ROUTE), 2);
}
