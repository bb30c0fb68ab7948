use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_genesys::{
    replay::Unreplayed,
    testing::{CREATE_USER, TOKEN, TOKENS_ME as TOKENS_ME_ROUTE, USERS as USERS_ROUTE},
    token::Rejection,
};

use crate::setup::{TOKENS_ME, USERS, after, setup};

const SECONDS: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_due_token_is_renewed_while_no_caller_waits() {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.on(TOKEN).delay(SECONDS * 10);
    after(SECONDS * (86_399 - 600)).await;
    for _ in 0..100 {
        let started = Instant::now();
        assert_eq!(setup.status(USERS).await.expect("no error"), 200);
        assert_eq!(started.elapsed(), Duration::ZERO);
        after(SECONDS / 5).await;
    }
    assert_eq!(setup.mock.token_posts(), 2, "one in the background");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_token_endpoint_costs_nothing_while_the_token_is_valid() {
    fastrand::seed(1);
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.on(TOKEN).reply_503();
    after(SECONDS * (86_399 - 599)).await;
    for _ in 0..300 {
        assert_eq!(setup.status(USERS).await.expect("no error"), 200);
        after(SECONDS).await;
    }
    let posts = setup.mock.token_posts() - 1;
    assert_eq!(posts, 4, "at most eight in five minutes");
}

#[tokio::test(start_paused = true)]
async fn fresh_tokens_that_are_always_refused_are_not_minted_in_a_loop() {
    let setup = setup();
    setup.mock.on(TOKENS_ME_ROUTE).reply_401();
    let started = Instant::now();
    let mut posts = Vec::new();
    for _ in 0..10_000 {
        assert_eq!(
            setup.status(TOKENS_ME).await.expect("the server's 401"),
            401
        );
        posts.resize(setup.mock.token_posts(), started.elapsed().as_secs());
        after(SECONDS / 10).await;
    }
    assert_eq!(
        posts[..4],
        [0, 0, 0, 0],
        "the first token, and a burst of three renewals"
    );
    let pauses: Vec<_> = posts[3..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_returns_the_same_token_ends_with_the_servers_401() {
    let setup = setup();
    setup
        .mock
        .on(TOKEN)
        .reply_token_json(r#"{"access_token":"same","expires_in":86399}"#);
    for _ in 0..100 {
        let response = setup.send(setup.get(USERS)).await.expect("no error");
        assert_eq!(response.status(), 401);
        assert!(response.extensions().get::<Rejection>().is_some());
    }
    assert_eq!(setup.mock.token_posts(), 2);
    assert_eq!(setup.mock.count(USERS_ROUTE), 101, "one resend");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_between_check_and_send_costs_one_replay() {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.on(USERS_ROUTE).nth(1).expire_token();
    assert_eq!(setup.status(USERS).await.expect("no error"), 200);
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(USERS_ROUTE)),
        (2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_year_of_requests_costs_one_token_a_day() {
    fastrand::seed(1);
    let setup = setup();
    for _ in 0..(365 * 24) {
        assert_eq!(setup.status(USERS).await.expect("no error"), 200);
        after(SECONDS * 3600).await;
    }
    let posts = setup.mock.token_posts();
    assert_eq!(posts, 365);
    assert_eq!(setup.mock.api_calls(), 365 * 24, "and no 401");
}

#[tokio::test(start_paused = true)]
async fn a_stream_over_the_cap_is_sent_once_and_the_next_request_has_the_new_token() {
    use http_body::Frame;
    use http_body_util::StreamBody;

    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.revoke_all();
    let chunk = || Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![7; 4096])));
    let stream = StreamBody::new(futures_util::stream::iter((0..100).map(move |_| chunk())));
    let uri = setup.org.api(USERS).expect("a path");
    let request = http::Request::post(uri).body(stream).expect("a request");
    let response = setup
        .genesys
        .clone()
        .oneshot(request)
        .await
        .expect("no error");
    assert_eq!(response.status(), 401);
    let extensions = response.extensions();
    assert_eq!(extensions.get(), Some(&Unreplayed::BodyGone));
    assert_eq!(extensions.get(), Some(&Rejection::Renewing));

    assert_eq!(setup.status(TOKENS_ME).await.expect("no error"), 200);
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(CREATE_USER)),
        (2, 1)
    );
    let sent = &setup.mock.requests_at(CREATE_USER)[0];
    assert_eq!(sent.body().len(), 409_600, "the whole body, once");
}
