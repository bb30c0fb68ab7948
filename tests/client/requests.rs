//! How requests reach the server, and how a pooled connection that breaks is
//! classified.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Empty, Full};
use tokio::{io::AsyncWriteExt, sync::mpsc, time::timeout};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    Client, ReplayLayer, RetryLayer, RetryPolicy,
    client::{ClientBuilder, ClientErrorKind},
    retry::{BoxErrorClassifier, Budget, Class, Outcome, Upstream},
};

use crate::{
    plain_server::{Connection, PlainServer},
    setup::{HttpClient, PATIENCE, get},
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn builder() -> ClientBuilder {
    ClientBuilder::new().without_proxy().allow_loopback()
}

#[tokio::test]
async fn an_empty_body_has_a_content_length_where_the_method_expects_content() {
    let (heads, mut seen) = mpsc::unbounded_channel();
    let server = PlainServer::start(move |mut connection| {
        let heads = heads.clone();
        async move {
            while let Some(head) = connection.head().await {
                heads.send(head).unwrap();
                connection.stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let full: Client<Full<Bytes>> = builder().build().unwrap();
    let empty: Client<Empty<Bytes>> = builder().build().unwrap();
    for (method, announced) in [
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
        (Method::GET, false),
        (Method::DELETE, false),
    ] {
        let request = || Request::builder().method(&method).uri(server.uri());
        let sent = full
            .clone()
            .oneshot(request().body(Full::default()).unwrap());
        sent.await.unwrap();
        let sent = empty.clone().oneshot(request().body(Empty::new()).unwrap());
        sent.await.unwrap();
        for _ in 0..2 {
            let head = seen.recv().await.unwrap();
            let count = head.matches("content-length: 0\r\n").count();
            assert_eq!(count, usize::from(announced), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
        }
    }
    let request = Request::post(server.uri())
        .body(Full::from("four"))
        .unwrap();
    full.oneshot(request).await.unwrap();
    let head = seen.recv().await.unwrap();
    assert!(head.contains("content-length: 4\r\n"), "{head}");
}

/// Answers one request, and closes the connection after reading the next one.
async fn answers_once(mut connection: Connection) {
    connection.head().await;
    connection.stream.write_all(OK).await.unwrap();
    connection.head().await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_stale_only_if_it_has_served_a_request() {
    let server = PlainServer::start(answers_once).await;
    let client: HttpClient = builder().build().unwrap();
    get(&client, server.uri()).await.unwrap();
    let error = get(&client, server.uri()).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange);
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::StaleConnection);

    let server = PlainServer::start(|mut connection| async move {
        connection.head().await;
    })
    .await;
    let error = get(&client, server.uri()).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange);
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::Transient { after: None });
}

#[tokio::test]
async fn after_a_stale_connection_a_get_is_resent_without_budget_and_a_post_is_not() {
    let server = PlainServer::start(answers_once).await;
    let client: HttpClient = builder().build().unwrap();
    let budget = Budget::new(1, 1);
    let upstream = Upstream::new().with_budget(budget.clone());
    let retry = RetryLayer::typed(RetryPolicy::new()).with_upstream(upstream);
    let stack = ReplayLayer::new().layer(retry.layer(client));
    let send = |method: &Method| {
        let request = Request::builder().method(method).uri(server.uri());
        let request = request.body(Full::<Bytes>::default()).unwrap();
        timeout(PATIENCE, stack.clone().oneshot(request))
    };
    for _ in 0..4 {
        let response = send(&Method::GET).await.unwrap().unwrap();
        response.into_body().collect().await.unwrap();
    }
    // Each connection but the first begins with a request that was resent. Each
    // ends with one that breaks.
    assert_eq!(server.requests(), 4 + 3);
    assert_eq!(budget.available(), 1);

    let error = send(&Method::POST).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange);
    assert_eq!(server.requests(), 4 + 3 + 1);
    let response = send(&Method::POST).await.unwrap().unwrap();
    assert_eq!(Outcome::of(response.extensions()), None, "a new connection");
}
