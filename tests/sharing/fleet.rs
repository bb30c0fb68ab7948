//! A store that works.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, advance, sleep};
use tower_genesys::{
    TokenCache,
    store::{Fault, Operation},
    token::{CacheSettings, Rejection, TokenProvider},
};

use crate::setup::*;

#[tokio::test(start_paused = true)]
async fn fifty_processes_that_start_cold_make_one_request_and_wait_300_ms_longer() {
    let fleet = Fleet::of(50);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
    assert!(
        begun.elapsed() <= POST + millis(300),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(fleet.events.count("adopted"), 49);
    assert_eq!(fleet.events.count("published"), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_processes_whose_token_has_expired_make_one_request() {
    let fleet = Fleet::of(50);
    assert_eq!(fleet.all_ask().await, 0);
    for round in 2..=4 {
        advance(DAY).await;
        let begun = Instant::now();
        assert_eq!(fleet.all_ask().await, 0);
        assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (round, 1));
        assert!(
            begun.elapsed() <= POST + millis(300),
            "{:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_due_is_renewed_once_for_all_and_no_caller_waits() {
    let fleet = Fleet::of(50);
    assert_eq!(fleet.all_ask().await, 0);
    // All are due between 15 and 10 minutes before the end.
    advance(DAY - seconds(16 * 60)).await;
    for _ in 0..8 * 60 {
        sleep(seconds(1)).await;
        let served = { fleet.processes.iter() }.filter(|process| process.try_current().is_some());
        assert_eq!(served.count(), 50);
    }
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_token_is_valid_the_store_is_not_asked() {
    let fleet = Fleet::of(3);
    assert_eq!(fleet.all_ask().await, 0);
    let calls = fleet.store.all_calls();
    for _ in 0..1000 {
        assert_eq!(fleet.all_ask().await, 0);
        advance(seconds(60)).await;
    }
    assert_eq!(fleet.store.all_calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn fifty_processes_that_get_a_401_make_one_request_and_late_reports_none() {
    let fleet = Fleet::of(50);
    assert_eq!(fleet.all_ask().await, 0);
    for round in 2..=3 {
        let refused: Vec<_> = { fleet.processes.iter() }
            .map(|process| process.try_current().expect("a token").generation())
            .collect();
        let renewed = { fleet.processes.iter().zip(&refused).enumerate() };
        let renewed = renewed.map(|(n, (process, refused))| async move {
            // The processes see their 401s one after the other.
            sleep(millis(n as u64 * 20)).await;
            process.wait(*refused).await
        });
        let renewed = join_all(renewed).await;
        assert!(renewed.iter().all(Result::is_ok));
        assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (round, 1));
        for (process, refused) in fleet.processes.iter().zip(refused) {
            assert_eq!(process.report_rejected(refused), Rejection::Superseded);
        }
        settle().await;
        assert_eq!(fleet.endpoint.posts(), round);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_discards_its_token_gets_a_newer_one_than_the_stores() {
    let fleet = Fleet::of(2);
    assert_eq!(fleet.all_ask().await, 0);
    let [one, other] = &fleet.processes[..] else {
        unreachable!()
    };
    // The store has a newer token than `other`, and even that one may be older
    // than the roles that were granted.
    let newer = async |process: &TokenCache| {
        let old = process.token().await.expect("a token").generation();
        process.invalidate();
        process.wait(old).await.expect("a newer one")
    };
    newer(one).await;
    let newest = newer(other).await;
    assert_eq!(
        (fleet.endpoint.posts(), newest.expose()),
        (3, "t0p-s3cr3t-3")
    );
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_discard_the_token_share_one_renewal() {
    let fleet = Fleet::of(2);
    assert_eq!(fleet.all_ask().await, 0);
    fleet.processes.iter().for_each(|process| {
        process.invalidate();
    });
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!(fleet.tokens().len(), 1, "the old token serves meanwhile");
    sleep(seconds(10)).await;
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_shared_token_is_used_until_it_expires_and_no_longer() {
    let fleet = Fleet::of(1);
    fleet.endpoint.set_life(seconds(3600));
    let settings = CacheSettings::new().with_renew_before(seconds(0));
    fleet.processes[0].token().await.expect("a token");
    sleep(seconds(1800)).await;
    let source = fleet.source(fleet.sharing(&[("key", 1)]));
    let late = TokenCache::builder(source).settings(settings).build();
    late.token().await.expect("the same");
    assert_eq!(fleet.endpoint.posts(), 1);
    // A token is never sent in its last 30 seconds. Its lifetime began when the
    // request was sent, 400 ms earlier.
    let left = late.status().valid_for.expect("it is valid");
    let expected = seconds(1800 - 30) - POST;
    assert!(
        left <= expected && left + millis(10) >= expected,
        "{left:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_waited_uses_the_token_as_long_as_the_leader() {
    let fleet = Fleet::of(2);
    fleet.endpoint.set_life(seconds(20));
    fleet.endpoint.script([Step::Takes(seconds(7))]);
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!(fleet.endpoint.posts(), 1);
    for process in &fleet.processes {
        let left = process.status().valid_for.expect("valid");
        // Of 20 seconds, 7 and a poll have passed since the request was sent,
        // and 2 are the margin.
        assert!(left <= seconds(11) && left > seconds(10), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_with_a_lifetime_of_zero_are_shared_for_two_seconds() {
    let fleet = Fleet::of(10);
    fleet.endpoint.set_life(seconds(0));
    let begun = Instant::now();
    let mut errors = 0;
    for _ in 0..100 {
        errors += fleet.all_ask().await;
        sleep(millis(100)).await;
    }
    assert_eq!(errors, 0);
    // All ten processes use each token for more than a second.
    let most = begun.elapsed().as_secs() as usize;
    assert!(fleet.endpoint.posts() <= most, "{}", fleet.endpoint.posts());
}

#[tokio::test(start_paused = true)]
async fn a_token_with_the_longest_lifetime_is_shared() {
    let fleet = Fleet::of(3);
    fleet.endpoint.set_life(Duration::MAX);
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
    // The time that is lost before a request must not overflow the clock.
    let late = Fleet::of(1);
    late.endpoint.set_life(Duration::MAX);
    late.store
        .inject_next(1, Operation::GetOrLease, Fault::Hang);
    assert_eq!(late.all_ask().await, 0);
    let entry = fleet.store.entry(&fleet.store.keys()[0]);
    let ten_years = seconds(10 * 365 * 86_400);
    assert!(
        entry.expect("an entry").lifetime < ten_years,
        "stores keep a token for less than that"
    );
}

/// A program that runs briefly now and then keeps a token between its runs.
#[tokio::test(start_paused = true)]
async fn a_new_process_gets_a_token_that_lasts_when_the_shared_one_does_not() {
    let fleet = Fleet::of(1);
    assert_eq!(fleet.all_ask().await, 0);
    advance(DAY - seconds(1200)).await;
    let job = fleet.process();
    assert_eq!(job.token().await.expect("a token").expose(), "t0p-s3cr3t-1");
    for _ in 0..3 {
        let job = fleet.process();
        let token = job.token_valid_for(seconds(1800)).await;
        assert_eq!(token.expect("one that lasts").expose(), "t0p-s3cr3t-2");
    }
    assert_eq!(fleet.endpoint.posts(), 2, "one more for all runs");
}
