//! Processes that lead one after the other, without success.

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
async fn a_store_that_refuses_every_publication_fails_no_process() {
    let fleet = Fleet::of(50);
    fleet.store.inject(Operation::Publish, REFUSED);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    let took = begun.elapsed();
    assert!(took < seconds(2), "{took:?}");
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (50, 50));
    assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
    assert_eq!(fleet.endpoint.posts(), 50, "one for each process");

    fleet.converges_after(50).await;
}

#[tokio::test(start_paused = true)]
async fn refused_publications_and_a_slow_endpoint_fail_no_process() {
    let fleet = Fleet::of(50);
    fleet.store.inject(Operation::Publish, REFUSED);
    fleet
        .endpoint
        .script((0..50).map(|_| Step::Takes(seconds(4))));
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (50, 50));
}

#[tokio::test(start_paused = true)]
async fn with_a_wrong_secret_each_process_gets_the_error_after_one_request() {
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
async fn after_failed_leaders_and_a_pause_the_fleet_still_shares_one_token() {
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
async fn after_a_killed_leader_and_with_a_slow_endpoint_the_fleet_still_shares_one_token() {
    let fleet = Fleet::of(50);
    // A killed process has this lease, and never gives it back.
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

/// A store that always reports another owner's lease, with this much time left.
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
        panic!("no lease was granted")
    }

    fn abandon<'a>(
        &'a self,
        _: &'a StoreKey,
        _: &'a Lease,
        _: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        panic!("no lease was granted")
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_whose_lease_never_ends_is_asked_every_20_milliseconds_at_most() {
    for (left, most) in [(millis(0), 750), (seconds(5), 130)] {
        let (endpoint, asked) = (Endpoint::new(), Arc::default());
        let store = Busy {
            left,
            asked: Arc::clone(&asked),
        };
        let source = SharedSource::new(endpoint.clone(), key(), Sharing::unsealed(store));
        let process = TokenCache::new(source.expect("it can be shared"));
        let error = process.token().await.expect_err("no token comes");
        assert_eq!(error.kind(), TokenErrorKind::TimedOut);
        assert_eq!(endpoint.posts(), 0, "without a lease, no request");
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked <= most && asked > 50, "{asked} in 15 seconds");
    }
}
