//! Processes that lead one after the other, and nothing comes of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::Instant;
use tower_genesys::{
    Sharing, TokenCache,
    store::{
        Claim, Entry, Fault, Lease, Lookup, Operation, Owner, Publication, SharedSource,
        StoreErrorKind, StoreFuture, StoreKey, TokenStore,
    },
    token::TokenErrorKind,
};

use crate::setup::*;

const REFUSED: Fault = Fault::Fail(StoreErrorKind::Unavailable);

#[tokio::test(start_paused = true)]
async fn a_store_that_grants_leases_and_refuses_every_publication_fails_nobody() {
    let fleet = Fleet::of(50);
    fleet.store.inject(Operation::Publish, REFUSED);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    let took = begun.elapsed();
    assert!(took < seconds(2), "{took:?}");
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (50, 50));
    assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
    assert_eq!(fleet.endpoint.posts(), 50, "each its own, once");

    fleet.converges_after(50).await;
}

#[tokio::test(start_paused = true)]
async fn publications_that_are_refused_fail_nobody_when_the_endpoint_is_slow_too() {
    let fleet = Fleet::of(50);
    fleet.store.inject(Operation::Publish, REFUSED);
    fleet
        .endpoint
        .script((0..50).map(|_| Step::Takes(seconds(4))));
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (50, 50));
}

#[tokio::test(start_paused = true)]
async fn a_fleet_with_a_wrong_secret_is_told_so_in_each_process_after_one_request_each() {
    let fleet = Fleet::of(50);
    let denied = || Step::Fail(TokenErrorKind::Denied);
    fleet.endpoint.script((0..100).map(|_| denied()));
    let begun = Instant::now();
    let results = join_all(fleet.processes.iter().map(TokenCache::token)).await;
    for result in results {
        let error = result.expect_err("it is refused");
        assert_eq!(error.kind(), TokenErrorKind::Denied, "{error}");
    }
    let took = begun.elapsed();
    assert!(took < seconds(2), "{took:?}");
    assert_eq!(fleet.endpoint.posts(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_failed_leader_and_the_pause_after_it_send_nobody_alone() {
    let fleet = Fleet::of(50);
    let denied = || Step::Fail(TokenErrorKind::Denied);
    // A handover, a pause, a handover.
    let script = [denied(), Step::RetryAfter(seconds(1)), denied()];
    fleet.endpoint.script(script);
    assert_eq!(fleet.all_ask().await, 3);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (4, 1));
    assert_eq!(fleet.events.count("went_alone"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_and_a_slow_endpoint_send_nobody_alone() {
    let fleet = Fleet::of(50);
    // Held by a process that is gone, as a lease that was never given back.
    let wants = Claim::new(Owner::random().expect("randomness"), seconds(9));
    let gone = fleet.store.get_or_lease(&key(), &wants).await;
    assert!(matches!(gone, Ok(Lookup::Leased(_))), "{gone:?}");
    fleet.endpoint.script([Step::Takes(seconds(5))]);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    let took = begun.elapsed();
    assert!(took > seconds(14) && took < seconds(15), "{took:?}");
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
}

/// Says that somebody else leads, and that they always have this much time
/// left.
struct Busy {
    left: Duration,
    asked: Arc<AtomicU64>,
}

impl TokenStore for Busy {
    fn get_or_lease<'a>(&'a self, _: &'a StoreKey, _: &'a Claim) -> StoreFuture<'a, Lookup> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let left = self.left;
        Box::pin(async move { Ok(Lookup::Busy(left)) })
    }

    fn publish<'a>(
        &'a self,
        _: &'a StoreKey,
        _: &'a Lease,
        _: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        panic!("nobody has a lease")
    }

    fn abandon<'a>(
        &'a self,
        _: &'a StoreKey,
        _: &'a Lease,
        _: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        panic!("nobody has a lease")
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_says_that_a_lease_is_as_good_as_over_is_asked_once_in_20_milliseconds() {
    for (left, most) in [(millis(0), 750), (seconds(5), 130)] {
        let (endpoint, asked) = (Endpoint::new(), Arc::default());
        let store = Busy {
            left,
            asked: Arc::clone(&asked),
        };
        let source = SharedSource::new(endpoint.clone(), key(), Sharing::unsealed(store));
        let process = TokenCache::new(source.expect("it can be shared"));
        let error = process.token().await.expect_err("nobody gets one");
        assert_eq!(error.kind(), TokenErrorKind::TimedOut);
        assert_eq!(endpoint.posts(), 0, "somebody else is said to lead");
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked <= most && asked > 50, "{asked} in 15 seconds");
    }
}
