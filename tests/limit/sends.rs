//! Which sends take a slot, and which calls wait for one.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use tokio::time::{Instant, advance, timeout};
use tokio_test::task;
use tower::{ServiceBuilder, ServiceExt};
use tower_genesys::{
    BoxError, CallOptions, GenesysLayer, ReplayLayer, RetryLayer, RetryPolicy, Sharing,
    retry::{
        Backoff, BoxErrorClassifier, Class, Classify, Outcome, RequestHead, ResponseHead,
        RetryEvent, Stop,
    },
    store::{Limit, MemoryStore},
    testing::{MockGenesys, USERS},
};

use crate::{fixtures::mock_org, setup::*};

#[tokio::test(start_paused = true)]
async fn the_burst_goes_at_once_and_the_rest_is_paced() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::alone(&mock, Limit::per_minute(60).with_burst(0.5));
    process.org.tokens().warm_up().await.expect("a token");
    let started = Instant::now();
    assert_eq!(process.burst(31, StatusCode::OK).await, 31);
    let burst = started.elapsed();
    // The slots of a burst are a microsecond apart, and the clock ticks in
    // milliseconds.
    assert_eq!(burst, millis(1));
    let response = process.get(USERS_PATH).await;
    assert_eq!(started.elapsed(), millis(2104));
    let outcome = Outcome::of(response.extensions()).expect("it has waited");
    assert_eq!((outcome.stop, outcome.sends), (Stop::Settled, 1));
    assert_eq!(outcome.waited_for_slots, millis(2103));
    assert_eq!(outcome.waited_for_slots, outcome.waited);
}

#[tokio::test(start_paused = true)]
async fn no_minute_has_more_sends_than_the_limit() {
    fastrand::seed(1);
    let mock = MockGenesys::builder().rate_limit(60).build();
    let process = Process::alone(&mock, Limit::per_minute(60));
    let started = Instant::now();
    let longest = CallOptions::new().with_deadline(seconds(3600));
    let calls = (0..240).map(|_| process.get_with(USERS_PATH, longest));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    assert_eq!(mock.count(USERS), 240, "no 429");
    // 97 % of the limit is used: a window of the book has 61 s, and slots begin
    // a moment late.
    let slowest = seconds(4 * 60).div_f64(0.97);
    assert!(started.elapsed() < slowest, "{:?}", started.elapsed());
    assert_eq!(started.elapsed(), millis(247_050));
}

/// A process that has used three slots lately.
async fn active(mock: &MockGenesys, store: &MemoryStore) -> Process {
    let process = Process::sharing(mock, store, Limit::per_minute(300));
    for _ in 0..3 {
        process.get(USERS_PATH).await;
    }
    process
}

#[tokio::test(start_paused = true)]
async fn slots_at_hand_cost_no_store_operation() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let process = active(&mock, &store).await;
    let before = operations(&store);
    // Three slots were used lately, so the one operation reserves four: one for
    // this request, and three ahead.
    for _ in 0..4 {
        process.get(USERS_PATH).await;
    }
    assert_eq!(operations(&store) - before, 1);
}

