use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    GenesysLayer, ReplayBody, ReplayLayer, RetryPolicy,
    retry::Backoff,
    testing::{CREATE_USER, MockGenesys},
};

use crate::{fixtures::mock_org::served_org, setup::Version};

type Boxed = UnsyncBoxBody<Bytes, Infallible>;

const LENGTH: usize = 8 * 1024 * 1024;

fn in_memory() -> Boxed {
    Full::from(vec![7; LENGTH]).boxed_unsync()
}

/// A body of unknown length, within the cap that the test sets.
fn streamed() -> Boxed {
    let chunk = || Ok(Frame::data(Bytes::from(vec![7; 64 * 1024])));
    StreamBody::new(stream::iter((0..LENGTH / 65_536).map(move |_| chunk()))).boxed_unsync()
}

/// An upload that the server answers before reading it gives its connection
/// back, and is resent whole.
async fn answered_early(version: Version, body: Boxed, status: StatusCode) {
    let mock = MockGenesys::new();
    let server = mock.serve().await.expect("a loopback port is free");
    let client: Client<_, ReplayBody<Boxed>> = Client::builder(TokioExecutor::new())
        .http2_only(version == Version::Http2)
        .build_http();
    let org = served_org(&mock, &server, client.clone());
    let backoff = Backoff::new().with_base(Duration::from_millis(1));
    let policy = RetryPolicy::new().with_backoff(backoff);
    let layer = GenesysLayer::new(&org)
        .map_retry(|retry| retry.with_policy(policy))
        .with_replay(ReplayLayer::new().with_unknown_cap(LENGTH));
    let genesys = layer.layer(client);
    mock.on(CREATE_USER).nth(1).early(status);

    let request = Request::post(org.api("/api/v2/users").expect("a path"));
    let request = request
        .header("content-type", "application/json")
        .body(body)
        .expect("a request");
    if status == StatusCode::UNAUTHORIZED {
        org.tokens().warm_up().await.expect("a token");
    }
    let response = genesys.oneshot(request).await.expect("no error");
    // The mock reads the whole body, and rejects eight mebibytes of sevens.
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    response
        .into_body()
        .collect()
        .await
        .expect("the body is intact");

    let recorded = mock.requests_at(CREATE_USER);
    assert_eq!(recorded.len(), 2, "{version:?} {status}");
    assert!(!recorded[0].body_complete());
    assert!(recorded[1].body_complete() && recorded[1].body().len() == LENGTH);
    assert!(recorded[1].body().iter().all(|byte| *byte == 7));
    let lengths = recorded
        .iter()
        .map(|sent| sent.headers().get("content-length"));
    let lengths: Vec<_> = lengths.collect();
    assert_eq!(lengths[0], lengths[1], "framed in the same way");
    // At most one idle connection: the one that was answered early is closed or
    // reused.
    let closed = tokio::time::timeout(Duration::from_secs(20), mock.wait_for_open_connections(2));
    closed.await.expect("connections are closed");
}

#[tokio::test]
async fn an_upload_from_memory_answered_early_by_401_is_resent_whole() {
    answered_early(Version::Http1, in_memory(), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn an_upload_from_memory_answered_early_by_401_is_resent_whole_on_http2() {
    answered_early(Version::Http2, in_memory(), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_stream_answered_early_by_401_is_resent_whole() {
    answered_early(Version::Http1, streamed(), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_stream_answered_early_by_401_is_resent_whole_on_http2() {
    answered_early(Version::Http2, streamed(), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn an_upload_answered_early_by_429_is_resent_whole() {
    answered_early(Version::Http1, in_memory(), StatusCode::TOO_MANY_REQUESTS).await;
    answered_early(Version::Http2, in_memory(), StatusCode::TOO_MANY_REQUESTS).await;
}
