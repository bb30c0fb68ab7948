use std::fmt::Debug;

use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
};
use http_body_util::BodyExt;
use tower::{Layer, Service};
use tower_genesys::{ApiError, testing::USERS};
use tower_http::decompression::DecompressionLayer;

use crate::setup::{Body, Setup, USERS_PATH, setup};

/// `{"total":7}`, compressed with gzip.
const ZIPPED: [u8; 31] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 201, 47, 73, 204, 81, 178, 50, 175, 5, 0, 181,
    143, 145, 67, 11, 0, 0, 0,
];

fn gzip() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers
}

/// A mock that refuses the first token, then sends a 503 that claims to be gzip
/// and is not, and then the zipped 200.
async fn trouble() -> Setup {
    let setup = setup().await;
    setup
        .mock
        .on(USERS)
        .reply(StatusCode::OK, gzip(), &ZIPPED[..]);
    setup.mock.on(USERS).nth(1).revoke_token();
    let broken = StatusCode::SERVICE_UNAVAILABLE;
    setup.mock.on(USERS).nth(2).reply(broken, gzip(), "no gzip");
    setup
}

/// Sends a request that succeeds after all of `trouble`. Each send asks for
/// gzip.
async fn overcomes<S, B>(setup: &Setup, stack: S)
where
    S: Service<Request<Body>, Response = Response<B>, Error: Debug>,
    B: http_body::Body<Error: Debug>,
{
    let body = setup.answer(stack, USERS_PATH).await.into_body().collect();
    let body = body.await.expect("it is gzip").to_bytes();
    assert_eq!(body, r#"{"total":7}"#);
    assert_eq!((setup.mock.count(USERS), setup.mock.token_posts()), (3, 2));
    let asked = |sent: &HeaderMap| sent.get(ACCEPT_ENCODING).is_some_and(|it| it == "gzip");
    let sent = setup.mock.requests_at(USERS);
    assert!(sent.iter().all(|sent| asked(sent.headers())));
}

#[tokio::test(start_paused = true)]
async fn outside_only_the_response_of_the_call_is_decoded() {
    let setup = trouble().await;
    let stack = setup.layer.layer(setup.mock.service());
    overcomes(&setup, DecompressionLayer::new().layer(stack)).await;
}

#[tokio::test(start_paused = true)]
async fn inside_each_response_is_decoded_and_a_broken_one_does_not_prevent_a_retry() {
    let setup = trouble().await;
    let client = DecompressionLayer::new().layer(setup.mock.service());
    overcomes(&setup, setup.layer.layer(client)).await;
}

#[tokio::test(start_paused = true)]
async fn an_api_error_is_read_from_a_decoded_body() {
    // `{"status":403,"code":"missing.permissions"}`, compressed with gzip.
    const REFUSAL: [u8; 59] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 46, 73, 44, 41, 45, 86, 178, 50, 49, 48, 214,
        81, 74, 206, 79, 73, 85, 178, 82, 202, 205, 44, 46, 206, 204, 75, 215, 43, 72, 45, 2, 51,
        243, 243, 138, 149, 106, 1, 67, 53, 197, 69, 43, 0, 0, 0,
    ];
    let setup = setup().await;
    setup
        .mock
        .on(USERS)
        .reply(StatusCode::FORBIDDEN, gzip(), &REFUSAL[..]);
    let stack = setup.layer.layer(setup.mock.service());
    let stack = DecompressionLayer::new().layer(stack);
    let response = setup.answer(stack, USERS_PATH).await;
    let error = ApiError::read(response, 64 * 1024).await;
    assert_eq!(error.code(), Some("missing.permissions"));
}
