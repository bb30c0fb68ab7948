//! One call: how often and when it is sent, and what it returns.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::setup::{
    Answer::{self, Error, Hang, RetryAfter, Slow, Status},
    *,
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BoxError, CallOptions, ReplayBody, RetryLayer, RetryPolicy,
    replay::{self, Unreplayed},
    retry::{Attempt, Backoff, Budget, GaveUp, Outcome, RetryEvent, Stop, Upstream},
};

#[tokio::test(start_paused = true)]
async fn a_success_is_sent_once_and_has_no_marks() {
    let script = Script::new([], Status(200));
    let service = retry(&RetryLayer::default(), &script);
    let response = send(&service, get("/api/v2/users")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.extensions().is_empty());
    let seen = script.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].extensions, 0);
    assert_eq!(seen[0].attempt.get(), 1);
    assert!(seen[0].kept);
}

#[tokio::test(start_paused = true)]
async fn four_sends_by_default_and_the_last_503_is_returned_intact() {
    fastrand::seed(1);
    let script = Script::new([], Status(503));
    let service = retry(&RetryLayer::default(), &script);
    let response = send(&service, get("/api/v2/users")).await.unwrap();
    assert_eq!(response.status(), 503);
    let outcome = outcome(&response);
    assert_eq!((outcome.stop, outcome.sends), (Stop::SendsSpent, 4));
    assert_eq!(outcome.elapsed, outcome.waited);
    // Up to 3, 6 and 12 seconds, by the jitter.
    assert_eq!(outcome.waited.as_millis(), 6180);
    assert_eq!(text(response).await, "body of 503");
    let attempts: Vec<_> = script.seen().iter().map(|seen| seen.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4].map(Attempt::new));
    assert!(script.seen().iter().all(|seen| seen.kept));
}

