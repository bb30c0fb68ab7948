//! The effect of a 429 to one request on other requests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::setup::{
    Answer::{self, RetryAfter, Status},
    *,
};
use http::Request;
use tokio::{
    task::JoinSet,
    time::{self, Instant},
};
use tokio_test::task;
use tower::Service;
use tower_genesys::{
    CallOptions, RetryLayer, RetryPolicy,
    retry::{Backoff, RetryEvent, Stop, Throttle, Upstream},
};

/// An answer so late that all requests of a test are in flight before it.
fn slow(answer: Answer) -> Answer {
    Answer::Slow(seconds(1), Box::new(answer))
}

#[tokio::test(start_paused = true)]
async fn scenario_27_fifty_429s_make_one_pause_and_a_paced_release_without_holes() {
    let busy = slow(RetryAfter(429, "10"));
    let script = Script::new(vec![busy; 50], Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut kept = JoinSet::new();
    let mut dropped = JoinSet::new();
    for n in 0..50 {
        let service = service.clone();
        let call = async move { send(&service, get("/api/v2/users/17")).await.unwrap() };
        if n % 5 < 2 {
            dropped.spawn(call)
        } else {
            kept.spawn(call)
        };
    }
    time::sleep(seconds(5)).await;
    assert_eq!(script.sends(), 50);
    // During the pause, one request has another id and waits. Two go to other
    // endpoints, which are not throttled.
    let late = service.clone();
    kept.spawn(async move { send(&late, get("/api/v2/users/18?expand=x")).await.unwrap() });
    time::sleep(seconds(1)).await;
    send(&service, get("/api/v2/queues")).await.unwrap();
    send(&service, post("/api/v2/users/17")).await.unwrap();
    dropped.shutdown().await;
    assert_eq!(script.readied(), 0);
    let responses = kept.join_all().await;
    assert!(responses.iter().all(|response| response.status() == 200));

    let times = script.times();
    assert_eq!(times.len(), 50 + 2 + 31);
    assert!(times[..50].iter().all(|at| *at == 0));
    assert_eq!(times[50..52], [6000, 6000]);
    let released = &times[52..];
    assert_eq!(released[0], 11_284);
    let gaps: Vec<_> = released.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Five in the first second, and twice as many in each second after that.
    let expected = [&[200; 5][..], &[100; 10], &[50; 15]].concat();
    assert_eq!(gaps, expected);
    assert_eq!(script.seen().last().unwrap().path, "/api/v2/users/18");
}

#[tokio::test(start_paused = true)]
async fn a_first_send_returns_its_readied_service_while_it_waits_at_a_gate() {
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let mut service = retry(&RetryLayer::new(steady()), &script);
    let mut first = task::spawn(ready(&mut service).await.call(get("/x")));
    assert!(first.poll().is_pending());
    assert_eq!(script.readied(), 0);
    ready(&mut service).await;
    assert_eq!(script.readied(), 1);
    let mut second = task::spawn(service.call(get("/x")));
    assert_eq!(script.readied(), 0);
    assert!(second.poll().is_pending());
    assert_eq!(script.sends(), 1);
    // The caller's own service remains usable for another endpoint.
    ready(&mut service).await.call(get("/y")).await.unwrap();
    assert_eq!(script.sends(), 2);
    first.await.unwrap();
    let response = second.await.unwrap();
    assert_eq!(script.sends(), 4);
    // A success at the first send has an outcome, because it has waited.
    let outcome = outcome(&response);
    assert_eq!((outcome.stop, outcome.sends), (Stop::Settled, 1));
    assert_eq!(outcome.waited.as_millis(), 10_484);
}

#[tokio::test(start_paused = true)]
async fn a_wait_at_a_gate_that_would_exceed_the_deadline_is_skipped() {
    let script = Script::new([], RetryAfter(429, "10"));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut closing = task::spawn(send(&service, get("/x")));
    assert!(closing.poll().is_pending());
    let mut request = get("/x");
    let options = CallOptions::new().with_deadline(seconds(9));
    request.extensions_mut().insert(options);
    let started = Instant::now();
    let response = send(&service, request).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(response.status(), 429);
    assert_eq!(outcome(&response).stop, Stop::DeadlineTooClose);
    assert_eq!(text(response).await, "body of 429");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_grows_past_the_deadline_sends_no_retry_before_its_own_retry_after() {
    let busy = RetryAfter(429, "100");
    let script = Script::new(vec![slow(busy.clone()); 50], busy);
    let policy = steady().with_deadline(seconds(120));
    let service = retry(&RetryLayer::new(policy), &script);
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap() });
    }
    time::sleep(seconds(30)).await;
    // This request has no time to wait at the gate. Its 429 closes the gate for
    // longer than the others have.
    assert_eq!(send(&service, in_haste("/x")).await.unwrap().status(), 429);
    let responses = calls.join_all().await;
    assert!(responses.iter().all(|response| response.status() == 429));
    let sends: Vec<_> = responses
        .iter()
        .map(|response| outcome(response).sends)
        .collect();
    assert_eq!(sends, [2; 50]);
    let times = script.times();
    assert_eq!(times[50], 30_000);
    let mut retried = times[51..].to_vec();
    retried.dedup();
    // None before the 100 s are over, and not all in one instant.
    let expected = [
        101_084, 101_582, 102_382, 102_420, 102_963, 103_754, 104_554, 104_954, 105_177, 105_492,
        105_692, 105_892, 105_983,
    ];
    assert_eq!(retried, expected);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_ends_its_own_call_still_delays_the_others() {
    for request in [
        get("/x").map(|_| Payload::unclonable()),
        disabled("/x"),
        in_haste("/x"),
    ] {
        let script = Script::new([RetryAfter(429, "10")], Status(200));
        let service = retry(&RetryLayer::new(steady()), &script);
        assert_eq!(send(&service, request).await.unwrap().status(), 429);
        send(&service, get("/x")).await.unwrap();
        assert_eq!(script.times(), [0, 10_284]);
    }
}