#[tokio::test(start_paused = true)]
async fn retries_resends_and_calls_without_retry_take_one_slot_each() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    // One slot in 61 seconds, and no burst.
    let process = || Process::alone(&mock, Limit::per_minute(1).with_burst(0.0));
    mock.on(USERS).nth(1).reply_503();
    let started = Instant::now();
    assert_eq!(process().get(USERS_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), seconds(61));

    mock.on(USERS).nth(3).revoke_token();
    let started = Instant::now();
    assert_eq!(process().get(USERS_PATH).await.status(), 200);
    assert_eq!(mock.count(USERS), 4);
    assert_eq!(started.elapsed(), seconds(61));

    let (process, once) = (process(), CallOptions::new().without_retry());
    process.get_with(USERS_PATH, once).await;
    let started = Instant::now();
    assert_eq!(process.get_with(USERS_PATH, once).await.status(), 200);
    assert_eq!(started.elapsed(), seconds(61));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_too_short_a_deadline_is_sent_and_its_429_returned() {
    let mock = MockGenesys::new();
    let told = Told::default();
    let limit = told.by(Limit::per_minute(1).with_burst(0.0));
    let process = Process::alone(&mock, limit);
    process.get(USERS_PATH).await;
    mock.on(USERS).nth(2).reply_429(seconds(60));
    let started = Instant::now();
    let soon = CallOptions::new().with_deadline(seconds(5));
    let response = process.get_with(USERS_PATH, soon).await;
    assert_eq!(
        (response.status(), mock.count(USERS)),
        (StatusCode::TOO_MANY_REQUESTS, 2)
    );
    assert_eq!(started.elapsed(), seconds(0));
    assert_eq!(told.count("went_without"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_slot_of_a_dropped_call_goes_to_the_next() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::alone(&mock, Limit::per_minute(60).with_burst(0.0));
    process.get(USERS_PATH).await;
    let started = Instant::now();
    let mut waiting: Vec<_> = (0..10)
        .map(|_| task::spawn(process.get(USERS_PATH)))
        .collect();
    for call in &mut waiting {
        assert!(call.poll().is_pending());
    }
    // All nine calls in front of the last one are dropped.
    let last = waiting.pop().expect("ten");
    drop(waiting);
    assert_eq!(last.await.status(), 200);
    assert_eq!(started.elapsed(), millis(1034));
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_once_when_waiting_begins() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let told = Told::default();
    let limit = told.by(Limit::per_minute(30).with_burst(0.0));
    let process = Process::alone(&mock, limit);
    assert_eq!(process.burst(20, StatusCode::OK).await, 20);
    assert_eq!(told.count("waiting_began"), 1, "{:?}", told.all());
    assert_eq!(told.count("waited"), 20);
}

#[tokio::test(start_paused = true)]
async fn the_attempt_time_out_does_not_include_the_wait_for_a_slot() {
    let mock = MockGenesys::new();
    // The wait is 61 seconds, and the time of an attempt 30.
    let process = Process::alone(&mock, Limit::per_minute(1).with_burst(0.0));
    process.get(USERS_PATH).await;
    // An immediate response would not start the timer of the attempt.
    mock.on(USERS).nth(2).delay(seconds(1));
    let second = timeout(seconds(70), process.get(USERS_PATH)).await;
    let second = second.expect("in time");
    assert_eq!((second.status(), mock.count(USERS)), (StatusCode::OK, 2));
    let outcome = Outcome::of(second.extensions()).expect("it has waited");
    assert_eq!(outcome.sends, 1);
}

/// Takes a 404 for transient, as a caller does that has just created the
/// entity.
#[derive(Clone)]
struct JustCreated;

impl Classify<BoxError> for JustCreated {
    fn response(&self, request: RequestHead<'_>, response: ResponseHead<'_>) -> Class {
        match response.status() {
            StatusCode::NOT_FOUND => Class::Throttled { after: None },
            _ => Classify::<BoxError>::response(&BoxErrorClassifier::new(), request, response),
        }
    }

    fn error(&self, _: RequestHead<'_>, error: &BoxError) -> Class {
        BoxErrorClassifier::new().class_of(&**error)
    }
}

/// Two layers that decide would multiply the sends of a call.
#[tokio::test(start_paused = true)]
async fn a_resend_of_an_outer_retry_waits_inside_for_its_slot_and_nothing_else() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let process = Process::alone(&mock, Limit::per_minute(1).with_burst(0.0));
    let told = Arc::<Mutex<Vec<bool>>>::default();
    let events = Arc::clone(&told);
    // The time-out of an attempt of the outer layer would include the wait.
    let policy = RetryPolicy::new()
        .with_backoff(Backoff::new().with_base(seconds(0)))
        .without_attempt_timeout();
    let outer = RetryLayer::new(policy).with_classifier(JustCreated);
    let observer = move |event: &RetryEvent<'_>| {
        let is_wait = matches!(event, RetryEvent::Held { .. } | RetryEvent::Released { .. });
        events.lock().unwrap().push(is_wait);
    };
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(outer)
        .layer(GenesysLayer::new(&process.org).map_retry(|inner| inner.with_observer(observer)))
        .service(mock.service());
    mock.on(USERS).nth(1).reply_status(StatusCode::NOT_FOUND);
    mock.on(USERS).nth(2).reply_503();
    let started = Instant::now();
    let response = service
        .oneshot(mock_org::get(&process.org, USERS_PATH))
        .await;
    assert_eq!(response.expect("an answer").status(), StatusCode::OK);
    assert_eq!(mock.count(USERS), 3);
    assert_eq!(started.elapsed(), seconds(2 * 61));
    assert_eq!(*told.lock().unwrap(), [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_resend_with_a_newer_token_takes_one_of_the_slots_at_hand() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let process = active(&mock, &store).await;
    let before = operations(&store);
    // As many slots as were used lately are reserved ahead: one for this
    // request, and three more.
    process.get(USERS_PATH).await;
    // They are at hand after a tick of the clock, and the resend takes one.
    advance(millis(1)).await;
    mock.on(USERS).nth(5).revoke_token();
    for _ in 0..2 {
        assert_eq!(process.get(USERS_PATH).await.status(), 200);
    }
    assert_eq!(mock.count(USERS), 7);
    assert_eq!(operations(&store) - before, 1);
}

/// The token is shared, the limit is not: each process keeps to its part, which
/// its owner states, and asks no book.
#[tokio::test(start_paused = true)]
async fn a_limit_of_the_process_paces_each_process_by_itself() {
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let limit = Limit::per_minute(60).with_burst(0.0);
    let processes = [(); 2].map(|()| {
        let sharing = Sharing::unsealed(store.clone());
        let builder = builder(&mock).share(sharing).process_limit(limit.clone());
        Process::over(&mock, builder.build::<Body>(mock.service()))
    });
    let started = Instant::now();
    let bursts = processes.iter().map(|it| it.burst(4, StatusCode::OK));
    assert_eq!(futures_util::future::join_all(bursts).await, [4, 4]);
    // Four slots, one in each 61/60 of a second, and not eight.
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!((operations(&store), mock.token_posts()), (0, 1));
}