#[tokio::test(start_paused = true)]
async fn final_statuses_are_returned_at_once_without_an_outcome() {
    for status in [200, 202, 301, 400, 401, 403, 404, 409, 413, 425, 501, 505] {
        let script = Script::new([], Status(status));
        let service = retry(&RetryLayer::default(), &script);
        let response = send(&service, get("/api/v2/users")).await.unwrap();
        assert_eq!(script.sends(), 1, "{status}");
        assert!(Outcome::of(response.extensions()).is_none(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_method_is_retried_after_the_failures_that_allow_it() {
    let cases = [
        (Method::GET, [4, 4, 4]),
        (Method::HEAD, [4, 4, 4]),
        (Method::OPTIONS, [4, 4, 4]),
        (Method::TRACE, [4, 4, 4]),
        (Method::PUT, [4, 4, 4]),
        (Method::DELETE, [4, 4, 4]),
        (Method::POST, [1, 4, 1]),
        (Method::PATCH, [1, 4, 1]),
    ];
    for (method, sends) in cases {
        for (answer, sends) in [Status(503), Status(429), Error].into_iter().zip(sends) {
            let script = Script::new([], answer.clone());
            let service = retry(&RetryLayer::new(steady()), &script);
            let result = send(&service, request(method.clone(), "/x")).await;
            assert_eq!(script.sends(), sends, "{method} after {answer:?}");
            let stop = if sends == 1 {
                Stop::NotRepeatable
            } else {
                Stop::SendsSpent
            };
            if let Ok(response) = result {
                assert_eq!(outcome(&response).stop, stop);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_default_status_is_transient() {
    for status in [408, 500, 502, 503, 504] {
        let script = Script::new([Status(status)], Status(200));
        let service = retry(&RetryLayer::new(steady()), &script);
        let response = send(&service, get("/x")).await.unwrap();
        assert_eq!((response.status().as_u16(), script.sends()), (200, 2));
        assert_eq!(outcome(&response).stop, Stop::Settled);
    }
}

#[tokio::test(start_paused = true)]
async fn broken_writes_can_be_turned_off() {
    let layer = RetryLayer::new(steady().with_broken_writes(false));
    for (method, after_error, after_503) in [
        (Method::PUT, 1, 4),
        (Method::DELETE, 1, 4),
        (Method::GET, 4, 4),
    ] {
        for (answer, sends) in [(Error, after_error), (Status(503), after_503)] {
            let script = Script::new([], answer);
            let _ = send(&retry(&layer, &script), request(method.clone(), "/x")).await;
            assert_eq!(script.sends(), sends, "{method}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn call_options_override_the_predicate_which_overrides_the_method() {
    let layer = RetryLayer::new(steady()).with_repeatable(|method, uri| {
        uri.path()
            .ends_with("/query")
            .then_some(method == Method::POST)
    });
    let cases = [
        (post("/a/query"), None, 4),
        (post("/a/jobs"), None, 1),
        (get("/a/query"), None, 1),
        (get("/a"), None, 4),
        (post("/a/query"), Some(false), 1),
        (post("/a/jobs"), Some(true), 4),
        (get("/a"), Some(false), 1),
    ];
    for (mut request, repeatable, sends) in cases {
        if let Some(repeatable) = repeatable {
            let options = CallOptions::new().with_repeatable(repeatable);
            request.extensions_mut().insert(options);
        }
        let script = Script::new([], Status(503));
        send(&retry(&layer, &script), request).await.unwrap();
        assert_eq!(script.sends(), sends);
    }
}

#[tokio::test(start_paused = true)]
async fn without_retry_a_request_is_resent_after_a_401_only() {
    let script = Script::new([Answer::Resend], Status(503));
    let mut request = get("/x");
    request
        .extensions_mut()
        .insert(CallOptions::new().without_retry());
    let response = send(&retry(&RetryLayer::default(), &script), request)
        .await
        .unwrap();
    assert_eq!(script.times(), [0, 0]);
    assert_eq!(outcome(&response).stop, Stop::Disabled);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_cloned_is_sent_once_and_not_kept() {
    let script = Script::new([], Status(503));
    let request = get("/x").map(|_| Payload::unclonable());
    let response = send(&retry(&RetryLayer::default(), &script), request)
        .await
        .unwrap();
    assert_eq!(script.sends(), 1);
    assert!(!script.seen()[0].kept);
    assert_eq!(outcome(&response).stop, Stop::BodyGone);
    assert_eq!(text(response).await, "body of 503");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_gone_ends_the_call_with_the_response() {
    for (answer, stop) in [
        (Status(503), Stop::BodyGone),
        (Answer::Resend, Stop::Settled),
    ] {
        let script = Script::new([], answer);
        let request = get("/x");
        request.body().state.gone.store(true, Ordering::SeqCst);
        let response = send(&retry(&RetryLayer::default(), &script), request)
            .await
            .unwrap();
        assert_eq!(script.sends(), 1);
        let unreplayed = response.extensions().get::<Unreplayed>().copied();
        let is_401 = response.status() == 401;
        assert_eq!(unreplayed, is_401.then_some(Unreplayed::BodyGone));
        assert_eq!(
            Outcome::of(response.extensions()).map(|it| it.stop),
            (!is_401).then_some(stop)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_goes_over_the_cap_just_before_the_claim_ends_the_call_with_the_response() {
    for (answer, stop) in [
        (Status(503), Some(Stop::BodyGone)),
        (RetryAfter(429, "1"), Some(Stop::BodyGone)),
        (Answer::Resend, None),
    ] {
        let script = Script::new([], answer);
        let told = Arc::new(AtomicBool::new(false));
        let scheduled = told.clone();
        let observer = move |event: &RetryEvent<'_>| {
            let again = matches!(
                event,
                RetryEvent::Scheduled { .. } | RetryEvent::Resent { .. } | RetryEvent::Held { .. }
            );
            scheduled.fetch_or(again, Ordering::SeqCst);
        };
        let layer = RetryLayer::default().with_observer(observer);
        let request = get("/x");
        let state = request.body().state.clone();
        state.goes_when_claimed.store(true, Ordering::SeqCst);
        let response = send(&retry(&layer, &script), request).await.unwrap();
        assert_eq!(script.sends(), 1);
        assert_eq!(Outcome::of(response.extensions()).map(|it| it.stop), stop);
        let unreplayed = response.extensions().get::<Unreplayed>().copied();
        assert_eq!(
            unreplayed,
            stop.is_none().then_some(Unreplayed::BodyGone),
            "{stop:?}"
        );
        assert_eq!(state.revocations.load(Ordering::SeqCst), 0);
        assert!(
            !told.load(Ordering::SeqCst),
            "the observer hears of no resend"
        );
        let status = response.status().as_u16();
        assert_eq!(text(response).await, format!("body of {status}"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_body_is_lost_just_before_the_time_out_is_not_ended() {
    let script = Script::new([Slow(seconds(40), Box::new(Status(200)))], Status(500));
    let request = get("/x");
    let state = request.body().state.clone();
    state.goes_when_claimed.store(true, Ordering::SeqCst);
    let service = retry(&RetryLayer::default(), &script);
    let response = send(&service, request).await.unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 1));
}

/// The transport keeps sending, as another thread would, while the observer is
/// told of the retry.
#[tokio::test(start_paused = true)]
async fn a_transport_that_keeps_sending_while_a_retry_is_decided_loses_no_response_or_body() {
    type Upload = ReplayBody<UnsyncBoxBody<Bytes, Infallible>>;
    let frames = (0..8).map(|_| Ok(Frame::data(Bytes::from(vec![b'x'; 32 * 1024]))));
    let upload = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let poll = |body: &mut Upload| {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let _frame_or_revoked = Pin::new(body).poll_frame(&mut cx);
    };
    let older = Arc::new(Mutex::new(None::<Upload>));
    let transport = older.clone();
    let observer = move |event: &RetryEvent<'_>| {
        if let (RetryEvent::Scheduled { .. }, Some(body)) =
            (event, transport.lock().unwrap().as_mut())
        {
            (0..4).for_each(|_| poll(body));
        }
    };
    let api = tower::service_fn(move |request: Request<Upload>| {
        let older = older.clone();
        async move {
            let first = Attempt::of(request.extensions()).get() == 1;
            let mut body = request.into_body();
            let mut response = Response::new(Full::<Bytes>::default());
            if first {
                poll(&mut body);
                *older.lock().unwrap() = Some(body);
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            } else {
                let whole = body.collect().await?.to_bytes();
                assert_eq!(whole.len(), 8 * 32 * 1024);
            }
            Ok::<_, BoxError>(response)
        }
    });
    let retry = RetryLayer::new(steady()).with_observer(observer);
    let service = tower_genesys::ReplayLayer::new().layer(retry.layer(api));
    let request = Request::post("https://a/x").body(upload).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(
        (response.status(), outcome(&response).sends),
        (StatusCode::OK, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn old_bodies_are_revoked_before_each_resend_and_not_otherwise() {
    let script = Script::new([Status(503), Answer::Resend, Status(503)], Status(200));
    let request = get("/x");
    let state = request.body().state.clone();
    send(&retry(&RetryLayer::default(), &script), request)
        .await
        .unwrap();
    assert_eq!(script.sends(), 4);
    assert_eq!(state.revocations.load(Ordering::SeqCst), 3);
    assert_eq!(state.clones.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn scenario_25_401_and_503_alternate_forever() {
    for (first, sends) in [(Status(503), 4), (Answer::Resend, 2)] {
        let mut answers = vec![first];
        for _ in 0..10 {
            answers.extend([Answer::Resend, Status(503)]);
        }
        let script = Script::new(answers, Status(503));
        let service = retry(&RetryLayer::new(steady()), &script);
        let response = send(&service, get("/x")).await.unwrap();
        // The second 401 ends the call.
        assert_eq!(script.sends(), sends);
        assert_eq!(response.status(), 401);
        let unreplayed = response.extensions().get::<Unreplayed>();
        assert_eq!(unreplayed, Some(&Unreplayed::AlreadyReplayed));
        assert!(response.extensions().get::<replay::Resend>().is_none());
        assert_eq!(text(response).await, "body of 401");
    }
}

#[tokio::test(start_paused = true)]
async fn three_retries_and_one_resend_are_five_sends_at_most() {
    for at in 0..5 {
        let mut answers = vec![Status(503); at];
        answers.push(Answer::Resend);
        let script = Script::new(answers, Status(503));
        let service = retry(&RetryLayer::new(steady()), &script);
        let response = send(&service, get("/x")).await.unwrap();
        let sends = if at == 4 { 4 } else { 5 };
        assert_eq!(script.sends(), sends, "401 at {at}");
        assert_eq!(outcome(&response).stop, Stop::SendsSpent);
        assert_eq!(text(response).await, "body of 503");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resend_after_a_401_is_immediate_and_free() {
    let budget = Budget::new(1, 1);
    let upstream = Upstream::new().with_budget(budget.clone());
    let script = Script::new([Answer::Resend], Status(200));
    let layer = RetryLayer::default().with_upstream(upstream);
    let response = send(&retry(&layer, &script), post("/x")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(script.times(), [0, 0]);
    assert_eq!(budget.available(), 1);
}

/// A service whose clones take a minute to become ready.
struct Crowded {
    inner: Script,
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Clone for Crowded {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            sleep: Some(Box::pin(tokio::time::sleep(seconds(60)))),
        }
    }
}

impl Service<Request<Payload>> for Crowded {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = <Script as Service<Request<Payload>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(cx));
        }
        Service::<Request<Payload>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        self.inner.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_before_a_resend_counts_even_after_an_immediate_response() {
    for (always, stop) in [
        (Status(200), Stop::Settled),
        (Status(503), Stop::DeadlineTooClose),
    ] {
        let script = Script::new([Answer::Resend], always);
        let sleep = None;
        let inner = script.clone();
        let layer = RetryLayer::new(RetryPolicy::new().with_deadline(seconds(30)));
        let mut service = layer.layer(Crowded { inner, sleep });
        let call = service.ready().await.unwrap().call(get("/x"));
        let outcome = outcome(&call.await.unwrap());
        assert_eq!(script.times(), [0, 60_000]);
        assert_eq!((outcome.stop, outcome.elapsed), (stop, seconds(60)));
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_floor_for_429_and_503() {
    fastrand::seed(1);
    for (status, throttled, waited) in [
        (429, true, 44_450),
        (429, false, 44_460),
        (503, true, 44_838),
    ] {
        let script = Script::new([RetryAfter(status, "42")], Status(200));
        let mut upstream = Upstream::new();
        if !throttled {
            upstream = upstream.without_throttle();
        }
        let layer = RetryLayer::default().with_upstream(upstream);
        let response = send(&retry(&layer, &script), get("/x")).await.unwrap();
        let outcome = outcome(&response);
        // A tenth more at most, by the jitter.
        assert_eq!(outcome.waited.as_millis(), waited, "{status}");
        assert_eq!(outcome.waited.as_millis(), script.times()[1]);
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_26_retry_after_over_the_cap_is_returned_at_once_and_closes_no_gate() {
    for (after, sends, stop) in [
        ("181", 1, Stop::RetryAfterTooLong),
        ("99999999999999999999999", 1, Stop::RetryAfterTooLong),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1, Stop::RetryAfterTooLong),
        ("180", 2, Stop::Settled),
    ] {
        let script = Script::new([RetryAfter(429, after)], Status(200));
        let service = retry(&RetryLayer::default(), &script);
        let response = send(&service, get("/x")).await.unwrap();
        assert_eq!(script.sends(), sends, "{after}");
        assert_eq!(outcome(&response).stop, stop);
        if sends == 1 {
            assert_eq!(outcome(&response).elapsed, Duration::ZERO);
            assert_eq!(text(response).await, "body of 429");
            send(&service, get("/x")).await.unwrap();
            assert_eq!(script.times(), [0, 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_26_retry_after_longer_than_the_deadline_is_returned_at_once() {
    for by_option in [true, false] {
        let script = Script::new([], RetryAfter(429, "30"));
        let (mut policy, mut request) = (RetryPolicy::new(), get("/x"));
        if by_option {
            let options = CallOptions::new().with_deadline(seconds(30));
            request.extensions_mut().insert(options);
        } else {
            policy = policy.with_deadline(seconds(30));
        }
        let response = send(&retry(&RetryLayer::new(policy), &script), request)
            .await
            .unwrap();
        assert_eq!(script.times(), [0]);
        assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
        assert_eq!(outcome(&response).elapsed, Duration::ZERO);
        assert_eq!(text(response).await, "body of 429");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_first_poll_and_over_a_slow_attempt() {
    let slow = Slow(seconds(20), Box::new(RetryAfter(503, "30")));
    let script = Script::new([slow], Status(200));
    let layer = RetryLayer::new(RetryPolicy::new().with_deadline(seconds(49)));
    let mut service = retry(&layer, &script);
    std::future::poll_fn(|cx| Service::<Request<Payload>>::poll_ready(&mut service, cx))
        .await
        .unwrap();
    let call = service.call(get("/x"));
    tokio::time::advance(seconds(3600)).await;
    let response = call.await.unwrap();
    assert_eq!(script.sends(), 1, "20 and 30 are more than 49");
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
    assert_eq!(outcome(&response).elapsed, seconds(20));
}

#[tokio::test(start_paused = true)]
async fn default_deadline_is_five_minutes() {
    // Two waits of 150 to 155 s each, of which the second would exceed the
    // deadline.
    let script = Script::new([], RetryAfter(503, "150"));
    let response = send(&retry(&RetryLayer::default(), &script), get("/x"))
        .await
        .unwrap();
    assert_eq!(script.sends(), 2);
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
    let script = Script::new([], RetryAfter(503, "140"));
    send(&retry(&RetryLayer::default(), &script), get("/x"))
        .await
        .unwrap();
    assert_eq!(script.sends(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_thirty_seconds_if_another_one_follows() {
    let script = Script::new([Hang, Hang], Status(200));
    let response = send(&retry(&RetryLayer::new(steady()), &script), get("/x"))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(script.times(), [0, 30_000, 60_000]);
    assert_eq!(outcome(&response).sends, 3);
    assert_eq!(outcome(&response).waited, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_a_possible_retry_does_not_time_out() {
    let slow = Slow(seconds(100), Box::new(Status(200)));
    let spent = Budget::new(1, 1);
    let _ = {
        let script = Script::new([Status(503)], Status(200));
        let upstream = Upstream::new().with_budget(spent.clone());
        let layer = RetryLayer::new(steady()).with_upstream(upstream);
        send(&retry(&layer, &script), get("/x")).await.unwrap()
    };
    let upstream = Upstream::new().with_budget(spent);
    let mut disabled = get("/x");
    disabled
        .extensions_mut()
        .insert(CallOptions::new().without_retry());
    let mut in_haste = get("/x");
    in_haste
        .extensions_mut()
        .insert(CallOptions::new().with_deadline(seconds(20)));
    let layer = RetryLayer::new(steady());
    let broke = layer.clone().with_upstream(upstream);
    let cases = [
        (broke, get("/x"), "budget"),
        (layer.clone(), post("/x"), "not repeatable"),
        (layer.clone(), disabled, "without retry"),
        (
            layer.clone(),
            get("/x").map(|_| Payload::unclonable()),
            "no copy",
        ),
        (layer, in_haste, "deadline"),
        (
            RetryLayer::new(steady().with_max_sends(1)),
            get("/x"),
            "last",
        ),
        (
            RetryLayer::new(steady().without_attempt_timeout()),
            get("/x"),
            "off",
        ),
    ];
    for (layer, request, why) in cases {
        let script = Script::new([], slow.clone());
        let response = send(&retry(&layer, &script), request).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), script.sends()),
            (200, 1),
            "{why}"
        );
        assert!(Outcome::of(response.extensions()).is_none(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_outs_and_failures_share_the_sends() {
    let script = Script::new(
        [Status(503), Hang, Error],
        Slow(seconds(500), Box::new(Status(503))),
    );
    let response = send(&retry(&RetryLayer::new(steady()), &script), get("/x"))
        .await
        .unwrap();
    assert_eq!(script.times(), [0, 0, 30_000, 30_000]);
    assert_eq!(outcome(&response).elapsed, seconds(530));
    assert_eq!(outcome(&response).stop, Stop::SendsSpent);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_returned_unchanged() {
    let script = Script::new([], Error);
    let error = send(&retry(&RetryLayer::default(), &script), get("/x"))
        .await
        .unwrap_err();
    assert!(error.is::<Broken>());
    assert_eq!(script.sends(), 4);
}

#[test]
fn without_a_runtime_the_response_comes_back_with_the_reason() {
    let script = Script::new([], Status(503));
    let service = retry(&RetryLayer::default(), &script);
    let mut call = tokio_test::task::spawn(send(&service, get("/x")));
    let Poll::Ready(Ok(response)) = call.poll() else {
        panic!("it waits without a timer");
    };
    assert_eq!(script.sends(), 1);
    assert_eq!(outcome(&response).stop, Stop::NoRuntime);
}

/// Sends a call on a runtime without the time driver.
fn without_the_time_driver(
    service: impl Service<Request<Payload>, Response = Response<Full<Bytes>>, Error = BoxError> + Clone,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let _ = runtime.unwrap().block_on(service.oneshot(get("/x")));
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_wait_panics_without_the_time_driver() {
    let script = Script::new([], Status(503));
    without_the_time_driver(retry(&RetryLayer::default(), &script));
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn an_attempt_without_an_immediate_response_panics_without_the_time_driver() {
    let slow = tower::service_fn(|_: Request<Payload>| async {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(Response::new(Full::default()))
    });
    without_the_time_driver(RetryLayer::new(steady()).layer(slow));
}

#[test]
fn an_immediate_response_needs_no_timers() {
    let script = Script::new([], Status(200));
    without_the_time_driver(retry(&RetryLayer::default(), &script));
    assert_eq!(script.sends(), 1);
}

#[test]
fn without_a_runtime_an_error_comes_back_with_the_reason() {
    let script = Script::new([], Error);
    let service = retry(&RetryLayer::default(), &script);
    let call = send(&service, get("/x")).now_or_never();
    let error = call.expect("it does not wait without a timer").unwrap_err();
    let gave_up = GaveUp::find(&*error).expect("it says why");
    assert_eq!(gave_up.outcome().stop, Stop::NoRuntime);
    assert!(gave_up.get_ref().is::<Broken>());
    assert_eq!(script.sends(), 1);
}

#[test]
fn a_resend_without_a_wait_needs_no_timers() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let script = Script::new([Answer::Resend], Status(200));
    let service = retry(&RetryLayer::default(), &script);
    let call = send(&service, get("/x"));
    let response = runtime.build().unwrap().block_on(call).unwrap();
    assert_eq!((response.status().as_u16(), script.sends()), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_retries_until_it_refills() {
    let budget = Budget::new(5, 60);
    let upstream = Upstream::new().with_budget(budget.clone());
    let layer = RetryLayer::new(steady()).with_upstream(upstream);
    let script = Script::new([], Status(503));
    let service = retry(&layer, &script);
    let mut stops = Vec::new();
    for _ in 0..3 {
        let response = send(&service, get("/x")).await.unwrap();
        stops.push((outcome(&response).stop, outcome(&response).sends));
    }
    let (spent, sends) = (Stop::BudgetSpent, Stop::SendsSpent);
    assert_eq!(stops, [(sends, 4), (spent, 3), (spent, 1)]);
    tokio::time::sleep(seconds(2)).await;
    let response = send(&service, get("/x")).await.unwrap();
    assert_eq!(outcome(&response).sends, 3);
}

#[tokio::test(start_paused = true)]
async fn scenario_28_5xx_for_ten_minutes_at_full_load() {
    fastrand::seed(1);
    let upstream = Upstream::new();
    let layer = RetryLayer::default().with_upstream(upstream.clone());
    let script = Script::new([], Status(503));
    let service = retry(&layer, &script);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3000 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap().status() });
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let statuses = calls.join_all().await;
    assert!(statuses.iter().all(|status| *status == 503));
    assert_eq!(script.sends() - 3000, 499, "retries for 3000 requests");
    // The budget refills, so single failures are retried again.
    tokio::time::sleep(seconds(60)).await;
    script.always(Status(200));
    let again = Script::new([Status(503)], Status(200));
    let layer = RetryLayer::default().with_upstream(upstream);
    let response = send(&retry(&layer, &again), get("/x")).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_429_is_not_charged_to_the_budget() {
    let upstream = Upstream::new().with_budget(Budget::new(1, 1));
    for upstream in [upstream.clone(), upstream.without_throttle()] {
        let layer = RetryLayer::default().with_upstream(upstream);
        let script = Script::new([], RetryAfter(429, "1"));
        let response = send(&retry(&layer, &script), get("/x")).await.unwrap();
        assert_eq!(
            (script.sends(), outcome(&response).stop),
            (4, Stop::SendsSpent)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_upstream_of_the_request_overrides_that_of_the_layer() {
    let layer = RetryLayer::new(steady())
        .with_upstream(Upstream::new().with_budget(Budget::new(1, 1)))
        .with_upstream_from(|extensions| extensions.get::<Upstream>());
    let own = Upstream::new().with_budget(Budget::new(100, 1));
    let script = Script::new([], Status(503));
    let service = retry(&layer, &script);
    let mut named = get("/x");
    named.extensions_mut().insert(own);
    assert_eq!(outcome(&send(&service, named).await.unwrap()).sends, 4);
    assert_eq!(outcome(&send(&service, get("/x")).await.unwrap()).sends, 2);
}

#[tokio::test(start_paused = true)]
async fn waits_repeat_with_a_seed_and_differ_between_calls() {
    let run = || async {
        let policy = RetryPolicy::new().with_backoff(Backoff::new().with_seed(1));
        let script = Script::new([], Status(503));
        let service = retry(&RetryLayer::new(policy), &script);
        let first = outcome(&send(&service, get("/x")).await.unwrap()).waited;
        let second = outcome(&send(&service, get("/x")).await.unwrap()).waited;
        (first, second)
    };
    let ((a, b), (c, d)) = (run().await, run().await);
    // The clock ticks in milliseconds.
    assert_eq!(
        (a.as_millis(), b.as_millis()),
        (c.as_millis(), d.as_millis())
    );
    assert_ne!(a.as_millis(), b.as_millis());
}

/// A body that ends when the flag is set.
#[derive(Clone)]
struct Lasting(Arc<AtomicBool>);

impl Body for Lasting {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.load(Ordering::SeqCst) {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    }
}

#[test]
#[should_panic(expected = "there is no reactor running")]
fn a_call_that_leaves_its_runtime_before_it_waits_panics() {
    let ended = Arc::new(AtomicBool::new(false));
    let body = Lasting(ended.clone());
    let service = tower::service_fn(move |request: Request<Payload>| {
        let mut response = Response::new(body.clone());
        if Attempt::of(request.extensions()).get() == 1 {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        std::future::ready(Ok::<_, BoxError>(response))
    });
    let service = RetryLayer::default().layer(service);
    let mut call = tokio_test::task::spawn(send(&service, get("/x")));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let inside = runtime.enter();
    assert!(call.poll().is_pending());
    drop(inside);
    ended.store(true, Ordering::SeqCst);
    let _ = call.poll();
}

/// A service that answers once the gate is open, and wakes no task.
fn behind(
    gate: &Arc<AtomicBool>,
    script: &Script,
) -> impl Service<Request<Payload>, Response = Response<Full<Bytes>>, Error = BoxError, Future: Send>
+ Clone {
    let (gate, script) = (gate.clone(), script.clone());
    tower::service_fn(move |request: Request<Payload>| {
        let (gate, script) = (gate.clone(), script.clone());
        async move {
            std::future::poll_fn(|_| match gate.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            script.oneshot(request).await
        }
    })
}

#[test]
fn a_call_that_fails_outside_its_runtime_says_so() {
    for failure in [Status(503), RetryAfter(429, "1")] {
        let gate = Arc::new(AtomicBool::new(false));
        let script = Script::new([failure], Status(200));
        let service = RetryLayer::default().layer(behind(&gate, &script));
        let mut call = tokio_test::task::spawn(send(&service, get("/x")));
        let with_timers = tokio::runtime::Runtime::new().unwrap();
        let inside = with_timers.enter();
        assert!(call.poll().is_pending(), "the timer of its attempt runs");
        drop(inside);
        gate.store(true, Ordering::SeqCst);
        let Poll::Ready(Ok(response)) = call.poll() else {
            panic!("it waits without a timer");
        };
        assert_eq!(outcome(&response).stop, Stop::NoRuntime);
        assert_eq!(script.sends(), 1);
    }
}
