use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use reqwest::Response;
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    ApiError, CallOptions, Credentials, GenesysLayer, Org, ReplayBody, TokenError,
    reqwest::ReqwestService,
    retry::{GaveUp, Outcome, Stop},
    testing::{CREATE_USER, MockGenesys, USERS},
};

use crate::{mock_org::served_org, setup::setup};

#[tokio::test]
async fn a_post_is_replayed_after_a_401_byte_for_byte() {
    let setup = setup().await;
    setup.mock.on(CREATE_USER).nth(1).revoke_token();
    let body: Bytes = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let request = setup
        .client
        .post(setup.url("/api/v2/users"))
        .header("content-type", "application/json")
        .header("x-trace", "c0ffee")
        .body(body.clone())
        .build()
        .expect("a request");
    let response = setup.genesys.execute(request).await.expect("no error");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "not JSON");

    let recorded = setup.mock.requests_at(CREATE_USER);
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].status(), Some(StatusCode::UNAUTHORIZED));
    assert_ne!(recorded[0].bearer(), recorded[1].bearer());
    for sent in &recorded {
        assert!(sent.body() == &body, "byte for byte");
        assert_eq!(sent.headers()["x-trace"], "c0ffee");
        assert_eq!(sent.headers()["content-length"], "400000");
    }
    assert_eq!((setup.mock.token_posts(), setup.sends()), (2, 2));
}

#[tokio::test]
async fn a_get_is_retried_after_a_503_and_a_post_is_not() {
    let setup = setup().await;
    setup.mock.on(USERS).first(2).reply_503();
    let request = setup.client.get(setup.url("/api/v2/users")).build();
    let response = setup.genesys.execute(request.expect("a request")).await;
    let response = response.expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    let outcome = Outcome::of(response.extensions()).expect("it was resent");
    assert_eq!((outcome.sends, setup.mock.count(USERS)), (3, 3));

    setup.mock.on(CREATE_USER).reply_503();
    let request = setup.client.post(setup.url("/api/v2/users")).body("{}");
    let response = setup
        .genesys
        .execute(request.build().expect("a request"))
        .await;
    let response = response.expect("no error");
    let outcome = Outcome::of(response.extensions()).expect("it was not resent");
    assert_eq!(
        (outcome.stop, setup.mock.count(CREATE_USER)),
        (Stop::NotRepeatable, 1)
    );
}

#[tokio::test]
async fn a_request_of_the_builder_is_sent_with_the_current_token() {
    let setup = setup().await;
    setup.mock.on(CREATE_USER).nth(1).revoke_token();
    let request = setup.client.post(setup.url("/api/v2/users"));
    let request = request.bearer_auth("an-old-token").body("[]");
    let response = setup.genesys.send(request).await.expect("no error");
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "not a user");
    let recorded = setup.mock.requests_at(CREATE_USER);
    assert_eq!(recorded.len(), 2);
    for sent in &recorded {
        assert_eq!(&**sent.body(), b"[]");
        assert_ne!(sent.bearer(), Some("an-old-token"));
    }

    let error = ApiError::read(response.into(), ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.code(), Some("bad.request"), "{error}");
}

#[tokio::test]
async fn a_request_that_the_builder_could_not_build_is_not_sent() {
    let setup = setup().await;
    let no_http = setup.client.get("data:text/plain?q=Ada");
    let error = setup.genesys.send(no_http).await.unwrap_err();
    let error = error.downcast_ref::<reqwest::Error>().expect("reqwest's");
    assert!(error.is_builder(), "{error}");
    assert!(!format!("{error} {error:?}").contains("Ada"), "{error:?}");
    assert_eq!((setup.mock.token_posts(), setup.sends()), (0, 0));
}

