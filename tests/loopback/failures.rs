use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::sync::mpsc;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    Credentials, GenesysLayer, Org, TokenError,
    bearer::OriginError,
    retry::RetryEvent,
    testing::{MockGenesys, TOKEN, USERS},
    token::TokenErrorKind,
};

use crate::{
    fixtures::mock_org::get,
    setup::{Version, client, setup, setup_with},
};

#[tokio::test]
async fn a_wrong_secret_names_the_login_host_and_the_region() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.expect("a loopback port is free");
    let client = client(Version::Http1);
    let org = Org::builder(server.region())
        .credentials(Credentials::new(mock.client_id(), "wr0ng-s3cr3t").expect("well-formed"))
        .allow_loopback()
        .build(client.clone())
        .expect("loopback was allowed");
    let genesys = GenesysLayer::new(&org).layer(client);
    for _ in 0..3 {
        let error = genesys
            .clone()
            .oneshot(get(&org, "/api/v2/users"))
            .await
            .expect_err("there is no token");
        let error = TokenError::find(&*error).expect("it is in the box");
        assert_eq!(error.kind(), TokenErrorKind::Denied);
        assert_eq!(error.oauth_code(), Some("invalid_client"));
        let text = error.to_string();
        assert!(text.contains(org.region().login_host()), "{text}");
        assert!(text.contains("or the wrong region"), "{text}");
        assert!(!format!("{text} {error:?}").contains("wr0ng"), "{error:?}");
    }
    assert_eq!((mock.token_posts(), mock.api_calls()), (1, 0));
}

#[tokio::test]
async fn a_429_with_an_endless_body_costs_the_token_endpoint_one_request() {
    for version in [Version::Http1, Version::Http2] {
        let setup = setup(version).await;
        let minute = std::time::Duration::from_secs(60);
        setup.mock.on(TOKEN).reply_429(minute).endless_body();
        for _ in 0..5 {
            let sent = setup.send(setup.get("/api/v2/users")).await;
            let error = sent.expect_err("there is no token");
            let error = TokenError::find(&*error).expect("it is in the box");
            assert_eq!(error.kind(), TokenErrorKind::Throttled);
            assert_eq!(error.retry_after(), Some(minute));
        }
        assert_eq!(setup.mock.token_posts(), 1);
    }
}

#[tokio::test]
async fn an_html_page_instead_of_a_token_is_a_typed_error() {
    let setup = setup(Version::Http1).await;
    setup.mock.on(TOKEN).reply_html(http::StatusCode::OK);
    let error = setup
        .send(setup.get("/api/v2/users"))
        .await
        .expect_err("there is no token");
    let error = TokenError::find(&*error).expect("it is in the box");
    assert_eq!(error.kind(), TokenErrorKind::Malformed);
    assert!(
        !format!("{error} {error:?}").contains('<'),
        "the error shows nothing of the page"
    );
    assert_eq!(setup.mock.api_calls(), 0);
}

#[tokio::test]
async fn an_endless_token_response_is_cut_off() {
    let setup = setup(Version::Http1).await;
    setup.mock.on(TOKEN).endless_body();
    let error = setup
        .org
        .tokens()
        .token()
        .await
        .expect_err("there is no token");
    assert_eq!(error.kind(), TokenErrorKind::Malformed);
}

#[tokio::test]
async fn a_foreign_host_gets_no_token_and_no_retry() {
    let (events, mut seen) = mpsc::unbounded_channel();
    let observer = move |event: &RetryEvent<'_>| drop(events.send(format!("{event:?}")));
    let setup = setup_with(MockGenesys::new(), Version::Http1, |layer| {
        layer.map_retry(|retry| retry.with_observer(observer))
    })
    .await;
    let request = Request::get("https://api.mypurecloud.com.evil.example/api/v2/users");
    let request = request.body(Full::<Bytes>::default()).expect("a request");
    let error = setup.send(request).await.expect_err("it is not sent");
    assert!(OriginError::find(&*error).is_some(), "{error}");
    assert_eq!((setup.mock.token_posts(), setup.mock.count(USERS)), (0, 0));
    assert_eq!(seen.try_recv().ok(), None, "no retry and no event");
}
