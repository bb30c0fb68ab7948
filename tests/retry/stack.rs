//! Retry among other layers: sends do not multiply, and no permit is held
//! during a wait.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::setup::{
    Answer::{self, Error, RetryAfter, Status},
    *,
};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use tokio::{sync::Semaphore, task::JoinSet, time};
use tokio_test::task;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt,
    buffer::Buffer,
    limit::{GlobalConcurrencyLimitLayer, RateLimitLayer},
    service_fn,
    timeout::TimeoutLayer,
};
use tower_genesys::{
    BoxError, GenesysLayer, Org, Region, ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
    replay::{Remake, Resend},
    retry::{
        Attempt, Backoff, BoxErrorClassifier, Class, Classify, Outcome, RequestHead, ResponseHead,
        RetryAfter as After, Stop, Upstream,
    },
    token::{IssuedToken, source_fn},
};

#[tokio::test(start_paused = true)]
async fn nested_retry_layers_do_not_multiply() {
    let script = Script::new([], Status(503));
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(steady()))
        .layer(RetryLayer::new(steady()))
        .layer(RetryLayer::new(steady()))
        .service(script.clone());
    let request = get("/x");
    let state = request.body().state.clone();
    let response = send(&service, request).await.unwrap();
    assert_eq!(script.sends(), 4);
    assert_eq!(outcome(&response).sends, 4);
    assert_eq!(state.clones.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn retry_layers_inside_a_second_replay_add_up_and_do_not_multiply() {
    let body = || http_body_util::Full::<Bytes>::from("x");
    for (answer, sends, attempts) in [
        // The inner layer sends the first attempt of the outer one four times,
        // and each later attempt once.
        (Status(503), 7, [1, 2, 3, 4, 2, 3, 4].as_slice()),
        (Status(200), 1, &[1]),
    ] {
        let script = Script::new([], answer);
        let service = ServiceBuilder::new()
            .layer(ReplayLayer::new())
            .layer(RetryLayer::new(steady()))
            .layer(ReplayLayer::new())
            .layer(RetryLayer::new(steady()))
            .service(script.clone());
        let request = http::Request::get("https://a/x").body(body()).unwrap();
        service.oneshot(request).await.unwrap();
        assert_eq!(script.sends(), sends);
        let seen = script.seen();
        let seen: Vec<_> = seen.iter().map(|seen| seen.attempt.get()).collect();
        assert_eq!(seen, attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_an_outer_layer_holds_passes_with_its_marks() {
    let script = Script::new([Answer::Resend, RetryAfter(429, "60")], Status(503));
    let service = RetryLayer::default().layer(script.clone());
    for status in [401, 429, 503] {
        let mut request = get("/x");
        tower_genesys::replay::CloneBody::mark_kept(request.body_mut());
        let response = send(&service, request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(
            response.extensions().get::<Resend>().is_some(),
            status == 401
        );
        assert!(Outcome::of(response.extensions()).is_none());
    }
    assert_eq!(script.times(), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn scenario_29_concurrency_limit_of_one_inside() {
    let permit = Arc::new(Semaphore::new(1));
    let script = Script::new([], Status(503));
    let policy = RetryPolicy::new().with_max_sends(5);
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(policy))
        .layer(GlobalConcurrencyLimitLayer::with_semaphore(permit.clone()))
        .service(script.clone());
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let service = service.clone();
        calls.spawn(async move { outcome(&send(&service, get("/x")).await.unwrap()).sends });
    }
    let mut free = 0;
    for _ in 0..20 {
        time::sleep(Duration::from_millis(10)).await;
        free += permit.available_permits();
    }
    assert_eq!(free, 20, "no permit is held during a wait");
    assert_eq!(calls.join_all().await, [5, 5, 5]);
    assert_eq!(script.sends(), 15);
    assert_eq!(script.readied(), 0);
}

#[tokio::test(start_paused = true)]
async fn scenario_29_the_token_client_shares_the_limiter() {
    let permit = Arc::new(Semaphore::new(1));
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permit.clone());
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(steady()))
        .layer(limit.clone())
        .service(script.clone());
    let tokens = limit.layer(Script::new([], Status(200)));
    let mut waiting = task::spawn(send(&service, get("/x")));
    assert!(waiting.poll().is_pending());
    // A first send at the closed gate has released its permit, too.
    let mut own = service.clone();
    ready(&mut own).await;
    let mut held = task::spawn(own.call(get("/x")));
    assert!(held.poll().is_pending());
    assert_eq!(permit.available_permits(), 1);
    send(&tokens, get("/oauth/token")).await.unwrap();
    drop(own);
    assert_eq!(waiting.await.unwrap().status(), 200);
    assert_eq!(held.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn scenario_29_buffer_of_one_inside() {
    let script = Script::new([], Status(503));
    let inner = Buffer::new(script.clone(), 1);
    let policy = RetryPolicy::new().with_max_sends(5);
    let service = RetryLayer::new(policy).layer(inner);
    let call = || async { outcome(&send(&service, get("/x")).await.unwrap()).sends };
    assert_eq!(tokio::join!(call(), call(), call()), (5, 5, 5));
    assert_eq!(script.sends(), 15);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_counts_at_a_rate_limit_inside() {
    let script = Script::new([], Status(503));
    let limited = RateLimitLayer::new(1, seconds(60)).layer(script.clone());
    let patient = steady().without_attempt_timeout();
    let service = RetryLayer::new(patient).layer(Buffer::new(limited, 8));
    send(&service, get("/x")).await.unwrap();
    assert_eq!(script.times(), [0, 60_000, 120_000, 180_000]);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_before_a_resend_is_returned() {
    let script = Script::new([Status(503)], Status(200));
    let (service, worker) = Buffer::pair(script.clone(), 1);
    let worker = tokio::spawn(worker);
    let service = RetryLayer::default().layer(service);
    let mut call = task::spawn(send(&service, get("/x")));
    while script.sends() == 0 {
        assert!(call.poll().is_pending());
        tokio::task::yield_now().await;
    }
    // The first response has come. The worker of the buffer ends while the call
    // waits.
    assert!(call.poll().is_pending());
    worker.abort();
    assert!(call.await.is_err());
    assert_eq!(script.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_releases_its_permit() {
    let script = Script::new([Answer::Hang], Status(200));
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(steady()))
        .layer(GlobalConcurrencyLimitLayer::new(1))
        .service(script.clone());
    assert_eq!(send(&service, get("/x")).await.unwrap().status(), 200);
    assert_eq!(script.times(), [0, 30_000]);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_inside_is_transient() {
    let script = Script::new([Answer::Hang], Status(200));
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(steady()))
        .layer(TimeoutLayer::new(seconds(1)))
        .service(script.clone());
    assert_eq!(send(&service, get("/x")).await.unwrap().status(), 200);
    assert_eq!(script.times(), [0, 1000]);
}

type Upload = UnsyncBoxBody<Bytes, Infallible>;

/// An upload of 2 MiB, which is over any cap. Counts how often it is opened.
fn upload(opened: &AtomicUsize) -> Upload {
    opened.fetch_add(1, Ordering::SeqCst);
    let frames = (0..32).map(|_| Ok(Frame::data(Bytes::from(vec![b'x'; 64 * 1024]))));
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

/// Reads each upload to its end, and answers the first attempt with a 503.
async fn store(request: http::Request<ReplayBody<Upload>>) -> Result<Response<Upload>, BoxError> {
    let mut response = Response::new(Upload::default());
    if Attempt::of(request.extensions()).get() == 1 {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    assert!(request.extensions().get::<Remake<Upload>>().is_none());
    let whole = request.into_body().collect().await?.to_bytes();
    assert_eq!(whole.len(), 2 * 1024 * 1024);
    Ok(response)
}

#[tokio::test(start_paused = true)]
async fn an_upload_over_the_cap_is_resent_if_it_can_be_remade() {
    let opened = Arc::<AtomicUsize>::default();
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(RetryLayer::new(steady()))
        .service_fn(store);
    let again = opened.clone();
    let remake = Remake::new(move || upload(&again));
    assert_eq!(format!("{remake:?}"), "Remake { .. }");
    let request = http::Request::put("https://a/x").extension(remake);
    let request = request.body(upload(&opened)).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(
        (response.status(), outcome(&response).sends),
        (StatusCode::OK, 2)
    );
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_genesys_layer_resends_a_remade_upload() {
    let opened = Arc::<AtomicUsize>::default();
    let tokens = source_fn(|_| async { Ok(IssuedToken::new("s3cr3t", seconds(86_400))) });
    let region: Region = "us-east-1".parse().unwrap();
    let org = Org::builder(region).build_from_source(tokens).unwrap();
    let service = GenesysLayer::new(&org).layer(service_fn(store));
    for (remade, status) in [(true, 200), (false, 503)] {
        let again = opened.clone();
        let mut request = http::Request::put("https://api.mypurecloud.com/x");
        if remade {
            request = request.extension(Remake::new(move || upload(&again)));
        }
        let request = request.body(upload(&opened)).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

/// A classifier that panics at a 500 and at an error.
#[derive(Clone, Debug)]
struct Panics;

impl Classify<BoxError> for Panics {
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        assert_ne!(response.status(), 500, "no idea");
        Classify::<BoxError>::response(&BoxErrorClassifier::new(), request, response)
    }

    fn error(&self, _: RequestHead<'_>, _: &BoxError) -> Class {
        panic!("no idea");
    }
}

trait Transient {
    fn transient(&self, status: StatusCode, headers: &HeaderMap) -> Class;
}

impl Transient for BoxErrorClassifier {
    fn transient(&self, status: StatusCode, headers: &HeaderMap) -> Class {
        let mut response = Response::new(());
        *response.status_mut() = status;
        response.headers_mut().clone_from(headers);
        let (request, response) = (get("/x"), ResponseHead::of(&response));
        Classify::<BoxError>::response(self, RequestHead::of(&request), response)
    }
}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_returns_the_response_and_blocks_nothing() {
    let upstream = Upstream::new();
    let script = Script::new([RetryAfter(429, "10"), Status(500), Error], Status(200));
    let layer = RetryLayer::new(steady());
    let layer = layer.with_classifier(Panics).with_upstream(upstream);
    let service = layer.layer(script.clone());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (500, 2));
    assert_eq!(text(response).await, "body of 500");
    assert!(send(&service, get("/x")).await.is_err());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 4));
    assert_eq!(script.readied(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_transient_statuses_can_be_set() {
    const ONLY_500: &[StatusCode] = &[StatusCode::INTERNAL_SERVER_ERROR];
    let classifier = BoxErrorClassifier::new().with_statuses(ONLY_500);
    let layer = RetryLayer::new(steady()).with_classifier(classifier);
    for (status, sends) in [(500, 4), (503, 1), (429, 4)] {
        let script = Script::new([], Status(status));
        send(&layer.layer(script.clone()), get("/x")).await.unwrap();
        assert_eq!(script.sends(), sends, "{status}");
    }
}

#[test]
fn the_classes_of_responses() {
    let classify = BoxErrorClassifier::new();
    let mut headers = HeaderMap::new();
    headers.insert("Retry-After", "42".parse().unwrap());
    let after = Some(After::new(seconds(42)));
    for status in 100..600 {
        let code = StatusCode::from_u16(status).unwrap();
        let expected = match status {
            429 => Class::Throttled { after },
            408 | 500 | 502 | 503 | 504 => Class::Transient { after },
            _ => Class::Final,
        };
        assert_eq!(classify.transient(code, &headers), expected, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn zero_sends_count_as_one_and_no_setting_panics() {
    let policy = RetryPolicy::new()
        .with_max_sends(0)
        .with_deadline(Duration::MAX)
        .with_attempt_timeout(Duration::MAX)
        .with_retry_after_cap(Duration::MAX)
        .with_backoff(
            Backoff::new()
                .with_base(Duration::MAX)
                .with_cap(Duration::MAX),
        );
    let script = Script::new([], RetryAfter(503, "99999999999999999999"));
    let response = send(&RetryLayer::new(policy).layer(script.clone()), get("/x"))
        .await
        .unwrap();
    assert_eq!(
        (script.sends(), outcome(&response).stop),
        (1, Stop::SendsSpent)
    );
    let policy = policy.with_max_sends(u32::MAX);
    let response = send(&RetryLayer::new(policy).layer(script.clone()), get("/x"))
        .await
        .unwrap();
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
    // A `Retry-After` in the far future overflows nothing.
    let script = Script::new([], RetryAfter(429, "99999999999999999999"));
    let service = RetryLayer::new(policy).layer(script.clone());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
}
