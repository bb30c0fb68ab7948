use axum::body::Body;
use http::{Request, StatusCode};
use tower_genesys::testing::{ANY_API, DETAILS_QUERY, USERS};

use crate::setup::{setup, text};

#[tokio::test]
async fn each_organisation_is_asked_as_itself() {
    let setup = setup().await;
    for path in ["/orgs/acme/api/v2/users", "/orgs/globex/api/v2/users"] {
        for _ in 0..2 {
            assert_eq!(setup.status(path).await, StatusCode::OK);
        }
    }
    let bearers = setup.mocks.each_ref().map(|mock| {
        let sent = mock.requests_at(USERS);
        assert_eq!((sent.len(), mock.token_posts()), (2, 1));
        assert_eq!(sent[0].bearer(), sent[1].bearer());
        sent[0].bearer().map(str::to_owned)
    });
    assert_ne!(bearers[0], bearers[1]);
}

#[tokio::test]
async fn path_query_method_and_body_arrive_as_they_were() {
    let setup = setup().await;
    let body = format!(r#"{{"interval":"{}"}}"#, setup.mocks[0].interval());
    let path = "/api/v2/analytics/conversations/details/query?x=%2e%20y";
    let request = Request::post(format!("{}/orgs/acme{path}", setup.url))
        .header("content-type", "application/json")
        .body(Body::from(body.clone()))
        .expect("a request");
    let response = setup.send(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(text(response).await.contains("totalHits"));
    let sent = &setup.mocks[0].requests_at(DETAILS_QUERY)[0];
    let uri = sent.uri().path_and_query().expect("a path");
    assert!(uri.as_str().ends_with(path), "{uri}");
    assert_eq!(sent.body(), body.as_bytes());
    assert_eq!(sent.headers()["content-length"], body.len().to_string());
}

#[tokio::test]
async fn what_is_not_on_the_list_is_not_forwarded() {
    let setup = setup().await;
    setup.warm().await;
    for path in [
        "/orgs/nobody/api/v2/users",
        "/orgs//api/v2/users",
        "/orgs/ACME/api/v2/users",
        "/orgs/acme/api/v2/tokens/me",
        "/orgs/acme/api/v2/users/7/queues",
        "/orgs/acme/api/v2/users/..",
        "/orgs/acme/api/v2/users/%2e%2e",
        "/orgs/acme/api/v2/users/..%2ftokens%2fme",
        "/orgs/acme/api/v2/users/%2E%2E%5Ctokens%5Cme",
        // A server that decodes `%2F` first takes this for a path that is not
        // on the list.
        "/orgs/acme/api/v2/users/7%2Fqueues",
        "/orgs/acme/api/v2/users/7%2froles?pageSize=1",
        "/orgs/acme/api/v2/users/7%3Ffields=x",
        "/orgs/acme/api/v2/users/7;x",
        "/orgs/acme/oauth/token",
        "/api/v2/users",
        "/",
    ] {
        assert_eq!(setup.status(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    let mut delete = setup.get("/orgs/acme/api/v2/users/7");
    *delete.method_mut() = http::Method::DELETE;
    let status = setup.send(delete).await.status();
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(setup.mocks[0].count(ANY_API), 0);
}

#[tokio::test]
async fn a_revoked_token_is_no_business_of_the_callers() {
    let setup = setup().await;
    setup.warm().await;
    setup.mocks[0].revoke_all();
    let path = "/orgs/acme/api/v2/users";
    assert_eq!(setup.status(path).await, StatusCode::OK);
    assert_eq!(setup.mocks[0].token_posts(), 2);

    setup.mocks[0].on(USERS).reply_401();
    assert_eq!(setup.status(path).await, StatusCode::BAD_GATEWAY);
    setup.mocks[0]
        .on(USERS)
        .reply_403("missing.permissions", "no");
    assert_eq!(setup.status(path).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_the_retry_after_that_is_too_long_to_wait_for_is_passed_on() {
    let setup = setup().await;
    let hours = std::time::Duration::from_secs(7200);
    setup.mocks[0].on(USERS).reply_429(hours);
    let response = setup.send(setup.get("/orgs/acme/api/v2/users")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7200");
}
