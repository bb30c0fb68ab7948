use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    replay::Unreplayed,
    testing::{CREATE_USER, DETAILS_QUERY, MockGenesys, TOKENS_ME, USERS},
    token::Rejection,
};

use crate::setup::{Version, setup, text};

async fn two_hundred_at_once(version: Version) {
    let setup = setup(version).await;
    setup.org.tokens().token().await.expect("the first token");
    let held = setup.mock.hold(USERS);
    let calls = (1..=200).map(|n| {
        let request = setup.get(&format!("/api/v2/users?pageNumber={n}"));
        setup.genesys.clone().oneshot(request)
    });
    let all = tokio::spawn(join_all(calls));
    setup.mock.wait_for(USERS, 200).await;
    setup.mock.revoke_all();
    held.release();

    for response in all.await.expect("no panic") {
        assert_eq!(response.expect("no error").status(), StatusCode::OK);
    }
    assert_eq!(
        setup.mock.token_posts(),
        2,
        "the first one, and one for all 200"
    );
    assert_eq!(setup.mock.count(USERS), 400, "each was sent twice");
}

#[tokio::test]
async fn two_hundred_requests_on_a_revoked_token_cost_one_token_post() {
    two_hundred_at_once(Version::Http1).await;
}

#[tokio::test]
async fn two_hundred_requests_on_a_revoked_token_cost_one_token_post_on_http2() {
    two_hundred_at_once(Version::Http2).await;
}

#[tokio::test]
async fn a_403_renews_nothing() {
    let setup = setup(Version::Http1).await;
    setup
        .mock
        .on(USERS)
        .reply_403("missing.permissions", "needs directory:user:view");
    let response = setup
        .send(setup.get("/api/v2/users"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(text(response).await.contains("missing.permissions"));
    assert_eq!((setup.mock.token_posts(), setup.mock.count(USERS)), (1, 1));
}

#[tokio::test]
async fn a_second_401_reaches_the_caller_intact_with_the_reason() {
    let setup = setup(Version::Http1).await;
    setup.mock.on(TOKENS_ME).reply_401();
    let response = setup
        .send(setup.get("/api/v2/tokens/me"))
        .await
        .expect("no error");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let unreplayed = response.extensions().get::<Unreplayed>();
    assert_eq!(unreplayed, Some(&Unreplayed::AlreadyReplayed));
    assert!(response.extensions().get::<Rejection>().is_some());
    assert!(text(response).await.contains("bad.credentials"));
    assert_eq!(setup.mock.count(TOKENS_ME), 2);
    // The second 401 was reported, too: the next request gets a third token.
    setup.org.tokens().token().await.expect("a third token");
    assert_eq!(setup.mock.token_posts(), 3);
}

#[derive(Clone, Debug, PartialEq)]
struct Mark(u32);

#[tokio::test]
async fn a_post_is_replayed_with_body_headers_and_extensions() {
    let setup = setup(Version::Http1).await;
    setup.mock.on(CREATE_USER).nth(1).revoke_token();
    // Sees the requests that the layers send.
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let client = crate::setup::client(Version::Http1);
    let spy = tower::util::MapRequestLayer::new(move |request: Request<_>| {
        let mark = request.extensions().get::<Mark>().cloned();
        log.lock().expect("no panic").push(mark);
        request
    });
    let genesys = tower_genesys::GenesysLayer::new(&setup.org).layer(spy.layer(client));

    let body: Bytes = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let mut request = Request::post(setup.uri("/api/v2/users"))
        .header("content-type", "application/json")
        .header("x-trace", "c0ffee")
        .body(Full::new(body.clone()))
        .expect("a request");
    request.extensions_mut().insert(Mark(7));
    let response = genesys.oneshot(request).await.expect("no error");

    let recorded = setup.mock.requests_at(CREATE_USER);
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(recorded[1].status(), Some(response.status()));
    assert_ne!(recorded[0].bearer(), recorded[1].bearer());
    for sent in &recorded {
        assert!(sent.body() == &body, "byte for byte");
        assert_eq!(sent.headers()["x-trace"], "c0ffee");
        assert_eq!(sent.headers()["content-length"], "400000");
    }
    assert_eq!(
        *seen.lock().expect("no panic"),
        [Some(Mark(7)), Some(Mark(7))]
    );
    assert_eq!(setup.mock.token_posts(), 2);
}

#[tokio::test]
async fn a_token_that_expired_on_the_server_is_renewed_once() {
    let setup = setup(Version::Http2).await;
    setup.org.tokens().token().await.expect("the first token");
    setup.mock.expire_all();
    let body = format!(r#"{{"interval":"{}"}}"#, setup.mock.interval());
    let query = setup.post("/api/v2/analytics/conversations/details/query", body);
    let response = setup.send(query).await.expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.contains("totalHits"));
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(DETAILS_QUERY)),
        (2, 2)
    );
}

#[tokio::test]
async fn replays_after_a_401_leak_no_connection() {
    let mock = MockGenesys::new();
    let setup = crate::setup::setup_with(mock, Version::Http1, |layer| layer).await;
    for _ in 0..5 {
        setup.org.tokens().token().await.expect("a token");
        setup.mock.revoke_all();
        let response = setup
            .send(setup.get("/api/v2/tokens/me"))
            .await
            .expect("no error");
        assert_eq!(response.status(), StatusCode::OK);
        text(response).await;
        // Past the time for which revocations in a row are damped.
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(61)).await;
        tokio::time::resume();
    }
    assert!(
        setup.mock.connections() <= 2,
        "{} connections",
        setup.mock.connections()
    );
}