fn disabled(path: &str) -> Request<Payload> {
    let mut request = get(path);
    request
        .extensions_mut()
        .insert(CallOptions::new().without_retry());
    request
}

fn in_haste(path: &str) -> Request<Payload> {
    let mut request = get(path);
    let options = CallOptions::new().with_deadline(seconds(1));
    request.extensions_mut().insert(options);
    request
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_5xx_waits_for_a_gate_that_closed_meanwhile() {
    let answers = [RetryAfter(503, "5"), RetryAfter(429, "60")];
    let script = Script::new(answers.map(slow), Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap() });
    }
    calls.join_all().await;
    assert_eq!(script.times(), [0, 0, 63_754, 63_954]);
}

#[tokio::test(start_paused = true)]
async fn a_second_429_after_the_release_extends_the_pause_for_all() {
    let both = slow(RetryAfter(429, "2"));
    let answers = [both.clone(), both, RetryAfter(429, "5")];
    let script = Script::new(answers, Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap() });
    }
    let responses = calls.join_all().await;
    assert!(responses.iter().all(|response| response.status() == 200));
    assert_eq!(script.times(), [0, 0, 3057, 8062, 8262]);
}

#[tokio::test(start_paused = true)]
async fn one_429_delays_a_steady_load_for_some_seconds_only() {
    // The last call that waits comes at `last`, and the longest wait is `most`.
    for (gap, count, last, most) in [
        (200, 300, 3000, 1029),
        (100, 600, 4200, 1529),
        (10, 6000, 8330, 4479),
    ] {
        let script = Script::new([RetryAfter(429, "1")], Status(200));
        let service = retry(&RetryLayer::new(steady()), &script);
        let mut calls = JoinSet::new();
        let started = Instant::now();
        for _ in 0..count {
            let service = service.clone();
            calls.spawn(async move {
                let (came, called) = (started.elapsed(), Instant::now());
                send(&service, get("/x")).await.unwrap();
                (came, called.elapsed())
            });
            time::sleep(Duration::from_millis(gap)).await;
        }
        let waits = calls.join_all().await;
        let late: Vec<_> = waits.iter().filter(|(_, wait)| !wait.is_zero()).collect();
        let came = late.iter().map(|(came, _)| came.as_millis()).max();
        let waited = late.iter().map(|(_, wait)| wait.as_millis()).max();
        assert_eq!((came, waited), (Some(last), Some(most)), "every {gap} ms");
        assert_eq!(script.sends(), count + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_in_the_release_makes_it_slow_again() {
    let mut answers = vec![RetryAfter(429, "10")];
    answers.extend(vec![Status(200); 19]);
    answers.push(RetryAfter(429, "1"));
    let script = Script::new(answers, Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let service = service.clone();
        calls.spawn(async move { send(&service, get("/x")).await.unwrap() });
        time::sleep(Duration::from_millis(1)).await;
    }
    calls.join_all().await;
    let times = script.times();
    let gaps: Vec<_> = times[1..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let before = [&[200; 5][..], &[100; 10], &[50; 4]].concat();
    assert_eq!(gaps[..19], before);
    assert_eq!(gaps[19], 1056);
    assert_eq!(gaps[20..], [&[200; 5][..], &[100; 10], &[50; 5]].concat());
}

#[tokio::test(start_paused = true)]
async fn layers_can_share_an_upstream_and_other_upstreams_are_not_affected() {
    let shared = Upstream::new();
    let layer = || RetryLayer::new(steady()).with_upstream(shared.clone());
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let (a, b) = (retry(&layer(), &script), retry(&layer(), &script));
    let other = retry(&RetryLayer::new(steady()), &script);
    let mut first = task::spawn(send(&a, get("/x")));
    assert!(first.poll().is_pending());
    let mut held = task::spawn(send(&b, get("/x")));
    assert!(held.poll().is_pending());
    send(&other, get("/x")).await.unwrap();
    assert_eq!(script.times(), [0, 0]);
    // An upstream that the request names is not shared either.
    let by_request = layer().with_upstream_from(|extensions| extensions.get::<Upstream>());
    let mut named = get("/x");
    named.extensions_mut().insert(Upstream::new());
    send(&retry(&by_request, &script), named).await.unwrap();
    assert_eq!(script.times(), [0, 0, 0]);
    assert!(held.poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_429_to_an_unrepeatable_request_closes_the_upstream_that_it_named() {
    let (of_layer, named) = (Upstream::new(), Upstream::new());
    let layer = RetryLayer::new(steady())
        .with_upstream(of_layer)
        .with_upstream_from(|extensions| extensions.get::<Upstream>());
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let service = retry(&layer, &script);
    let name = |mut request: Request<Payload>| {
        request.extensions_mut().insert(named.clone());
        request
    };
    let once = name(get("/x").map(|_| Payload::unclonable()));
    let response = send(&service, once).await.unwrap();
    assert_eq!(outcome(&response).stop, Stop::BodyGone);
    send(&service, get("/x")).await.unwrap();
    assert_eq!(script.times(), [0, 0]);
    send(&service, name(get("/x"))).await.unwrap();
    assert_eq!(script.times(), [0, 0, 10_284]);
}

#[tokio::test(start_paused = true)]
async fn a_429_of_one_host_delays_no_request_to_another() {
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let mut first = task::spawn(send(&service, get("/x")));
    assert!(first.poll().is_pending());
    let mut other = get("/x");
    *other.uri_mut() = "https://other.example/x".parse().unwrap();
    send(&service, other).await.unwrap();
    let mut same = get("/x");
    *same.uri_mut() = "https://API.mypurecloud.com/x".parse().unwrap();
    let mut held = task::spawn(send(&service, same));
    assert!(held.poll().is_pending());
    assert_eq!(script.times(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_key_function_decides_which_requests_share_a_gate() {
    let throttle = Throttle::new()
        .with_endpoints(|_, uri| uri.path().split('/').nth(1).unwrap_or("").to_owned())
        .with_interval(seconds(3));
    let layer = RetryLayer::new(steady()).with_upstream(Upstream::new().with_throttle(throttle));
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let service = retry(&layer, &script);
    let mut first = task::spawn(send(&service, get("/a/b")));
    assert!(first.poll().is_pending());
    let mut held = task::spawn(send(&service, post("/a/c")));
    assert!(held.poll().is_pending());
    send(&service, get("/b/b")).await.unwrap();
    first.await.unwrap();
    held.await.unwrap();
    let times = script.times();
    assert_eq!(times[3] - times[2], 3000);
}

#[test]
fn without_a_runtime_a_closed_gate_delays_no_request() {
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    for status in [429, 200] {
        let mut call = task::spawn(send(&service, get("/x")));
        let std::task::Poll::Ready(Ok(response)) = call.poll() else {
            panic!("it waits without a timer");
        };
        assert_eq!(response.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_30_a_call_that_is_dropped_releases_everything() {
    let script = Script::new([RetryAfter(429, "10")], Status(200));
    let service = retry(&RetryLayer::new(steady()), &script);
    let request = get("/x");
    let body = Arc::downgrade(&request.body().state);
    let mut waits = task::spawn(send(&service, request));
    assert!(waits.poll().is_pending());
    let mut gated = task::spawn(send(&service, get("/x")));
    assert!(gated.poll().is_pending());
    let references = Arc::strong_count(&script.shared);
    drop((waits, gated));
    assert_eq!(body.strong_count(), 0);
    assert!(Arc::strong_count(&script.shared) < references);
    // No call is in front of this one.
    send(&service, get("/x")).await.unwrap();
    assert_eq!(script.times(), [0, 10_284]);
}

#[tokio::test(start_paused = true)]
async fn the_observer_sees_each_event_and_no_query() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = events.clone();
    let observer = move |event: &RetryEvent<'_>| heard.lock().unwrap().push(format!("{event:?}"));
    let layer = RetryLayer::new(steady()).with_observer(observer);
    let script = Script::new([RetryAfter(429, "10")], slow(Status(503)));
    let service = retry(&layer, &script);
    send(&service, get("/users/17?secret=17")).await.unwrap();
    let events = events.lock().unwrap().clone();
    let names: Vec<_> = events
        .iter()
        .map(|event| event.split(' ').next().unwrap())
        .collect();
    let expected = [
        "GateClosed",
        "Scheduled",
        "Held",
        "Released",
        "Scheduled",
        "Scheduled",
        "GaveUp",
    ];
    assert_eq!(names, expected, "{events:?}");
    assert!(
        events[0].contains("GET api.mypurecloud.com/users/{id}"),
        "{events:?}"
    );
    assert!(!events.concat().contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn a_429_without_retry_after_closes_the_gate_for_the_backoff() {
    let answers = [RetryAfter(429, "1"), Status(429)];
    let script = Script::new(answers, Status(200));
    let backoff = Backoff::new().with_seed(3);
    let service = retry(
        &RetryLayer::new(RetryPolicy::new().with_backoff(backoff)),
        &script,
    );
    let mut first = task::spawn(send(&service, get("/x")));
    assert!(first.poll().is_pending());
    while script.sends() < 2 {
        time::sleep(Duration::from_millis(1)).await;
        assert!(first.poll().is_pending());
    }
    // The second 429 comes in an interval in which the gate is closed for
    // pacing only.
    let (first, second) = tokio::join!(first, send(&service, get("/x")));
    assert!(first.unwrap().status().is_success() && second.unwrap().status().is_success());
    // The pause is longer than the 200 ms of the pace, which follows it.
    assert_eq!(script.times(), [0, 1091, 4423, 4623]);
}
