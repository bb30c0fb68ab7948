use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll, Wake, Waker},
};

use proptest::prelude::*;
use tokio::{
    runtime,
    task::JoinSet,
    time::{self, Instant, Sleep},
};
use tokio_test::task;

use super::*;

const PAUSE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Throttle::DEFAULT_INTERVAL;

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn closed() -> (Throttle, Arc<str>) {
    let throttle = Throttle::new();
    let endpoint = throttle.endpoint(&Method::GET, &Uri::from_static("/users"));
    let until = Instant::now() + PAUSE;
    assert!(throttle.close(&endpoint, until, until));
    (throttle, endpoint)
}

fn hold(throttle: &Throttle, endpoint: &Arc<str>) -> Admission {
    match throttle.enter(endpoint, None, far()) {
        Passage::Queued(ticket) => ticket.admission(),
        other => panic!("{other:?}"),
    }
}

/// A retry that may not go before `floor`.
fn hold_retry(
    throttle: &Throttle,
    endpoint: &Arc<str>,
    [floor, deadline]: [Instant; 2],
) -> Admission {
    match throttle.enter(endpoint, Some(floor), deadline) {
        Passage::Queued(ticket) => ticket.admission(),
        other => panic!("{other:?}"),
    }
}

fn count(throttle: &Throttle) -> usize {
    throttle.shared.closed.load(Ordering::Acquire)
}

