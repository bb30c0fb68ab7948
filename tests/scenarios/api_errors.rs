use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tower::ServiceExt;
use tower_genesys::{
    ApiError, BoxError,
    testing::{CREATE_USER, MockBody, MockGenesys, USERS as USERS_ROUTE},
};

use crate::setup::{TOKENS_ME, USERS, after, setup, setup_on};

#[tokio::test(start_paused = true)]
async fn a_403_names_the_permission_that_is_missing_and_renews_nothing() {
    let setup = setup();
    let message = "Unable to perform the requested action. You are missing the following \
                   permission(s): [directory:user:view]";
    setup
        .mock
        .on(USERS_ROUTE)
        .reply_403("missing.permissions", message);
    let response = setup.send(setup.get(USERS)).await.expect("no error");
    let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.code(), Some("missing.permissions"));
    assert_eq!(
        error.missing_permissions().collect::<Vec<_>>(),
        ["directory:user:view"]
    );
    assert!(error.to_string().contains("directory:user:view"), "{error}");
    assert!(error.context_id().is_some());
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(USERS_ROUTE)),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_that_is_not_waited_for_names_the_limit() {
    let setup = setup();
    setup
        .mock
        .on(USERS_ROUTE)
        .reply_429(Duration::from_secs(7200));
    let response = setup.send(setup.get(USERS)).await.expect("no error");
    let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.status(), 429);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7200)));
    assert!(
        error.limit().is_some_and(|limit| limit.key().is_some()),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_a_token_is_waited_out_not_dodged_with_another_token() {
    let mock = MockGenesys::builder().users(1).rate_limit(10).build();
    let setup = setup_on(mock, |org| org);
    for _ in 0..25 {
        assert_eq!(setup.status(TOKENS_ME).await.expect("no error"), 200);
    }
    assert_eq!(
        setup.mock.token_posts(),
        1,
        "a second token, with its own limit, is not fetched"
    );
}

async fn text(response: Response<MockBody>) -> String {
    let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_401_whose_renewal_failed_points_to_the_cause() {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.disable_client();
    setup.token_error().await;
    let response = setup.send(setup.get(USERS)).await.expect("no error");
    let text = text(response).await;
    assert!(text.contains("renewing it has just failed"), "{text}");
    let cause = setup.org.tokens().status().last_error.expect("the cause");
    assert_eq!(cause.oauth_code(), Some("invalid_client"));
    let status = setup.org.tokens().status();
    assert!(status.is_ready() && status.refused, "{status:?}");

    setup.mock.enable_client();
    after(Duration::from_secs(300)).await;
    assert_eq!(setup.status(USERS).await.expect("no error"), 200);
    assert!(!setup.org.tokens().status().refused);
    setup.org.tokens().invalidate();
    assert!(
        !setup.org.tokens().status().refused,
        "the caller, not the API, gave it up"
    );
}

#[tokio::test(start_paused = true)]
async fn a_401_to_an_upload_over_the_cap_names_the_cap() {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.revoke_all();
    let chunk = |_| Ok::<_, BoxError>(Frame::data(Bytes::from(vec![b' '; 4096])));
    let body = StreamBody::new(stream::iter((0..100).map(chunk)));
    let uri = setup.org.api(USERS).expect("a path");
    let request = Request::post(uri).body(body).expect("a request");
    let sent = setup.genesys.clone().oneshot(request).await;
    let text = text(sent.expect("no error")).await;
    assert!(text.contains("with_unknown_cap"), "{text}");
    assert_eq!(setup.mock.count(CREATE_USER), 1);
}

#[tokio::test(start_paused = true)]
async fn a_503_to_a_write_does_not_suggest_to_try_again() {
    let setup = setup();
    setup.mock.on(CREATE_USER).reply_503();
    let uri = setup.org.api(USERS).expect("a path");
    let request = Request::post(uri).body(r#"{"name":"Ada"}"#.into());
    let response = setup.send(request.expect("a request")).await;
    let text = text(response.expect("no error")).await;
    assert!(
        text.contains("may have been carried out, so it was not resent"),
        "{text}"
    );
    assert!(!text.contains("try again"), "{text}");
    assert_eq!(setup.mock.count(CREATE_USER), 1);
}
