//! Fetches that are dropped at any await.

use std::{future::poll_fn, pin::pin, task::Poll};

use futures_util::future::poll_immediate;
use tokio::time::{Instant, sleep, timeout};
use tower_genesys::{
    store::{Fault, Operation},
    token::{FetchContext, Reason, TokenSource},
};

use crate::setup::*;

/// Polls a fetch until it has waited this many times, then drops it. Returns
/// whether it ended before.
async fn drop_at(source: &impl TokenSource, waits: usize) -> bool {
    let mut fetch = pin!(source.fetch(missing()));
    let mut polls = 0;
    poll_fn(|cx| {
        if polls > waits {
            return Poll::Ready(false);
        }
        polls += 1;
        fetch.as_mut().poll(cx).map(|result| {
            result.expect("it ends well");
            true
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_leader_may_be_dropped_at_every_await_and_the_next_one_leads_at_once() {
    let mut seen = Vec::new();
    for waits in 0..50 {
        let fleet = Fleet::of(1);
        // Each operation takes time, so that the fetch is pending at each
        // await.
        for operation in [
            Operation::GetOrLease,
            Operation::Publish,
            Operation::Abandon,
        ] {
            let slow = Fault::Delay(millis(3));
            fleet.store.inject(operation, slow);
        }
        let ended = drop_at(&fleet.source(fleet.sharing(&[("key", 1)])), waits).await;
        sleep(millis(10)).await;
        let begun = Instant::now();
        assert_eq!(fleet.all_ask().await, 0, "dropped at {waits}");
        let took = begun.elapsed();
        assert!(took < seconds(1), "dropped at {waits}, then {took:?}");
        assert!(fleet.endpoint.posts() <= 2);
        seen.push(fleet.endpoint.posts());
        if ended {
            break;
        }
    }
    assert!(
        seen.len() >= 4 && seen.contains(&2),
        "dropped at every await: {seen:?}"
    );
    assert_eq!(seen.last(), Some(&1), "the last fetch ends: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_follower_may_be_dropped_at_every_await_without_an_effect_on_others() {
    for waits in 0..20 {
        let fleet = Fleet::of(2);
        let asked = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.all_ask().await }
        });
        sleep(millis(50)).await;
        let ended = drop_at(&fleet.source(fleet.sharing(&[("key", 1)])), waits).await;
        assert_eq!(asked.await.expect("no panic"), 0);
        assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
        if ended {
            return;
        }
    }
    panic!("it never ended");
}

fn missing() -> FetchContext {
    FetchContext::new(Reason::Missing, Instant::now() + seconds(14))
}

/// A source whose fetch was dropped before the endpoint answered. It is giving
/// its lease back.
async fn after_a_dropped_leader(fleet: &Fleet) -> impl TokenSource {
    fleet.endpoint.script([Step::Never]);
    let source = fleet.source(fleet.sharing(&[("key", 1)]));
    let dropped = timeout(millis(50), source.fetch(missing())).await;
    assert!(dropped.is_err(), "the endpoint does not answer");
    settle().await;
    source
}

#[tokio::test(start_paused = true)]
async fn a_fetch_does_not_reuse_a_lease_that_is_being_given_back() {
    let fleet = Fleet::of(5);
    let slow = Fault::Delay(millis(100));
    fleet.store.inject_next(1, Operation::Abandon, slow);
    let source = after_a_dropped_leader(&fleet).await;
    let others = async {
        // The first lease has ended, and the second request is in flight.
        sleep(millis(150)).await;
        fleet.all_ask().await
    };
    let (next, errors) = tokio::join!(source.fetch(missing()), others);
    assert_eq!(next.expect("a token").expose(), "t0p-s3cr3t-2");
    assert_eq!((errors, fleet.tokens().len()), (0, 1));
    assert_eq!(
        fleet.endpoint.posts(),
        2,
        "the dropped one, and one for all"
    );
    assert_eq!(fleet.events.count("abandoned"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_given_back_costs_the_next_fetch_150_milliseconds() {
    let fleet = Fleet::of(0);
    fleet.store.inject_next(1, Operation::Abandon, Fault::Hang);
    let source = after_a_dropped_leader(&fleet).await;
    let begun = Instant::now();
    source.fetch(missing()).await.expect("a token");
    assert_eq!(begun.elapsed(), millis(150) + POST);
    assert_eq!(
        fleet.store.calls(Operation::GetOrLease),
        1,
        "not asked twice"
    );
    assert_eq!(fleet.endpoint.posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_leader_dropped_outside_of_a_runtime_lets_its_lease_expire() {
    let fleet = Fleet::of(1);
    fleet.endpoint.script([Step::Never]);
    let source = fleet.source(fleet.sharing(&[("key", 1)]));
    let cx = missing();
    let mut fetch = Box::pin(async move { source.fetch(cx).await });
    assert!(poll_immediate(fetch.as_mut()).await.is_none());
    assert_eq!(fleet.endpoint.posts(), 1);
    std::thread::spawn(move || drop(fetch))
        .join()
        .expect("no panic");
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert!(begun.elapsed() >= seconds(10) && begun.elapsed() < seconds(11));
}

#[tokio::test(start_paused = true)]
async fn a_lease_on_an_idle_runtime_delays_only_the_next_fetch_for_a_moment() {
    let fleet = Fleet::of(0);
    fleet.endpoint.script([Step::Never]);
    let source = fleet.source(fleet.sharing(&[("key", 1)]));
    let cx = missing();
    let fetch = timeout(millis(50), source.fetch(cx.clone()));
    let still = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    {
        let mut fetch = Box::pin(fetch);
        let polled = poll_immediate(fetch.as_mut()).await;
        assert!(polled.is_none(), "the endpoint does not answer");
        let _on_it = still.enter();
        drop(fetch);
    }
    for took in [millis(300) + POST, millis(0)] {
        let begun = Instant::now();
        source.fetch(cx.clone()).await.expect("a token");
        assert_eq!(begun.elapsed(), took);
    }
    still.shutdown_background();
}
