use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower_genesys::testing::{CREATE_USER, USERS};

use crate::setup::setup;

const PATH: &str = "/orgs/acme/api/v2/users";
const LENGTH: usize = 32 * 1024 * 1024;

fn pattern() -> Bytes {
    (0..LENGTH / 4)
        .map(|n| n as u32)
        .flat_map(u32::to_be_bytes)
        .collect()
}

#[tokio::test]
async fn a_long_body_goes_through_unchanged_both_ways() {
    let setup = setup().await;
    let (sent, reply) = (pattern(), pattern().slice(1..));
    setup.mocks[0]
        .on(CREATE_USER)
        .reply(StatusCode::OK, HeaderMap::new(), reply.clone());
    let chunks = (0..LENGTH).step_by(100_000).map({
        let sent = sent.clone();
        move |at| Ok::<_, Infallible>(sent.slice(at..LENGTH.min(at + 100_000)))
    });
    let request = Request::post(format!("{}{PATH}", setup.url));
    let body = Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()));
    let response = setup.send(request.body(body).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.expect("it is intact");
    assert!(body.to_bytes() == reply, "byte for byte");
    let arrived = setup.mocks[0].requests_at(CREATE_USER);
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].body() == &sent, "byte for byte");
}

#[tokio::test]
async fn a_request_is_under_way_before_its_body_is_whole() {
    let setup = setup().await;
    setup.warm().await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let chunks = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    let request = Request::post(format!("{}{PATH}", setup.url));
    let sending = setup.send(request.body(Body::from_stream(chunks)).expect("a request"));
    let arriving = async {
        sender.send(Bytes::from("{")).await.expect("it is read");
        // The head is there while the rest of the body is not even made.
        let arrived = setup.mocks[0].wait_for(CREATE_USER, 1);
        let arrived = tokio::time::timeout(Duration::from_secs(20), arrived).await;
        arrived.expect("nothing collects the body first");
        sender.send(Bytes::from("}")).await.expect("it is read");
        drop(sender);
    };
    let (response, ()) = tokio::join!(sending, arriving);
    assert!(response.status().is_client_error(), "a user without a name");
    assert_eq!(setup.mocks[0].requests_at(CREATE_USER)[0].body(), "{}");
}

#[tokio::test]
async fn a_response_is_passed_on_before_it_is_whole() {
    let setup = setup().await;
    setup.mocks[0].on(USERS).endless_body();
    let response = setup.send(setup.get(PATH)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut read = 0;
    while read < 1024 * 1024 {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await;
        let frame = frame
            .expect("the next part comes")
            .expect("it has no end")
            .expect("no error");
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_sent_once_and_its_401_is_not_the_callers() {
    let setup = setup().await;
    setup.warm().await;
    setup.mocks[0].revoke_all();
    let chunk = || Ok::<_, Infallible>(Frame::data(Bytes::from(vec![7; 65_536])));
    let body = StreamBody::new(stream::iter((0..4).map(move |_| chunk())));
    let request = Request::post(format!("{}{PATH}", setup.url));
    let response = setup
        .send(request.body(Body::new(body)).expect("a request"))
        .await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(setup.mocks[0].count(CREATE_USER), 1);
}