#[test]
fn defaults_are_those_of_the_docs() {
    assert_eq!(Throttle::DEFAULT_INTERVAL, Duration::from_millis(1000 / 5));
    assert_eq!(Throttle::MAX_ENDPOINTS, 1024);
    let shared = &Throttle::default().shared;
    assert_eq!(shared.interval, Throttle::DEFAULT_INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_shut_as_long_as_it_has_closed_gates() {
    let (throttle, endpoint) = closed();
    assert!(throttle.shared.shut.is() && !throttle.try_pass());
    time::advance(PAUSE + INTERVAL).await;
    assert!(matches!(
        throttle.enter(&endpoint, None, far()),
        Passage::Open
    ));
    assert!(!throttle.shared.shut.is() && throttle.try_pass());
}

#[tokio::test(start_paused = true)]
async fn gate_opens_by_itself_and_is_forgotten() {
    let (throttle, endpoint) = closed();
    assert!(!throttle.is_open());
    time::advance(PAUSE).await;
    assert!(matches!(
        throttle.enter(&endpoint, None, far()),
        Passage::Open
    ));
    assert!(throttle.is_open());
}

#[tokio::test(start_paused = true)]
async fn gates_of_others_are_forgotten_too() {
    let (throttle, _) = closed();
    time::advance(PAUSE).await;
    let other = throttle.endpoint(&Method::GET, &Uri::from_static("/other"));
    assert!(matches!(throttle.enter(&other, None, far()), Passage::Open));
    assert!(throttle.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_longer_pause_prolongs_and_a_shorter_one_changes_nothing() {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let (soon, late) = (start + PAUSE / 2, start + PAUSE * 3);
    let waiting = hold(&throttle, &endpoint);
    // The jitter of a pause that is over sooner does not count.
    assert!(!throttle.close(&endpoint, soon, late));
    waiting.await;
    assert_eq!(start.elapsed(), PAUSE);
    assert!(!throttle.close(&endpoint, late, late));
    hold(&throttle, &endpoint).await;
    assert_eq!(start.elapsed(), PAUSE * 3);
}

#[tokio::test(start_paused = true)]
async fn a_prolonged_pause_lets_those_go_for_whom_it_is_too_long() {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let Passage::Queued(ticket) = throttle.enter(&endpoint, None, start + PAUSE + INTERVAL) else {
        panic!("two seconds are not too long");
    };
    let mut waiting = task::spawn(ticket.admission());
    assert!(waiting.poll().is_pending());
    let late = start + Duration::from_secs(5);
    throttle.close(&endpoint, late, late);
    assert!(waiting.is_woken());
    assert!(waiting.poll().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_prolonged_pause_lets_no_retry_go_before_its_own_floor() {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let [floor, deadline] = [start + PAUSE, start + PAUSE * 2];
    let mut waiting = task::spawn(hold_retry(&throttle, &endpoint, [floor, deadline]));
    assert!(waiting.poll().is_pending());
    let late = start + Duration::from_secs(60);
    throttle.close(&endpoint, late, late);
    waiting.await;
    assert_eq!(start.elapsed(), PAUSE);
}

#[tokio::test(start_paused = true)]
async fn retries_whose_floor_is_over_go_one_by_one_when_the_pause_is_prolonged() {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for deadline in [5, 5, 5, 3].map(Duration::from_secs) {
        let held = hold_retry(&throttle, &endpoint, [start, start + deadline]);
        calls.spawn(async move {
            held.await;
            start.elapsed()
        });
    }
    time::sleep(PAUSE / 2).await;
    let late = start + Duration::from_secs(60);
    throttle.close(&endpoint, late, late);
    let mut times = calls.join_all().await;
    times.sort();
    let expected: Vec<_> = (0..4).map(|n| PAUSE / 2 + INTERVAL * n).collect();
    assert_eq!(times, expected);
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_its_floor_from_its_own_gate_to_the_one_for_all() {
    let throttle = Throttle::new();
    let start = Instant::now();
    let endpoint: Arc<str> = "GET /0".into();
    let until = start + PAUSE;
    throttle.close(&endpoint, until, until);
    for n in 1..=Throttle::MAX_ENDPOINTS {
        let until = start + PAUSE * 30;
        throttle.close(&format!("GET /{n}").into(), until, until);
    }
    let window = [start + PAUSE * 2, start + PAUSE * 3];
    hold_retry(&throttle, &endpoint, window).await;
    assert_eq!(start.elapsed(), PAUSE * 2);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_asks_for_no_time_makes_the_release_slow_again() {
    let (throttle, endpoint) = closed();
    let mut waiting = JoinSet::new();
    for _ in 0..8 {
        waiting.spawn(hold(&throttle, &endpoint));
    }
    for _ in 0..7 {
        waiting.join_next().await;
    }
    // The pace has doubled: turns are 100 ms apart.
    let (now, last) = (Instant::now(), hold(&throttle, &endpoint));
    throttle.close(&endpoint, now, now);
    waiting.join_next().await;
    last.await;
    assert_eq!(now.elapsed(), INTERVAL / 2 + INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn the_place_in_the_queue_counts_for_the_deadline() {
    let (throttle, endpoint) = closed();
    let _first = hold(&throttle, &endpoint);
    let slot = Instant::now() + PAUSE + INTERVAL;
    assert!(matches!(
        throttle.enter(&endpoint, None, slot),
        Passage::TooLong
    ));
    let late = throttle.enter(&endpoint, None, slot + Duration::from_millis(1));
    assert!(matches!(late, Passage::Queued(_)));
}

#[tokio::test(start_paused = true)]
async fn a_first_that_nobody_polls_does_not_stop_the_others() {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let mut idle = task::spawn(hold(&throttle, &endpoint));
    assert!(idle.poll().is_pending());
    hold(&throttle, &endpoint).await;
    assert_eq!(start.elapsed(), PAUSE + INTERVAL);
    assert!(idle.poll().is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_given_and_not_used_goes_to_the_next() {
    let (throttle, endpoint) = closed();
    let mut first = task::spawn(hold(&throttle, &endpoint));
    let mut second = task::spawn(hold(&throttle, &endpoint));
    let mut third = task::spawn(hold(&throttle, &endpoint));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    assert!(third.poll().is_pending());
    time::advance(PAUSE).await;
    // Every waiter that is polled gives the turn that is due, here to the
    // first.
    assert!(third.poll().is_pending());
    assert!(first.is_woken() && !second.poll().is_ready());
    drop(first);
    assert!(second.is_woken());
    assert!(second.poll().is_ready());
    assert!(third.poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_turn_from_before_a_new_pause_releases_nobody_in_it() {
    let (throttle, endpoint) = closed();
    let [mut first, mut second, mut third] =
        [(); 3].map(|()| task::spawn(hold(&throttle, &endpoint)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    assert!(third.poll().is_pending());
    time::advance(PAUSE).await;
    // Every waiter that is polled gives the turn that is due, here to the
    // first, which is not polled.
    assert!(third.poll().is_pending());
    let late = Instant::now() + Duration::from_secs(60);
    throttle.close(&endpoint, late, late);
    assert!(second.poll().is_pending() && third.poll().is_pending());
    drop(first);
    assert!(second.poll().is_pending() && third.poll().is_pending());
    time::advance(Duration::from_secs(60)).await;
    assert!(second.poll().is_ready() && third.poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_a_gate_that_was_forgotten_releases_nobody_at_the_next_one() {
    let (throttle, endpoint) = closed();
    let [mut first, mut second] = [(); 2].map(|()| task::spawn(hold(&throttle, &endpoint)));
    assert!(first.poll().is_pending() && second.poll().is_pending());
    time::advance(PAUSE).await;
    // This gives the first its turn, and leaves the queue empty.
    assert!(second.poll().is_pending());
    drop(second);
    time::advance(PAUSE).await;
    assert!(matches!(
        throttle.enter(&endpoint, None, far()),
        Passage::Open
    ));
    assert!(throttle.is_open());
    let until = Instant::now() + PAUSE;
    assert!(throttle.close(&endpoint, until, until));
    let mut third = task::spawn(hold(&throttle, &endpoint));
    assert!(third.poll().is_pending());
    drop(first);
    assert!(third.poll().is_pending());
}

#[tokio::test(start_paused = true)]
async fn too_many_endpoints_close_the_gate_for_all() {
    let throttle = Throttle::new();
    let until = Instant::now() + PAUSE;
    let endpoint = |n: usize| -> Arc<str> { format!("GET /{n}").into() };
    for n in 0..2000 {
        throttle.close(&endpoint(n), until, until);
    }
    assert_eq!(count(&throttle), Throttle::MAX_ENDPOINTS + 1);
    let start = Instant::now();
    let longer = start + PAUSE * 2;
    throttle.close(&endpoint(7), longer, longer);
    let mut calls = JoinSet::new();
    for n in [5000, 5001, 7] {
        let held = hold(&throttle, &endpoint(n));
        calls.spawn(async move {
            held.await;
            (n, start.elapsed())
        });
    }
    let mut times = calls.join_all().await;
    times.sort();
    // The one whose own gate is closed for longer waits for that after the
    // common one.
    let expected = [(7, PAUSE * 2), (5000, PAUSE), (5001, PAUSE + INTERVAL)];
    assert_eq!(times, expected);
    time::advance(PAUSE).await;
    assert!(matches!(
        throttle.enter(&endpoint(1), None, far()),
        Passage::Open
    ));
    assert!(throttle.is_open());
}

#[tokio::test(start_paused = true)]
async fn settings_make_a_throttle_of_their_own() {
    let (throttle, endpoint) = closed();
    let other = throttle.clone().with_interval(Duration::ZERO);
    assert!(other.is_open() && !throttle.clone().is_open());
    let named = throttle.with_endpoints(|_, _| "€".repeat(1000));
    assert_eq!(named.endpoint(&Method::GET, &Uri::default()).len(), 255);
    drop(endpoint);
}

/// A waker that uses the throttle when it is woken, and when it is dropped.
struct Reentrant(Throttle, AtomicU32);

impl Reentrant {
    fn enter(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        drop(self.0.enter(&"other".into(), None, far()));
    }
}

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        self.enter();
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.enter();
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_woken_or_dropped_under_the_lock() {
    let (throttle, endpoint) = closed();
    let mut first = Box::pin(hold(&throttle, &endpoint));
    let mut second = Box::pin(hold(&throttle, &endpoint));
    let waker = || Waker::from(Arc::new(Reentrant(throttle.clone(), AtomicU32::new(0))));
    for _ in 0..2 {
        // Each poll replaces the waker of the last one, which is then dropped.
        assert!(poll(&mut first, &waker()).is_pending());
        assert!(poll(&mut second, &waker()).is_pending());
    }
    drop(first);
    let late = Instant::now() + PAUSE * 2;
    throttle.close(&endpoint, late, late);
    drop(second);
}

fn poll(hold: &mut std::pin::Pin<Box<Admission>>, waker: &Waker) -> Poll<Duration> {
    hold.as_mut().poll(&mut Context::from_waker(waker))
}

#[tokio::test(start_paused = true)]
async fn a_name_function_that_panics_wedges_nothing() {
    let throttle = Throttle::new().with_endpoints(|_, uri| {
        assert_ne!(uri.path(), "/bad");
        "good".to_owned()
    });
    let bad = AssertUnwindSafe(|| throttle.endpoint(&Method::GET, &Uri::from_static("/bad")));
    assert!(catch_unwind(bad).is_err());
    let endpoint = throttle.endpoint(&Method::GET, &Uri::from_static("/"));
    let until = Instant::now() + PAUSE;
    assert!(throttle.close(&endpoint, until, until));
    hold(&throttle, &endpoint).await;
}

/// Starts waiters that are dropped after these milliseconds, or never. Returns
/// the times at which the others were released.
async fn releases(lives: &[Option<u64>]) -> Vec<Duration> {
    let (throttle, endpoint) = closed();
    let start = Instant::now();
    let mut waiting = JoinSet::new();
    for &life in lives {
        let held = hold(&throttle, &endpoint);
        let life = life.map(|ms| time::sleep(Duration::from_millis(ms)));
        waiting.spawn(async move {
            tokio::select! {
                biased;
                _ = held => Some(start.elapsed()),
                () = end(life) => None,
            }
        });
    }
    let mut times: Vec<_> = waiting.join_all().await.into_iter().flatten().collect();
    times.sort();
    times
}

async fn end(life: Option<Sleep>) {
    match life {
        Some(life) => life.await,
        None => std::future::pending().await,
    }
}

proptest! {
    #[test]
    fn released_one_by_one_without_holes(
        lives in proptest::collection::vec(proptest::option::of(0..6000_u64), 0..40),
    ) {
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let times = runtime.block_on(releases(&lives));
        let immortal = lives.iter().filter(|life| life.is_none()).count();
        prop_assert!(times.len() >= immortal);
        let pace = pace::Pace::new(INTERVAL);
        for (n, time) in times.iter().enumerate() {
            // A timer goes by the millisecond.
            let late = time.checked_sub(PAUSE + pace.wait(n));
            prop_assert!(late.is_some_and(|late| late.as_millis() < 2), "{:?}", times);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_limits_of_services_close_the_gate_for_all() {
    let throttle = Throttle::new();
    let until = Instant::now() + PAUSE;
    let endpoint: Arc<str> = "GET /users".into();
    let widen = |n: usize| {
        let named = NamedLimit::new(format!("limit {n}"), LimitScope::Service);
        throttle.widen(&endpoint, &named, until, until)
    };
    for n in 0..Throttle::MAX_ENDPOINTS {
        assert!(widen(n).is_some());
    }
    let other: Arc<str> = "GET /queues".into();
    assert!(matches!(throttle.enter(&other, None, far()), Passage::Open));
    for n in 2000..3000 {
        assert_eq!(widen(n).is_some(), n == 2000);
    }
    assert_eq!(count(&throttle), Throttle::MAX_ENDPOINTS + 1);
    let start = Instant::now();
    hold(&throttle, &other).await;
    assert_eq!(start.elapsed(), PAUSE);
}
