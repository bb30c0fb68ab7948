//! Scripted rules for single requests.

use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::time::Instant;
use tower::ServiceExt;
use tower_genesys::testing::{
    ANY_API, CREATE_USER, DETAILS_QUERY, MockErrorKind, MockGenesys, Route, USERS,
};

use crate::ask::{QUERY, api, get, post, send, token};

#[tokio::test(start_paused = true)]
async fn only_the_fourth_query_gets_a_429() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let body = json!({ "interval": mock.interval() });
    let ask = || send(&mock, post(&mock, QUERY, &token, &body));
    assert_eq!(ask().await.0, 200);
    // The rule is added after the first request, and counts that one too.
    mock.on(DETAILS_QUERY)
        .nth(4)
        .reply_429(Duration::from_millis(41_001));
    let mut statuses = Vec::new();
    for _ in 2..=5 {
        let (status, headers, body) = ask().await;
        statuses.push(status.as_u16());
        if status == 429 {
            assert_eq!(headers[header::RETRY_AFTER], "42");
            assert_eq!(body["code"], "too.many.requests.retry.after");
            assert_eq!(
                body["message"],
                "Rate limit exceeded the maximum. Retry the request in [42] seconds"
            );
        }
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(mock.count(DETAILS_QUERY), 5);
}

#[tokio::test(start_paused = true)]
async fn selectors_pick_by_ordinal_and_the_last_rule_wins() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(USERS).from(6).reply_status(StatusCode::NOT_FOUND);
    mock.on(USERS).every(2).reply_status(StatusCode::CONFLICT);
    mock.on(USERS).first(2).reply_503();
    mock.on(ANY_API).once().reply_status(StatusCode::GONE);
    let mut statuses = Vec::new();
    for _ in 1..=8 {
        let status = get(&mock, "/api/v2/users", &token).await.0;
        statuses.push(status.as_u16());
    }
    assert_eq!(statuses, [410, 503, 200, 409, 200, 409, 404, 409]);
    mock.clear_script();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn held_requests_are_judged_when_they_are_released() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let held = mock.hold(USERS);
    let storm = join_all((0..50).map(|_| get(&mock, "/api/v2/users", &token)));
    let control = async {
        mock.wait_for(USERS, 50).await;
        assert_eq!(held.waiting(), 50);
        assert_eq!(
            get(&mock, "/api/v2/tokens/me", &token).await.0,
            200,
            "another route"
        );
        mock.revoke(&token);
        held.release();
    };
    let (answers, ()) = tokio::join!(storm, control);
    assert!(answers.iter().all(|(status, _, _)| *status == 401));
    assert_eq!(
        get(&mock, "/api/v2/users", &token).await.0,
        401,
        "held no longer"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_and_missing_responses_follow_the_clock() {
    let mock = MockGenesys::builder()
        .latency(Duration::from_millis(20))
        .build();
    let token = token(&mock).await;
    mock.on(USERS)
        .nth(1)
        .delay(Duration::from_secs(3))
        .reply_503();
    mock.on(USERS).nth(2).never_answers();
    let begin = Instant::now();
    assert_eq!(get(&mock, "/api/v2/users", &token).await.0, 503);
    assert_eq!(begin.elapsed(), Duration::from_millis(3020));
    let hour = Duration::from_secs(3600);
    let silence = tokio::time::timeout(hour, get(&mock, "/api/v2/users", &token)).await;
    assert!(silence.is_err());
    assert_eq!(mock.requests().last().unwrap().status(), None);
}

#[tokio::test(start_paused = true)]
async fn broken_responses_break_as_on_a_wire() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(USERS).nth(1).reset();
    mock.on(USERS).nth(2).truncated_body();
    mock.on(USERS).nth(3).endless_body();
    let ask = || {
        mock.service()
            .oneshot(api(&mock, Method::GET, "/api/v2/users", &token))
    };
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), MockErrorKind::Reset);
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionReset);

    let mut body = ask().await.unwrap().into_body();
    assert!(
        !body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .is_empty()
    );
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), MockErrorKind::Truncated);

    let endless = ask().await.unwrap();
    assert!(!endless.headers().contains_key(header::CONTENT_LENGTH));
    let mut body = endless.into_body();
    let mut read = 0;
    while read < 1 << 20 {
        read += body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
            .len();
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_response_leaves_the_body_unread() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    mock.on(CREATE_USER).once().early(StatusCode::UNAUTHORIZED);
    let user = json!({ "name": "Ada", "email": "ada@example.com" });
    let create = || send(&mock, post(&mock, "/api/v2/users", &token, &user));
    let (status, _, body) = create().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (401, &json!("bad.credentials"))
    );
    assert_eq!(create().await.0, 200);
    let requests = mock.requests_at(CREATE_USER);
    let bodies: Vec<_> = requests
        .iter()
        .map(|one| (one.body().len(), one.body_complete()))
        .collect();
    assert_eq!(bodies, [(0, false), (user.to_string().len(), true)]);
    assert_eq!(requests[1].body(), user.to_string().as_bytes());
}

