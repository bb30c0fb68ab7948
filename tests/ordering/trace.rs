use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Request;
use tower::{Layer, ServiceBuilder};
use tower_genesys::testing::USERS;
use tower_http::trace::{
    DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, HttpMakeClassifier, TraceLayer,
};
use tracing::{Level, Span};

use crate::{
    captured_log::CapturedLog,
    setup::{USERS_PATH, setup},
};

/// A `Trace` that counts the requests it sees.
fn counting<B>(
    seen: Arc<AtomicUsize>,
) -> TraceLayer<HttpMakeClassifier, DefaultMakeSpan, impl Fn(&Request<B>, &Span) + Clone> {
    TraceLayer::new_for_http().on_request(move |_: &Request<B>, _: &Span| {
        seen.fetch_add(1, Ordering::SeqCst);
    })
}

/// How many requests `Trace` sees of one call that gets a 401, a 503 and a 200.
async fn traced(inside: bool) -> usize {
    let setup = setup().await;
    setup.mock.on(USERS).nth(1).revoke_token();
    setup.mock.on(USERS).nth(2).reply_503();
    let seen = Arc::new(AtomicUsize::new(0));
    let client = setup.mock.service();
    let status = if inside {
        let stack = setup.layer.layer(counting(seen.clone()).layer(client));
        setup.answer(stack, USERS_PATH).await.status()
    } else {
        let stack = counting(seen.clone()).layer(setup.layer.layer(client));
        setup.answer(stack, USERS_PATH).await.status()
    };
    assert_eq!((status.as_u16(), setup.mock.count(USERS)), (200, 3));
    seen.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn outside_it_sees_each_call_and_inside_each_send() {
    assert_eq!((traced(false).await, traced(true).await), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn with_all_headers_in_its_spans_no_token_is_shown() {
    let log = CapturedLog::default();
    let subscriber = log.subscriber().with_max_level(Level::TRACE).finish();
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
    let stack = setup.layer.layer(client);
    setup.answer(stack, USERS_PATH).await;

    let text = log.text();
    assert!(text.contains(r#""authorization": Sensitive"#), "{text}");
    let sent = setup.mock.requests_at(USERS);
    assert_eq!(sent.len(), 2);
    for token in sent.iter().filter_map(|sent| sent.bearer()) {
        assert!(!text.contains(token), "a token was logged");
    }
}
