use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::{
    BodyExt, Full, StreamBody,
    combinators::{BoxBody, UnsyncBoxBody},
};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, ReplayBody,
    testing::{CREATE_USER, MockGenesys},
};

const USER: &str = r#"{"name":"Ada","email":"ada@example.com"}"#;

/// Creates a user once in a spawned task, while the token is revoked during the
/// request.
async fn replayed<B>(body: B)
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let mock = MockGenesys::new();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret());
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("well-formed"))
        .build::<ReplayBody<B>>(mock.service())
        .expect("the region is https");
    mock.on(CREATE_USER).nth(1).revoke_token();
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    let request = Request::post(org.api("/api/v2/users").expect("a path"));
    let request = request.body(body).expect("a request");
    let response = tokio::spawn(genesys.oneshot(request)).await;
    let response = response.expect("no panic").expect("no error");
    assert_eq!(response.status(), StatusCode::OK);
    let sent = mock.requests_at(CREATE_USER);
    assert_eq!((sent.len(), mock.created_users()), (2, 1));
    assert!(sent.iter().all(|sent| sent.body() == USER));
}

#[tokio::test]
async fn a_body_that_is_neither_sync_nor_clone_is_replayed() {
    let body: UnsyncBoxBody<Bytes, Infallible> = Full::from(USER).boxed_unsync();
    replayed(body).await;
}

#[tokio::test]
async fn a_box_that_is_sync_is_replayed() {
    let body: BoxBody<Bytes, Infallible> = Full::from(USER).boxed();
    replayed(body).await;
}

#[tokio::test]
async fn a_boxed_stream_with_errors_of_its_own_is_replayed() {
    let frame = http_body::Frame::data(Bytes::from(USER));
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(frame)]);
    replayed(StreamBody::new(stream).boxed_unsync()).await;
}

#[tokio::test]
async fn the_body_of_axum_is_replayed() {
    replayed(axum::body::Body::from(USER)).await;
}

#[tokio::test]
async fn the_body_of_tonic_is_replayed() {
    replayed(tonic::body::Body::new(Full::from(USER))).await;
}
