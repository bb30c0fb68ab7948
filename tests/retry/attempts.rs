//! One attempt: its mark, its timer, and its old response.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body::{Body, Frame};
use tokio::{task::JoinSet, time};
use tokio_test::task;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_genesys::{
    BoxError, CallOptions, RetryLayer, RetryPolicy,
    retry::{Backoff, BoxErrorClassifier, Class, Classify, RequestHead, ResponseHead, RetryAfter},
};

use crate::setup::{
    Answer::{Hang, Resend, RetryAfter as Throttled, Slow, Status},
    Payload, Script, get, ready, retry, seconds, send, steady,
};

#[tokio::test(start_paused = true)]
async fn a_first_send_has_no_mark_even_if_it_waited_at_a_gate() {
    let script = Script::new([Throttled(429, "10")], Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap() });
        time::sleep(seconds(1)).await;
    }
    calls.join_all().await;
    let marks: Vec<_> = script.seen().iter().map(|seen| seen.extensions).collect();
    // The first send, its retry, which is marked, and the send that waited.
    let mut sorted = marks.clone();
    sorted.sort_unstable();
    assert_eq!(sorted[..2], [marks[0]; 2], "{marks:?}");
    assert_eq!(sorted[2], marks[0] + 1, "{marks:?}");
}

#[tokio::test(start_paused = true)]
async fn no_timer_wakes_an_attempt_that_no_retry_could_follow() {
    let gone = get("/x");
    gone.body().state.gone.store(true, Ordering::SeqCst);
    let with = |options| {
        let mut request = get("/x");
        request.extensions_mut().insert(options);
        request
    };
    for (request, wakes) in [
        (get("/x"), true),
        (with(CallOptions::new().without_retry()), false),
        (with(CallOptions::new().with_max_sends(1)), false),
        (gone, false),
    ] {
        let script = Script::new([], Hang);
        let policy = steady().with_attempt_timeout(seconds(3));
        let mut service = RetryLayer::new(policy).layer(script.clone());
        let mut call = task::spawn(ready(&mut service).await.call(request));
        assert!(call.poll().is_pending());
        time::sleep(seconds(4)).await;
        assert_eq!(call.is_woken(), wakes);
    }
}

#[test]
fn outside_of_a_runtime_an_attempt_has_no_timer() {
    let script = Script::new([], Hang);
    let policy = RetryPolicy::new().with_attempt_timeout(seconds(3));
    let mut service = RetryLayer::new(policy).layer(script.clone());
    let mut call = task::spawn(async move { ready(&mut service).await.call(get("/x")).await });
    assert!(call.poll().is_pending());
    assert_eq!(script.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_longer_than_the_clock_lasts_does_not_end_a_call() {
    let script = Script::new([Slow(seconds(20), Box::new(Status(503)))], Status(200));
    let policy = steady().with_deadline(Duration::MAX);
    let service = RetryLayer::new(policy).layer(script.clone());
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 2));
}

/// The resend after a 401 is immediate, so the first backoff of the call is
/// still the first one.
#[tokio::test(start_paused = true)]
async fn a_resend_does_not_advance_the_backoff() {
    let mut waits = Vec::new();
    for answers in [vec![Status(503)], vec![Resend, Status(503)]] {
        let script = Script::new(answers, Status(200));
        let policy = RetryPolicy::new().with_backoff(Backoff::new().with_seed(3));
        let service = RetryLayer::new(policy).layer(script.clone());
        send(&service, get("/x")).await.unwrap();
        waits.push(script.times().last().copied().unwrap());
    }
    assert!(waits[0] > 0);
    assert_eq!(waits[0], waits[1]);
}

/// Reports each 503 as an answer with a `Retry-After` of zero, and keeps what
/// the client put into the response.
#[derive(Clone, Default)]
struct Zero(Arc<AtomicUsize>);

#[derive(Clone)]
struct Hops(usize);

impl Classify<BoxError> for Zero {
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        if let Some(Hops(hops)) = response.extensions().get() {
            self.0.fetch_add(*hops, Ordering::SeqCst);
        }
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => Class::Transient {
                after: Some(RetryAfter::new(Duration::ZERO)),
            },
            _ => Classify::<BoxError>::response(&BoxErrorClassifier::new(), request, response),
        }
    }

    fn error(&self, _: RequestHead<'_>, error: &BoxError) -> Class {
        BoxErrorClassifier::new().class_of(&**error)
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_wait_of_zero_that_a_classifier_reports_the_backoff_applies() {
    let script = Script::new([Status(503)], Status(200));
    let policy = RetryPolicy::new().with_backoff(Backoff::new().with_seed(3));
    let plain = RetryLayer::new(policy).layer(script.clone());
    send(&plain, get("/x")).await.unwrap();

    let zero = Script::new([Status(503)], Status(200));
    let service = RetryLayer::new(policy)
        .with_classifier(Zero::default())
        .layer(zero.clone());
    send(&service, get("/x")).await.unwrap();
    assert!(script.times()[1] > 0);
    assert_eq!(script.times()[1], zero.times()[1]);
}

#[tokio::test(start_paused = true)]
async fn a_classifier_sees_the_extensions_of_the_response() {
    let classifier = Zero::default();
    let client = service_fn(|_: Request<Payload>| async {
        let mut response = Response::new(Counted::default());
        response.extensions_mut().insert(Hops(3));
        Ok::<_, BoxError>(response)
    });
    let layer = RetryLayer::new(steady()).with_classifier(classifier.clone());
    layer.layer(client).oneshot(get("/x")).await.unwrap();
    assert_eq!(classifier.0.load(Ordering::SeqCst), 3);
}

/// A body of one frame that counts how often it is polled.
#[derive(Clone, Default)]
struct Counted {
    polls: Arc<AtomicUsize>,
    ended: bool,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        let frame = Frame::data(Bytes::from_static(b"busy"));
        match std::mem::replace(&mut self.ended, true) {
            true => Poll::Ready(None),
            false => Poll::Ready(Some(Ok(frame))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_response_is_read_only_where_that_frees_its_connection() {
    for (version, is_sent, polls) in [
        (Version::HTTP_11, true, 2),
        // The connection is still busy with the request.
        (Version::HTTP_11, false, 0),
        // Another stream of the connection is free anyway.
        (Version::HTTP_2, true, 0),
    ] {
        let (old, sends) = (Counted::default(), Arc::new(AtomicUsize::new(0)));
        let (body, counted) = (old.clone(), sends.clone());
        let client = service_fn(move |_: Request<Payload>| {
            let mut response = Response::new(body.clone());
            *response.version_mut() = version;
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            async { Ok::<_, BoxError>(response) }
        });
        let request = get("/x");
        request
            .body()
            .state
            .unsent
            .store(!is_sent, Ordering::SeqCst);
        let service = RetryLayer::new(steady()).layer(client);
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(sends.load(Ordering::SeqCst), 2);
        assert_eq!(old.polls.load(Ordering::SeqCst), polls, "{version:?}");
    }
}
