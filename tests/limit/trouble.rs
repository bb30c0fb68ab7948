//! No failure of the store fails a request.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use http::StatusCode;
use tokio::time::{Instant, sleep};
use tower_genesys::{
    CallOptions,
    store::{
        Fault, Limit, MemoryStore, Operation, StoreErrorKind, StoreFuture, StoreKey,
        book::{Grant, LimitEvent, Refusal, Reservation, SlotBook},
    },
    testing::{MockGenesys, USERS},
};

use crate::setup::*;

#[tokio::test(start_paused = true)]
async fn a_store_that_was_never_reached_delays_no_request() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    store.inject_all(Fault::Hang);
    let told = Told::default();
    let process = Process::sharing(&mock, &store, told.by(Limit::per_minute(60)));
    let started = Instant::now();
    assert_eq!(process.burst(100, StatusCode::OK).await, 100);
    // One time-out for the limit, and one for the token.
    assert_eq!(started.elapsed(), millis(300));
    assert_eq!(store.calls(Operation::Reserve), 1);
    assert!(
        told.all()
            .iter()
            .any(|event| matches!(event, LimitEvent::WentAlone { owners: 0, .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_process_keeps_to_its_share_and_rejoins_later() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let told = Told::default();
    let limit = || told.by(Limit::per_minute(60).with_burst(0.0));
    let processes = [(); 2].map(|()| Process::sharing(&mock, &store, limit()));
    let [one, other] = &processes;
    tokio::join!(one.burst(2, StatusCode::OK), other.burst(2, StatusCode::OK));
    store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
    let (before, started) = (mock.count(USERS), Instant::now());
    // 60 a minute for two processes: half a request a second for each.
    assert_eq!(processes[0].burst(20, StatusCode::OK).await, 20);
    let took = started.elapsed();
    assert_eq!(took, millis(40_445));
    assert_eq!(mock.count(USERS) - before, 20);
    assert_eq!(told.count("went_alone"), 1);
    assert_eq!(told.count("failed"), 4, "once in 10 s");

    store.clear_faults();
    sleep(seconds(13)).await;
    processes[0].burst(3, StatusCode::OK).await;
    assert_eq!(told.count("rejoined"), 1);
}

/// A process that sends one request at a time takes one slot at a time, and
/// invents it while the store is down.
#[tokio::test(start_paused = true)]
async fn one_request_at_a_time_gets_slots_again_when_the_store_is_back() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let told = Told::default();
    let limit = told.by(Limit::per_minute(60).with_burst(0.0));
    let process = Process::sharing(&mock, &store, limit);
    process.get(USERS_PATH).await;
    store.inject_all(Fault::Fail(StoreErrorKind::Unavailable));
    let begun = Instant::now();
    let mut longest = seconds(0);
    while begun.elapsed() < seconds(30) {
        if begun.elapsed() > seconds(5) {
            store.clear_faults();
        }
        let started = Instant::now();
        assert_eq!(process.get(USERS_PATH).await.status(), 200);
        longest = longest.max(started.elapsed());
    }
    assert_eq!(longest, millis(1091));
    let counts = ["went_alone", "rejoined", "went_without"].map(|name| told.count(name));
    assert_eq!(counts, [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_emptied_store_costs_no_request_and_grants_no_second_burst() {
    fastrand::seed(1);
    let mock = MockGenesys::builder().rate_limit(60).build();
    let store = MemoryStore::new();
    let process = Process::sharing(&mock, &store, Limit::per_minute(60));
    assert_eq!(process.burst(15, StatusCode::OK).await, 15);
    store.flush();
    let started = Instant::now();
    assert_eq!(process.burst(15, StatusCode::OK).await, 15);
    assert_eq!(started.elapsed(), millis(13_441));
    assert_eq!(mock.count(USERS), 30);
}

#[tokio::test(start_paused = true)]
async fn the_lower_of_two_limits_applies_and_the_other_process_is_told() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let told = Told::default();
    let low = Process::sharing(&mock, &store, Limit::per_minute(30).with_burst(0.0));
    let high = Process::sharing(
        &mock,
        &store,
        told.by(Limit::per_minute(600).with_burst(0.0)),
    );
    low.get(USERS_PATH).await;
    let started = Instant::now();
    assert_eq!(high.burst(6, StatusCode::OK).await, 6);
    assert_eq!(started.elapsed(), millis(12_621));
    assert_eq!(told.count("lowered"), 1, "{:?}", told.all());
}

#[tokio::test(start_paused = true)]
async fn one_process_learns_a_limit_from_a_429_and_the_others_from_the_book() {
    fastrand::seed(1);
    let mock = MockGenesys::builder().rate_limit(60).build();
    let store = MemoryStore::new();
    let (told, others) = (Told::default(), Told::default());
    let first = Process::sharing(&mock, &store, told.by(Limit::learned()));
    let second = Process::sharing(&mock, &store, others.by(Limit::learned()));
    second.get(USERS_PATH).await;
    let calls = first.burst(80, StatusCode::OK).await;
    assert_eq!(calls, 80, "none fails");
    assert_eq!(told.count("learned"), 1);
    let refused = mock.count(USERS) - 81;
    assert_eq!(refused, 21, "each that was in flight, once");
    assert_eq!(others.count("learned"), 0);
    sleep(seconds(61)).await;
    second.get(USERS_PATH).await;
    sleep(seconds(1)).await;
    assert_eq!(others.count("learned"), 1, "it has asked the book");
}

/// Two processes that share a limit. The next request is throttled for 40
/// seconds.
async fn before_a_429(mock: &MockGenesys, store: &MemoryStore) -> [Process; 2] {
    let processes = [(); 2].map(|()| Process::sharing(mock, store, Limit::per_minute(300)));
    processes[1].get(USERS_PATH).await;
    mock.on(USERS).nth(2).reply_429(seconds(40));
    processes
}

#[tokio::test(start_paused = true)]
async fn a_429_of_one_process_closes_the_book_for_all() {
    fastrand::seed(1);
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let processes = before_a_429(&mock, &store).await;
    let first = processes[0].clone();
    let first = tokio::spawn(async move { first.get(USERS_PATH).await.status() });
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(processes[1].get(USERS_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), millis(35_001));
    assert_eq!(first.await.expect("no panic"), 200);
    assert_eq!(store.calls(Operation::Refuse), 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_goes_to_the_caller_closes_the_book_for_all_too() {
    fastrand::seed(1);
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let processes = before_a_429(&mock, &store).await;
    let once = CallOptions::new().without_retry();
    let response = processes[0].get_with(USERS_PATH, once).await;
    assert_eq!(response.status(), 429);
    sleep(seconds(5)).await;
    let started = Instant::now();
    assert_eq!(processes[1].get(USERS_PATH).await.status(), 200);
    assert_eq!(started.elapsed(), seconds(35));
    assert_eq!(store.calls(Operation::Refuse), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_costs_slots_and_no_request() {
    fastrand::seed(1);
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let process = Process::sharing(&mock, &store, Limit::per_minute(300));
    process.get(USERS_PATH).await;
    store.inject_next(1, Operation::Reserve, Fault::LoseReply);
    let started = Instant::now();
    assert_eq!(process.burst(5, StatusCode::OK).await, 5);
    assert_eq!(started.elapsed(), millis(1026));
}

/// A book whose replies take this long.
struct Slow(MemoryStore, Duration);

impl SlotBook for Slow {
    fn reserve<'a>(
        &'a self,
        key: &'a StoreKey,
        reservation: &'a Reservation,
    ) -> StoreFuture<'a, Option<Grant>> {
        Box::pin(async move {
            let granted = self.0.reserve(key, reservation).await;
            sleep(self.1).await;
            granted
        })
    }

    fn refuse<'a>(&'a self, key: &'a StoreKey, refusal: &'a Refusal) -> StoreFuture<'a, Duration> {
        self.0.refuse(key, refusal)
    }
}

#[tokio::test(start_paused = true)]
async fn a_book_that_replies_later_than_its_slots_end_starves_no_send() {
    fastrand::seed(1);
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let limit = Limit::per_minute(300).with_operation_timeout(seconds(2));
    let org = builder(&mock).shared_limit(limit, Slow(store.clone(), seconds(1)));
    let process = Process::over(&mock, org.build::<Body>(mock.service()));
    let started = Instant::now();
    assert_eq!(process.burst(3, StatusCode::OK).await, 3);
    assert_eq!(started.elapsed(), millis(800));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_delays_no_send() {
    fastrand::seed(1);
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let has_panicked = AtomicBool::new(false);
    let limit = Limit::per_minute(60).with_burst(0.0);
    let limit = limit.with_observer(move |event: &LimitEvent| {
        let is_first = !has_panicked.swap(true, Ordering::SeqCst);
        assert!(!is_first, "an observer's fault, at {}", event.as_str());
    });
    let process = Process::sharing(&mock, &store, limit);
    let started = Instant::now();
    assert_eq!(process.burst(3, StatusCode::OK).await, 3);
    assert_eq!(started.elapsed(), millis(2068));
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_hides_no_429_from_the_others() {
    let (mock, store) = (MockGenesys::new(), MemoryStore::new());
    let limit = Limit::per_minute(300).with_observer(|event: &LimitEvent| {
        assert_ne!(event.as_str(), "refused", "an observer's fault");
    });
    let process = Process::sharing(&mock, &store, limit);
    mock.on(USERS).nth(1).reply_429(seconds(40));
    let call = tokio::spawn(async move { process.get(USERS_PATH).await.status() });
    assert!(call.await.expect_err("it panics").is_panic());
    sleep(seconds(1)).await;
    assert_eq!(store.calls(Operation::Refuse), 1);
}
