//! Nothing waits for ever: the head of a response, and each part of its body.

use std::{future::pending, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BoxError, Client, ReplayLayer, RetryLayer,
    client::{ClientBuilder, ClientError, ClientErrorKind},
    retry::{BoxErrorClassifier, Class},
};

use crate::{
    plain_server::{Connection, PlainServer},
    setup::{HttpClient, PATIENCE, get},
};

const LIMIT: Duration = Duration::from_millis(400);
/// Within the limit, though not many times.
const SHORT: Duration = Duration::from_millis(150);

fn builder() -> ClientBuilder {
    ClientBuilder::new().without_proxy().allow_loopback()
}

/// Reads what it is sent, and answers nothing.
async fn reads_only(mut connection: Connection) {
    connection.head().await;
    let _ = connection.stream.read_to_end(&mut Vec::new()).await;
}

fn assert_timed_out(error: &ClientError, started: Instant, setting: &str) {
    assert_eq!(error.kind(), ClientErrorKind::ResponseTimedOut, "{error}");
    let took = started.elapsed();
    assert!(took >= LIMIT && took < PATIENCE / 2, "{took:?}");
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1:") && text.contains(setting),
        "{text}"
    );
}

#[tokio::test]
async fn a_post_without_an_answer_ends_in_time_and_is_sent_once() {
    let server = PlainServer::start(reads_only).await;
    let client: HttpClient = builder().response_timeout(LIMIT).build().unwrap();
    let mut stack = ReplayLayer::new().layer(RetryLayer::typed(Default::default()).layer(client));
    let request = Request::post(server.uri()).body(Full::from("{}")).unwrap();
    let started = Instant::now();
    let call = stack.ready().await.unwrap().call(request);
    let error = timeout(PATIENCE, call).await.unwrap().unwrap_err();
    assert_timed_out(&error, started, "`ClientBuilder::response_timeout`");
    assert_eq!(server.requests(), 1);
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::Transient { after: None }, "it may be done");
}

#[tokio::test]
async fn an_upload_that_the_server_does_not_read_ends_in_time() {
    let server = PlainServer::start(|mut connection| async move {
        connection.head().await;
        pending::<()>().await;
    })
    .await;
    let client: Client<Full<Bytes>> = builder().response_timeout(LIMIT).build().unwrap();
    // More than hyper and the kernel hold.
    let body = Full::from(vec![0; 64 * 1024 * 1024]);
    let started = Instant::now();
    let call = client.oneshot(Request::put(server.uri()).body(body).unwrap());
    let error = timeout(PATIENCE, call).await.unwrap().unwrap_err();
    assert_timed_out(&error, started, "`ClientBuilder::response_timeout`");
}

/// Parts of one byte, each after this pause.
fn slow_body(
    parts: usize,
    pause: Duration,
) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, BoxError>> + Unpin> {
    let parts = stream::unfold(parts, move |left| async move {
        let left = left.checked_sub(1)?;
        sleep(pause).await;
        Some((Ok(Frame::data(Bytes::from_static(b"x"))), left))
    });
    StreamBody::new(Box::pin(parts))
}

#[tokio::test]
async fn a_long_upload_goes_on_however_slow_the_caller_is() {
    let server = PlainServer::start(|mut connection| async move {
        connection.head().await;
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(connection.stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        connection.stream.write_all(answer).await.unwrap();
    })
    .await;
    for (parts, pause) in [(6, SHORT), (1, LIMIT * 2)] {
        let client = builder().response_timeout(LIMIT).build().unwrap();
        let request = Request::put(server.uri()).body(slow_body(parts, pause));
        let call = client.oneshot(request.unwrap());
        let response = timeout(PATIENCE, call).await.unwrap();
        assert_eq!(response.unwrap().status(), 200, "{parts} parts");
    }
}

/// Answers with a body of so many parts, each after this pause, and one more if
/// it ends at all.
async fn download(mut connection: Connection, parts: usize, pause: Duration, ends: bool) {
    connection.head().await;
    let length = parts + 1;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    connection.stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..parts {
        sleep(pause).await;
        connection.stream.write_all(b"x").await.unwrap();
    }
    if ends {
        connection.stream.write_all(b"x").await.unwrap();
    }
    // Open until the client closes.
    let _ = connection.stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_body_that_stops_ends_in_time() {
    let server = PlainServer::start(|it| download(it, 1, SHORT, false)).await;
    let client: HttpClient = builder().body_idle_timeout(LIMIT).build().unwrap();
    let mut body = get(&client, server.uri()).await.unwrap().into_body();
    let part = body.frame().await.unwrap().unwrap();
    assert_eq!(part.into_data().unwrap(), "x");
    let started = Instant::now();
    let error = timeout(PATIENCE, body.frame()).await.unwrap();
    let error = error.unwrap().unwrap_err();
    assert_timed_out(&error, started, "`ClientBuilder::body_idle_timeout`");
    assert!(body.frame().await.is_none(), "it has ended");
}

#[tokio::test]
async fn a_long_download_goes_on() {
    let server = PlainServer::start(|it| download(it, 6, SHORT, true)).await;
    let client: HttpClient = builder().body_idle_timeout(LIMIT).build().unwrap();
    let started = Instant::now();
    let body = get(&client, server.uri()).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "xxxxxxx");
    assert!(started.elapsed() >= 2 * LIMIT);
}

#[tokio::test]
async fn both_limits_can_be_turned_off() {
    let server = PlainServer::start(|mut connection| async move {
        connection.head().await;
        sleep(2 * LIMIT).await;
        connection
            .stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n")
            .await
            .unwrap();
        sleep(2 * LIMIT).await;
        connection.stream.write_all(b"x").await.unwrap();
    })
    .await;
    let limited = builder().response_timeout(LIMIT).body_idle_timeout(LIMIT);
    let unlimited = limited
        .without_response_timeout()
        .without_body_idle_timeout();
    let client: HttpClient = unlimited.build().unwrap();
    let body = get(&client, server.uri()).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "x");
}

#[tokio::test]
async fn a_reader_may_pause_for_longer_than_the_limit() {
    let server = PlainServer::start(|it| download(it, 1, Duration::ZERO, true)).await;
    let client: HttpClient = builder().body_idle_timeout(LIMIT).build().unwrap();
    let body = get(&client, server.uri()).await.unwrap().into_body();
    sleep(2 * LIMIT).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "xx");
}
