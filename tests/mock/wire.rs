//! `MockGenesys` on a real socket, with requests of hyper's client and requests
//! written by hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tower_genesys::testing::{CREATE_USER, MockGenesys, MockServer, TOKEN, USERS};

type Hyper = Client<HttpConnector, Full<Bytes>>;

/// Longer than any step takes, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn hyper(version: Version) -> Hyper {
    let http2 = version == Version::HTTP_2;
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

fn get_users(server: &MockServer, token: &str) -> Request<Full<Bytes>> {
    Request::get(server.region().api("/api/v2/users").unwrap())
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::default())
        .unwrap()
}

/// Writes a request and reads the response, until the server closes or the text
/// ends with `end`.
async fn talk(stream: &mut TcpStream, request: &str, end: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap();
        match count.unwrap_or(0) {
            0 => break,
            count => read.extend_from_slice(&chunk[..count]),
        }
        if !end.is_empty() && read.ends_with(end.as_bytes()) {
            break;
        }
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn it_serves_http_1_and_2_on_one_port() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let token = mock.mint_token();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let client = hyper(version);
        for _ in 0..3 {
            let response = client.request(get_users(&server, &token)).await.unwrap();
            assert_eq!(
                (response.status(), response.version()),
                (StatusCode::OK, version)
            );
            let length = response.headers()[header::CONTENT_LENGTH].clone();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(length, body.len().to_string());
            let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(page["total"], 60);
        }
    }
    assert_eq!(mock.connections(), 2, "one for each version, kept alive");
    let last = mock.requests().pop().unwrap();
    assert_eq!(last.version(), Version::HTTP_2);
    assert_eq!(
        Some(last.authority().unwrap()),
        server.url().strip_prefix("http://")
    );
}

#[tokio::test]
async fn requests_written_by_hand_get_a_token_and_a_response() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let basic = "Y2xpZW50LWlkOmNsaWVudC1zZWNyZXQ=";
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nhOST: mock\r\nauthorization: BASIC {basic}\r\n\
         CONTENT-TYPE: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\n\
         grant_type=client_credentials"
    );
    let answer = talk(&mut stream, &request, "}").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
    let token: serde_json::Value = serde_json::from_str(body).unwrap();
    let request = format!(
        "GET /api/v2/tokens/me HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n\
         Authorization: bearer {}\r\n\r\n",
        token["access_token"].as_str().unwrap()
    );
    let answer = talk(&mut stream, &request, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(
        (mock.token_posts(), mock.api_calls(), mock.connections()),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_reset_cuts_the_connection_before_the_head() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let token = mock.mint_token();
    mock.on(USERS).reset();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let asked = hyper(version).request(get_users(&server, &token));
        timeout(PATIENCE, asked).await.unwrap().unwrap_err();
    }
    timeout(PATIENCE, mock.wait_for_open_connections(0))
        .await
        .unwrap();
    assert_eq!((mock.count(USERS), mock.connections()), (2, 2));
}

#[tokio::test]
async fn a_truncated_body_breaks_off_after_the_head() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let token = mock.mint_token();
    mock.on(USERS).truncated_body();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let response = hyper(version)
            .request(get_users(&server, &token))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        assert!(
            timeout(PATIENCE, body.frame())
                .await
                .unwrap()
                .unwrap()
                .is_ok()
        );
        assert!(timeout(PATIENCE, body.collect()).await.unwrap().is_err());
    }
}

#[tokio::test]
async fn an_endless_body_keeps_coming() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    mock.on(TOKEN).endless_body();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let request = Request::post(server.region().token_url())
            .body(Full::default())
            .unwrap();
        let mut body = hyper(version).request(request).await.unwrap().into_body();
        let mut read = 0;
        while read < 1 << 20 {
            let frame = timeout(PATIENCE, body.frame())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            read += frame.into_data().unwrap().len();
        }
    }
    timeout(PATIENCE, mock.wait_for_open_connections(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_early_response_leaves_a_half_sent_http_1_connection_open() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    mock.on(CREATE_USER).early(StatusCode::UNAUTHORIZED);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let half = "POST /api/v2/users HTTP/1.1\r\nHost: mock\r\nContent-Length: 99\r\n\r\n{";
    let answer = talk(&mut stream, half, "}").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    // Ten more requests give the server every chance to close the first
    // connection.
    let token = mock.mint_token();
    for _ in 0..10 {
        let asked = hyper(Version::HTTP_11).request(get_users(&server, &token));
        asked.await.unwrap().into_body().collect().await.unwrap();
    }
    timeout(PATIENCE, mock.wait_for_open_connections(1))
        .await
        .unwrap();
    let would_block = stream.try_read(&mut [0]).unwrap_err();
    assert_eq!(would_block.kind(), std::io::ErrorKind::WouldBlock);
    drop(stream);
    timeout(PATIENCE, mock.wait_for_open_connections(0))
        .await
        .unwrap();
}

#[tokio::test]
async fn after_an_early_response_no_more_is_read_than_buffers_hold() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    mock.on(CREATE_USER).early(StatusCode::UNAUTHORIZED);
    let client: Client<_, BoxBody<Bytes, std::convert::Infallible>> =
        Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let endless = futures_util::stream::repeat_with(move || {
        counter.fetch_add(16 * 1024, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(&[b' '; 16 * 1024])))
    });
    let request = Request::post(server.region().api("/api/v2/users").unwrap());
    let request = request
        .body(BodyExt::boxed(StreamBody::new(endless)))
        .unwrap();
    let response = timeout(PATIENCE, client.request(request))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), 401);
    response.into_body().collect().await.unwrap();
    let token = mock.mint_token();
    for _ in 0..10 {
        let asked = hyper(Version::HTTP_2).request(get_users(&server, &token));
        asked.await.unwrap().into_body().collect().await.unwrap();
    }
    // The mock reads 64 KiB; the rest fills the windows and buffers of HTTP/2.
    assert!(sent.load(Ordering::Relaxed) < 4 << 20, "{sent:?}");
}

#[tokio::test]
async fn an_early_response_to_a_short_body_leaves_the_connection_usable() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    mock.on(CREATE_USER).early(StatusCode::UNAUTHORIZED);
    let client = hyper(Version::HTTP_11);
    for _ in 0..3 {
        let request = Request::post(server.region().api("/api/v2/users").unwrap());
        let request = request.body(Full::from("x".repeat(1000))).unwrap();
        let response = timeout(PATIENCE, client.request(request))
            .await
            .unwrap()
            .unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!((mock.count(CREATE_USER), mock.created_users()), (3, 0));
}

#[tokio::test]
async fn dropping_the_server_closes_port_and_connections() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let address = server.address();
    mock.on(USERS).never_answers();
    let asked = hyper(Version::HTTP_11).request(get_users(&server, "x"));
    let close = async {
        mock.wait_for(USERS, 1).await;
        drop(server);
    };
    let (answer, ()) = timeout(PATIENCE, async { tokio::join!(asked, close) })
        .await
        .unwrap();
    answer.unwrap_err();
    timeout(PATIENCE, mock.wait_for_open_connections(0))
        .await
        .unwrap();
    TcpStream::connect(address).await.unwrap_err();
    let mut another = mock.service();
    let request = Request::builder()
        .method(Method::GET)
        .uri("https://api.mypurecloud.com/")
        .body(Full::<Bytes>::default());
    let answer = tower::Service::call(&mut another, request.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 404, "the mock itself lives on");
}
