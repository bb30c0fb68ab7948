use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tower::{ServiceBuilder, ServiceExt};
use tower_genesys::testing::USERS;
use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::{
    captured_log::CapturedLog,
    setup::{USERS_PATH, setup},
};

/// What `Trace` sees of one call whose token is refused, and which then meets a 503.
async fn traced(inside: bool) -> usize {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    setup.mock.on(USERS).nth(2).reply_503();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let on_request = move |_: &http::Request<_>, _: &tracing::Span| {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let status = if inside {
        let trace = TraceLayer::new_for_http().on_request(on_request);
        let client = ServiceBuilder::new()
            .layer(trace)
            .service(setup.mock.service());
        let stack = ServiceBuilder::new()
            .layer(setup.layer.clone())
            .service(client);
        stack
            .oneshot(setup.get(USERS_PATH))
            .await
            .expect("no error")
            .status()
    } else {
        let counter = seen.clone();
        let trace = TraceLayer::new_for_http().on_request(
            move |_: &http::Request<crate::setup::Body>, _: &tracing::Span| {
                counter.fetch_add(1, Ordering::SeqCst);
            },
        );
        let stack = ServiceBuilder::new()
            .layer(trace)
            .layer(setup.layer.clone())
            .service(setup.mock.service());
        stack
            .oneshot(setup.get(USERS_PATH))
            .await
            .expect("no error")
            .status()
    };
    assert_eq!((status.as_u16(), setup.mock.count(USERS)), (200, 3));
    seen.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn outside_it_sees_each_call_and_inside_each_send() {
    assert_eq!((traced(false).await, traced(true).await), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn with_all_headers_in_its_spans_it_shows_no_token() {
    let log = CapturedLog::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    let trace = TraceLayer::new_for_http()
        .make_span_with(
            DefaultMakeSpan::new()
                .include_headers(true)
                .level(Level::INFO),
        )
        .on_request(DefaultOnRequest::new().level(Level::INFO))
        .on_response(
            DefaultOnResponse::new()
                .include_headers(true)
                .level(Level::INFO),
        );
    let client = ServiceBuilder::new()
        .layer(trace)
        .service(setup.mock.service());
    let stack = ServiceBuilder::new()
        .layer(setup.layer.clone())
        .service(client);
    stack
        .oneshot(setup.get(USERS_PATH))
        .await
        .expect("no error");

    let text = log.text();
    assert!(text.contains(r#""authorization": Sensitive"#), "{text}");
    let sent = setup.mock.requests_at(USERS);
    assert_eq!(sent.len(), 2);
    for token in sent.iter().filter_map(|sent| sent.bearer()) {
        assert!(!text.contains(token), "a token was logged");
    }
}
