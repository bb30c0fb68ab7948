use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, Version, header::USER_AGENT};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_genesys::{
    client::ClientErrorKind,
    retry::{BoxErrorClassifier, Class},
    testing::ANY,
};

use crate::setup::{Body, HttpClient, get, setup, setup_with};

#[tokio::test]
async fn idle_connections_are_reused_and_then_closed() {
    let setup = setup_with(&["http/1.1"]).await;
    let builder = setup.builder();
    let client: HttpClient = builder
        .clone()
        .pool_idle_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    for _ in 0..2 {
        let response = get(&client, setup.uri()).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(setup.server.accepted(), 1);
    // The timer closes it, and no request that looks for a connection.
    setup.server.wait_for_open(0).await;
    assert_eq!(get(&client, setup.uri()).await.unwrap().status(), 401);
    assert_eq!(setup.server.accepted(), 2);
}

#[tokio::test]
async fn the_pool_keeps_no_more_idle_connections_than_its_limit() {
    let setup = setup_with(&["http/1.1"]).await;
    let client: HttpClient = setup.builder().pool_max_idle_per_host(2).build().unwrap();
    // Five at the same time, so that each needs a connection.
    let held = setup.mock.hold(ANY);
    let requests: Vec<_> = (0..5)
        .map(|_| {
            let (client, uri) = (client.clone(), setup.uri());
            tokio::spawn(async move { get(&client, uri).await })
        })
        .collect();
    setup.mock.wait_for(ANY, 5).await;
    drop(held);
    for request in requests {
        let response = request.await.unwrap().unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(setup.server.accepted(), 5);
    setup.server.wait_for_open(2).await;
    for _ in 0..2 {
        let response = get(&client, setup.uri()).await.unwrap();
        response.into_body().collect().await.unwrap();
    }
    assert_eq!((setup.server.accepted(), setup.server.open()), (5, 2));
}

#[tokio::test]
async fn an_http2_connection_that_is_dead_is_given_up() {
    let setup = setup().await;
    let second = Duration::from_secs(1);
    let client: HttpClient = setup
        .builder()
        .http2_keep_alive_interval(second)
        .http2_keep_alive_timeout(second)
        .build()
        .unwrap();
    let response = get(&client, setup.uri()).await.unwrap();
    assert_eq!(
        (response.status(), response.version()),
        (StatusCode::UNAUTHORIZED, Version::HTTP_2)
    );
    setup.server.freeze();
    // Both waits pass at once: there is nothing else to do.
    tokio::time::pause();
    let error = get(&client, setup.uri()).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange, "{error}");
    // The request may have arrived, and the connection had served one before.
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::StaleConnection);
    assert_eq!(setup.server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error_that_names_the_host() {
    let setup = setup().await;
    setup.mock.on(ANY).nth(1).reset();
    let client: HttpClient = setup.builder().build().unwrap();
    let error = get(&client, setup.uri()).await.unwrap_err();
    assert_eq!(error.kind(), ClientErrorKind::Exchange);
    let text = error.to_string();
    assert!(
        text.contains(&format!("localhost:{}", setup.port())),
        "{text}"
    );
    assert!(!text.contains("/api"), "{text}");
}

#[tokio::test]
async fn each_request_names_the_crate_as_its_agent_unless_it_names_another() {
    let setup = setup().await;
    let default: HttpClient = setup.builder().build().unwrap();
    let acme = HeaderValue::from_static("acme/7");
    let named: HttpClient = setup.builder().user_agent(acme).build().unwrap();
    get(&default, setup.uri()).await.unwrap();
    get(&named, setup.uri()).await.unwrap();
    let mut own = Request::get(setup.uri()).body(Body::default()).unwrap();
    let value = HeaderValue::from_static("own/1");
    own.headers_mut().insert(USER_AGENT, value);
    named.clone().oneshot(own).await.unwrap();
    let requests = setup.mock.requests();
    let agents = requests
        .iter()
        .map(|request| &request.headers()[USER_AGENT]);
    let crate_and_version = concat!("tower-genesys/", env!("CARGO_PKG_VERSION"));
    assert!(agents.eq([crate_and_version, "acme/7", "own/1"]));
}

#[tokio::test]
async fn times_without_a_limit_overflow_nothing() {
    for protocols in [&["http/1.1"][..], &["h2"]] {
        let setup = setup_with(protocols).await;
        let builder = setup.builder();
        let client: HttpClient = builder
            .connect_timeout(Duration::MAX)
            .response_timeout(Duration::MAX)
            .body_idle_timeout(Duration::MAX)
            .pool_idle_timeout(Duration::MAX)
            .http2_keep_alive_interval(Duration::MAX)
            .http2_keep_alive_timeout(Duration::MAX)
            .tcp_keepalive(Duration::MAX)
            .pool_max_idle_per_host(usize::MAX)
            .build()
            .unwrap();
        for _ in 0..2 {
            let response = get(&client, setup.uri()).await.unwrap();
            response.into_body().collect().await.unwrap();
        }
        assert_eq!(setup.server.accepted(), 1, "{protocols:?}");
    }
}