#[tokio::test(start_paused = true)]
async fn scripted_responses_are_as_scripted() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let route = Route::new(Method::GET, "/api/v2/x/{id}/*");
    mock.on(route.clone())
        .nth(1)
        .reply_403("not.authorized", "No.");
    mock.on(route.clone())
        .nth(2)
        .reply_html(StatusCode::BAD_GATEWAY);
    mock.on(route.clone())
        .nth(3)
        .reply_429_without_retry_after();
    let mut headers = HeaderMap::new();
    headers.insert("x-own", "yes".parse().unwrap());
    mock.on(route.clone())
        .nth(4)
        .reply(StatusCode::ACCEPTED, headers, "[1]");
    mock.on(route.clone())
        .nth(5)
        .reply_401_authentication_required();
    mock.on(route).nth(6).reply_status(StatusCode::NO_CONTENT);
    let ask = || get(&mock, "/api/v2/x/1/y", &token);
    let (status, _, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (403, &json!("not.authorized"))
    );
    let (status, headers, _) = ask().await;
    assert_eq!(status, 502);
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &body["code"]),
        (429, &json!("too.many.requests"))
    );
    assert!(!headers.contains_key(header::RETRY_AFTER));
    let (status, headers, body) = ask().await;
    assert_eq!(
        (status.as_u16(), &headers["x-own"], body),
        (202, &"yes".parse().unwrap(), json!([1]))
    );
    assert_eq!(ask().await.2["code"], "authentication.required");
    let none = mock
        .service()
        .oneshot(api(&mock, Method::GET, "/api/v2/x/1/y", &token));
    let none = none.await.unwrap();
    assert_eq!(none.status(), 204);
    assert!(!none.headers().contains_key(header::CONTENT_LENGTH));
}

/// Otherwise a test of an endpoint that the mock does not know would pass
/// without any layer.
#[tokio::test(start_paused = true)]
async fn a_scripted_response_requires_a_good_token() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let queues = Route::new(Method::GET, "/api/v2/routing/queues");
    mock.on(queues.clone())
        .reply_json(StatusCode::OK, json!({ "entities": [], "total": 0 }));
    let ask = |token: &str| {
        let request = api(&mock, Method::GET, "/api/v2/routing/queues", token);
        send(&mock, request)
    };
    let (status, headers, body) = ask(&token).await;
    assert_eq!((status.as_u16(), &body["total"]), (200, &json!(0)));
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(ask("stale").await.2["code"], "bad.credentials");
    let mut bare = api(&mock, Method::GET, "/api/v2/routing/queues", &token);
    bare.headers_mut().remove(header::AUTHORIZATION);
    assert_eq!(
        send(&mock, bare.clone()).await.2["code"],
        "authentication.required"
    );

    mock.on(queues.clone())
        .early(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask("stale").await.0, 401);
    mock.on(queues).to_anyone().reply_503();
    assert_eq!(send(&mock, bare).await.0, 503);
    mock.revoke_all();
    assert_eq!(ask(&token).await.0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_written_as_json_is_a_500_that_says_so() {
    let mock = MockGenesys::new();
    let token = token(&mock).await;
    let odd: std::collections::HashMap<[u8; 2], u8> = [([1, 2], 3)].into();
    mock.on(USERS).reply_json(StatusCode::OK, odd);
    let (status, _, body) = get(&mock, "/api/v2/users", &token).await;
    assert_eq!(status, 500);
    assert!(body["message"].as_str().unwrap().contains("JSON"), "{body}");
    assert!(http_body::Body::is_end_stream(
        &tower_genesys::testing::MockBody::default()
    ));
}
