//! Failures that put no load on the API: how many resends they get without
//! budget, and how soon.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
use tower_genesys::{
    BoxError, ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
    retry::{Backoff, Budget, Class, Classify, GaveUp, RequestHead, ResponseHead, Stop, Upstream},
};

use crate::{
    setup::{
        Answer::{Error, Status},
        *,
    },
    sockets::{goaway, listen, read_http2_head, until_closed},
};

/// Gives each error this class.
#[derive(Clone, Copy)]
struct Always(Class);

impl Classify<BoxError> for Always {
    fn response(&self, _: RequestHead<'_>, _: ResponseHead<'_>) -> Class {
        Class::Final
    }

    fn error(&self, _: RequestHead<'_>, _: &BoxError) -> Class {
        self.0
    }
}

/// A layer with seeded waits and a budget of `permits`, and that budget.
fn layer(class: Class, permits: u32) -> (RetryLayer<Always>, Budget) {
    let budget = Budget::new(permits, 1);
    let policy = RetryPolicy::new().with_backoff(Backoff::new().with_seed(7));
    let layer = RetryLayer::new(policy)
        .with_classifier(Always(class))
        .with_upstream(Upstream::new().with_budget(budget.clone()));
    (layer, budget)
}

#[tokio::test(start_paused = true)]
async fn the_first_resend_is_immediate_the_second_after_a_backoff_and_both_are_free() {
    for (class, request) in [
        (Class::Unprocessed, post as fn(&str) -> _),
        (Class::StaleConnection, get),
    ] {
        let script = Script::new([Error, Error], Status(200));
        let (layer, budget) = layer(class, 1);
        let response = send(&layer.layer(script.clone()), request("/x")).await;
        assert_eq!(response.unwrap().status(), 200);
        assert_eq!(script.times(), [0, 0, 1318], "{class:?}");
        assert_eq!(budget.available(), 1, "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_third_resend_is_charged_to_the_budget_and_counts_as_a_send() {
    let script = Script::new([], Error);
    let (layer, budget) = layer(Class::Unprocessed, 1);
    let service = layer.layer(script.clone());
    let error = send(&service, post("/x")).await.unwrap_err();
    assert!(error.is::<Broken>(), "the sends are spent: {error}");
    assert_eq!((script.sends(), budget.available()), (4, 0));
    let error = send(&service, post("/x")).await.unwrap_err();
    assert_eq!(script.sends(), 4 + 3);
    let gave_up = GaveUp::find(&*error).expect("the budget is spent");
    assert_eq!(gave_up.outcome().stop, Stop::BudgetSpent);
    assert_eq!(gave_up.outcome().sends, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_waits_for_the_backoff_and_is_charged() {
    let script = Script::new([Error], Status(200));
    let (layer, budget) = layer(Class::NotSent, 2);
    let response = send(&layer.layer(script.clone()), post("/x")).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(script.times(), [0, 1318]);
    assert_eq!(budget.available(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_on_a_stale_connection_is_not_resent() {
    let script = Script::new([], Error);
    let (layer, _) = layer(Class::StaleConnection, 1);
    let error = send(&layer.layer(script.clone()), post("/x")).await;
    let error = error.unwrap_err();
    let gave_up = GaveUp::find(&*error).expect("it says that it may be done");
    assert_eq!(gave_up.outcome().stop, Stop::NotRepeatable);
    assert!(gave_up.get_ref().is::<Broken>());
    assert!(error.to_string().contains("may have executed it"));
    assert_eq!(script.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_error_names_the_spent_budget() {
    let script = Script::new([], Error);
    let upstream = Upstream::new().with_budget(Budget::new(1, 1));
    let layer = RetryLayer::default().with_upstream(upstream);
    let error = send(&layer.layer(script.clone()), get("/x")).await;
    let error = error.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the request failed and was not resent: the retry budget"),
        "{text}"
    );
    let gave_up = GaveUp::find(&*error).expect("the budget is spent");
    assert_eq!(gave_up.outcome().stop, Stop::BudgetSpent);
    assert!(gave_up.get_ref().is::<Broken>());
    assert!(error.source().expect("the error itself").is::<Broken>());
    assert_eq!(script.sends(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_custom_type_is_returned_unchanged() {
    #[derive(Debug)]
    struct Own;

    impl fmt::Display for Own {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("own")
        }
    }

    impl std::error::Error for Own {}

    let upstream = Upstream::new().with_budget(Budget::new(1, 1));
    let layer = RetryLayer::typed(RetryPolicy::new()).with_upstream(upstream);
    let mut service = layer.layer(tower::service_fn(|_: Request<Payload>| async {
        Err::<Response<Full<Bytes>>, _>(Own)
    }));
    let service = service.ready().await.expect("it always is");
    let Own = service.call(get("/x")).await.unwrap_err();
}

type Api = BoxCloneSyncService<Request<Full<Bytes>>, Response<Incoming>, BoxError>;

/// The layers around an HTTP/2 client, with the default policy.
fn http2_client(budget: Budget) -> Api {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<ReplayBody<Full<Bytes>>>();
    let layer =
        RetryLayer::new(RetryPolicy::new()).with_upstream(Upstream::new().with_budget(budget));
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(layer)
        .map_err(Into::<BoxError>::into)
        .service(client);
    BoxCloneSyncService::new(service)
}

fn http2_post(address: &str) -> Request<Full<Bytes>> {
    Request::post(address).body(Full::from("payload")).unwrap()
}

/// Answers 200 to each request of a connection, and counts them.
async fn serve(stream: TcpStream, most: u32, handled: Arc<AtomicUsize>) {
    let service = service_fn(move |_: Request<Incoming>| {
        let handled = Arc::clone(&handled);
        async move {
            handled.fetch_add(1, Ordering::SeqCst);
            // Real time, because hyper does not tell when requests are on the
            // wire: the streams stay open until all of them are.
            time::sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let _ = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(most)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[tokio::test]
async fn a_hundred_parallel_posts_beyond_the_stream_limit_succeed_and_cost_no_budget() {
    let (listener, address) = listen().await;
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&handled);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                // Real time again: the client sends the whole burst before it
                // learns of the stream limit.
                time::sleep(Duration::from_millis(200)).await;
                serve(stream, 10, counted).await;
            });
        }
    });
    let budget = Budget::default();
    let client = http2_client(budget.clone());
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (client, request) = (client.clone(), http2_post(&address));
        calls.spawn(async move { client.oneshot(request).await.unwrap().status() });
    }
    let statuses = calls.join_all().await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(handled.load(Ordering::SeqCst), 100, "each once");
    assert_eq!(budget.available(), 50);
}

#[tokio::test]
async fn a_post_above_the_last_stream_of_a_goaway_is_resent_at_once_on_another_connection() {
    let (listener, address) = listen().await;
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&handled);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(goes_away(stream));
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, 10, counted).await;
    });
    let budget = Budget::new(1, 1);
    let call = http2_client(budget.clone()).oneshot(http2_post(&address));
    assert_eq!(call.await.unwrap().status(), 200);
    assert_eq!((handled.load(Ordering::SeqCst), budget.available()), (1, 1));
}

/// Reads the head of a request, and states that no stream was processed.
async fn goes_away(mut stream: TcpStream) {
    read_http2_head(&mut stream).await;
    stream.write_all(&goaway(0)).await.unwrap();
    until_closed(stream).await;
}
