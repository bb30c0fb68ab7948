//! The options of one request, and what a classifier learns of the request.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use http::{Method, Request, StatusCode};
use tower::Layer;
use tower_genesys::{
    BoxError, CallOptions, RetryLayer,
    retry::{
        BoxErrorClassifier, Budget, Class, Classify, Outcome, RequestHead, ResponseHead, Stop,
        Upstream,
    },
};

use crate::setup::{
    Answer::{Error, RetryAfter, Slow, Status},
    Payload, Script, get, outcome, post, request, seconds, send, steady, text,
};

const NOT_FOUND: &[StatusCode] = &[StatusCode::NOT_FOUND];
const RACES: &[StatusCode] = &[
    StatusCode::OK,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CONFLICT,
    StatusCode::NOT_IMPLEMENTED,
];

fn with(mut request: Request<Payload>, options: CallOptions) -> Request<Payload> {
    request.extensions_mut().insert(options);
    request
}

fn just_created() -> CallOptions {
    CallOptions::new().with_transient_statuses(NOT_FOUND, seconds(10))
}

#[tokio::test(start_paused = true)]
async fn a_named_404_is_retried_until_the_entity_is_there() {
    let script = Script::new([Status(404), Status(404)], Status(200));
    let service = RetryLayer::new(steady()).layer(script.clone());
    let response = send(&service, with(get("/x"), just_created())).await;
    let response = response.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 3));
    assert_eq!(outcome(&response).stop, Stop::Settled);

    // The option applies to its request only.
    script.always(Status(404));
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (404, 4));
    assert!(Outcome::of(response.extensions()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_named_status_is_final_after_its_time_and_is_returned_intact() {
    let script = Script::new([], RetryAfter(404, "4"));
    let service = RetryLayer::new(steady()).layer(script.clone());
    let response = send(&service, with(get("/x"), just_created())).await;
    let response = response.unwrap();
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
    let sends = script
        .times()
        .iter()
        .map(|at| at / 1000)
        .collect::<Vec<_>>();
    assert_eq!(sends, [0, 4, 8], "not at 12 s");
    assert_eq!(text(response).await, "body of 404");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_named_status_counts_from_the_first_poll_and_bounds_no_other_status() {
    let late = |status| Slow(seconds(11), Box::new(Status(status)));
    for (status, sends, stop) in [(404, 1, Stop::DeadlineTooClose), (503, 4, Stop::SendsSpent)] {
        let script = Script::new([], late(status));
        let service = RetryLayer::new(steady()).layer(script.clone());
        let response = send(&service, with(get("/x"), just_created())).await;
        assert_eq!(outcome(&response.unwrap()).stop, stop);
        assert_eq!(script.sends(), sends, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_refusal_is_retried_for_any_method_and_other_statuses_for_repeatable_ones() {
    let options = CallOptions::new().with_transient_statuses(RACES, seconds(60));
    let cases = [
        (Method::GET, [1, 4, 4, 4]),
        (Method::PUT, [1, 4, 4, 4]),
        (Method::POST, [1, 1, 4, 1]),
        (Method::PATCH, [1, 1, 4, 1]),
    ];
    for (method, sends) in cases {
        for (status, sends) in [200, 408, 409, 501].into_iter().zip(sends) {
            let script = Script::new([], Status(status));
            let service = RetryLayer::new(steady()).layer(script.clone());
            let request = with(request(method.clone(), "/x"), options);
            send(&service, request).await.unwrap();
            assert_eq!(script.sends(), sends, "{method} after {status}");
        }
    }
    // A POST that may be resent after a 409 is not resent after a broken
    // connection.
    let script = Script::new([], Error);
    let service = RetryLayer::new(steady()).layer(script.clone());
    assert!(send(&service, with(post("/x"), options)).await.is_err());
    assert_eq!(script.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn named_statuses_are_charged_to_the_budget() {
    let script = Script::new([], Status(404));
    let upstream = Upstream::new().with_budget(Budget::new(1, 1));
    let layer = RetryLayer::new(steady()).with_upstream(upstream);
    let service = layer.layer(script.clone());
    let response = send(&service, with(get("/x"), just_created())).await;
    assert_eq!(outcome(&response.unwrap()).stop, Stop::BudgetSpent);
    assert_eq!(script.sends(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_request_has_its_own_number_of_sends() {
    for (sends, expected) in [(0, 1), (1, 1), (2, 2), (7, 7)] {
        let script = Script::new([], Status(503));
        let service = RetryLayer::new(steady()).layer(script.clone());
        let options = CallOptions::new().with_max_sends(sends);
        let response = send(&service, with(get("/x"), options)).await.unwrap();
        assert_eq!(outcome(&response).stop, Stop::SendsSpent);
        assert_eq!(script.sends(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_has_its_own_attempt_timeout() {
    let slow = || Slow(seconds(20), Box::new(Status(200)));
    for policy in [steady(), steady().without_attempt_timeout()] {
        let script = Script::new([slow()], Status(200));
        let service = RetryLayer::new(policy).layer(script.clone());
        let options = CallOptions::new().with_attempt_timeout(seconds(3));
        send(&service, with(get("/x"), options)).await.unwrap();
        assert_eq!(script.times(), [0, 3000]);
    }
    // It may also be longer than that of the layer.
    let script = Script::new([slow()], Status(200));
    let service = RetryLayer::new(steady().with_attempt_timeout(seconds(1))).layer(script.clone());
    let options = CallOptions::new().with_attempt_timeout(seconds(60));
    send(&service, with(get("/x"), options)).await.unwrap();
    assert_eq!(script.sends(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_retried_has_no_time_out() {
    let gone = get("/x");
    gone.body().state.gone.store(true, Ordering::SeqCst);
    for request in [
        with(get("/x"), CallOptions::new().without_retry()),
        with(get("/x"), CallOptions::new().with_max_sends(1)),
        gone,
    ] {
        let script = Script::new([Slow(seconds(20), Box::new(Status(200)))], Error);
        let policy = steady().with_attempt_timeout(seconds(3));
        let service = RetryLayer::new(policy).layer(script.clone());
        let response = send(&service, request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(script.times(), [0]);
    }
}

/// An extension of a request, for a classifier.
#[derive(Clone, Debug, PartialEq)]
struct Kind(&'static str);

type Heads = Vec<(Method, String, Option<Kind>, u16)>;

/// A classifier that records the heads it is shown, and treats a 404 to a
/// request marked as throttled as a 429.
#[derive(Clone, Default)]
struct Curious(Arc<Mutex<Heads>>);

impl Curious {
    fn note(&self, request: RequestHead<'_>, status: u16) {
        let kind = request.extensions().get().cloned();
        let path = request.uri().path().to_owned();
        let head = (request.method().clone(), path, kind, status);
        self.0.lock().unwrap().push(head);
    }
}

impl Classify<BoxError> for Curious {
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        self.note(request, response.status().as_u16());
        match request.extensions().get() {
            Some(Kind("throttled")) if response.status() == 404 => Class::Throttled { after: None },
            _ => Classify::<BoxError>::response(&BoxErrorClassifier::new(), request, response),
        }
    }

    fn error(&self, request: RequestHead<'_>, error: &BoxError) -> Class {
        self.note(request, 0);
        BoxErrorClassifier::new().class_of(&**error)
    }
}

#[tokio::test(start_paused = true)]
async fn a_classifier_sees_the_request_at_each_send_whether_it_is_kept_or_not() {
    for payload in [Payload::default(), Payload::unclonable()] {
        let script = Script::new([Status(503), Error], Status(200));
        let classifier = Curious::default();
        let layer = RetryLayer::new(steady()).with_classifier(classifier.clone());
        let mut request = get("/api/v2/users").map(|_| payload);
        request.extensions_mut().insert(Kind("read"));
        let _ = send(&layer.layer(script.clone()), request).await;
        let heads = classifier.0.lock().unwrap().clone();
        let expected = [503, 0, 200].map(|status| {
            let path = "/api/v2/users".to_owned();
            (Method::GET, path, Some(Kind("read")), status)
        });
        assert_eq!(heads, expected[..script.sends()]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_class_of_a_named_status_is_that_of_the_classifier() {
    let script = Script::new([Status(404)], Status(200));
    let layer = RetryLayer::new(steady()).with_classifier(Curious::default());
    let options = CallOptions::new().with_transient_statuses(NOT_FOUND, Duration::ZERO);
    let mut request = with(post("/x"), options);
    request.extensions_mut().insert(Kind("throttled"));
    let response = send(&layer.layer(script.clone()), request).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn the_options_of_a_request_apply_to_each_of_its_sends() {
    let options = just_created()
        .with_max_sends(6)
        .with_attempt_timeout(seconds(2));
    let hang = Slow(seconds(50), Box::new(Status(200)));
    let script = Script::new([Status(404), hang, Status(503), Status(404)], Status(200));
    let service = RetryLayer::new(steady()).layer(script.clone());
    let response = send(&service, with(get("/x"), options)).await.unwrap();
    assert_eq!(outcome(&response).sends, 5);
    assert_eq!(script.times(), [0, 0, 2000, 2000, 2000]);
}