#[tokio::test]
async fn a_response_is_reqwests_with_all_that_it_has() {
    let setup = setup().await;
    let url = setup.url("/api/v2/users?pageSize=3");
    let request = setup.client.get(&url).build().expect("a request");
    // As a tower service, for layers around it.
    let mut genesys = setup.genesys.clone();
    let service = ServiceExt::<reqwest::Request>::ready(&mut genesys)
        .await
        .expect("it is ready");
    let response: Response = service.call(request).await.expect("no error");
    assert_eq!(response.url().as_str(), url);
    assert_eq!(response.version(), Version::HTTP_11);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(
        response.remote_addr().is_some(),
        "reqwest's extensions are kept"
    );
    let length = response.content_length().expect("it is known");
    let body = response.bytes().await.expect("it is intact");
    assert_eq!(body.len() as u64, length);
    let page: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
    assert_eq!(page["pageSize"], 3);
}

#[tokio::test]
async fn extensions_reach_the_layers_through_the_service() {
    let setup = setup().await;
    setup.mock.on(USERS).reply_503();
    let once = setup
        .genesys
        .clone()
        .with_extension(CallOptions::new().without_retry());
    let get = || {
        setup
            .client
            .get(setup.url("/api/v2/users"))
            .build()
            .expect("a request")
    };
    let response = once.execute(get()).await.expect("no error");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(setup.mock.count(USERS), 1);
    // The extension is on that clone only.
    setup.genesys.execute(get()).await.expect("no error");
    assert_eq!(setup.mock.count(USERS), 1 + 4);
}

#[tokio::test]
async fn another_organisation_has_its_own_token() {
    let setup = setup().await;
    let mock = MockGenesys::builder().seed(7).build();
    let server = mock.serve().await.expect("a loopback port is free");
    let http = tower_genesys::reqwest::HttpService::new(setup.client.clone());
    let other = served_org::<ReplayBody<reqwest::Body>>(&mock, &server, http);
    let genesys = setup.genesys.clone().with_extension(other.clone());
    let url = other.api("/api/v2/users").expect("a path").to_string();
    let request = setup.client.get(url).build().expect("a request");
    let response = genesys.execute(request).await.expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((mock.token_posts(), setup.mock.token_posts()), (1, 0));
}

#[tokio::test]
async fn the_timeout_of_a_request_is_kept() {
    let setup = setup().await;
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.on(CREATE_USER).never_answers();
    let request = setup
        .client
        .post(setup.url("/api/v2/users"))
        .timeout(Duration::from_millis(50))
        .build()
        .expect("a request");
    let error = setup
        .genesys
        .execute(request)
        .await
        .expect_err("no response comes");
    let gave_up = GaveUp::find(&*error).expect("it says that it may be done");
    let error = { gave_up.get_ref() }
        .downcast_ref::<reqwest::Error>()
        .expect("it is reqwest's");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(setup.sends(), 1, "it may have been executed");
}

#[tokio::test]
async fn the_stack_can_be_over_another_client() {
    let mock = MockGenesys::new();
    let credentials = Credentials::new(mock.client_id(), "wrong");
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("well-formed"))
        .build::<ReplayBody<reqwest::Body>>(mock.service())
        .expect("the region is https");
    let genesys = ReqwestService::new(GenesysLayer::new(&org).layer(mock.service()));
    let url = org.api("/api/v2/users").expect("a path").to_string();
    let request = reqwest::Client::new().get(url).build().expect("a request");
    let error = genesys
        .execute(request)
        .await
        .expect_err("the secret is wrong");
    assert!(TokenError::find(&*error).is_some(), "{error}");
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 0));
}

#[tokio::test]
async fn a_body_that_is_not_sync_is_accepted() {
    use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
    use std::convert::Infallible;

    let mock = MockGenesys::new();
    let server = mock.serve().await.expect("a loopback port is free");
    let client = tower_genesys::reqwest::HttpService::new(reqwest::Client::new());
    let body: UnsyncBoxBody<Bytes, Infallible> = Full::from("{}").boxed_unsync();
    let uri = server.region().api("/api/v2/users").expect("a path");
    let request = Request::post(uri).body(body).expect("a request");
    let response = client.oneshot(request).await.expect("no error");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let recorded = mock.requests_at(CREATE_USER);
    assert_eq!(recorded[0].headers()["content-length"], "2");
    assert_eq!(recorded[0].body(), "{}");
}
