//! The token endpoint throttles or fails.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tower_genesys::{
    store::{Claim, Lookup, Owner, TokenStore},
    token::{FetchContext, Reason, TokenErrorKind, TokenProvider, TokenSource},
};

use crate::setup::*;

#[tokio::test(start_paused = true)]
async fn a_throttled_leader_pauses_the_whole_fleet_and_then_one_process_asks() {
    let fleet = Fleet::of(50);
    fleet.endpoint.script([Step::RetryAfter(seconds(42))]);
    assert_eq!(fleet.all_ask().await, 50);
    let begun = Instant::now();
    while begun.elapsed() < seconds(41) {
        assert_eq!(fleet.all_ask().await, 50);
        sleep(millis(500)).await;
        assert_eq!(fleet.endpoint.posts(), 1);
    }
    // A process may wait a twentieth longer than requested.
    sleep(seconds(5)).await;
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_fits_the_deadline_is_waited_for() {
    let fleet = Fleet::of(10);
    fleet.endpoint.script([Step::RetryAfter(seconds(5))]);
    // The leader fails at once, and the others wait.
    assert_eq!(fleet.all_ask().await, 1);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_served_while_the_endpoint_throttles() {
    let fleet = Fleet::of(10);
    assert_eq!(fleet.all_ask().await, 0);
    tokio::time::advance(DAY - seconds(9 * 60)).await;
    fleet.endpoint.script([Step::RetryAfter(seconds(100))]);
    let begun = Instant::now();
    while begun.elapsed() < seconds(99) {
        assert!(
            fleet
                .processes
                .iter()
                .all(|process| process.try_current().is_some())
        );
        sleep(millis(500)).await;
    }
    assert_eq!(fleet.endpoint.posts(), 2);
    assert_eq!(fleet.traffic_for(seconds(120)).await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn the_whole_fleet_asks_a_failing_endpoint_once_a_second() {
    let fleet = Fleet::of(30);
    fleet
        .endpoint
        .script((0..1000).map(|_| Step::Fail(TokenErrorKind::Unavailable)));
    let begun = Instant::now();
    while begun.elapsed() < seconds(30) {
        fleet.all_ask().await;
        sleep(millis(50)).await;
    }
    let most = begun.elapsed().as_secs() as usize + 1;
    assert!(fleet.endpoint.posts() <= most, "{}", fleet.endpoint.posts());
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_one_process_does_not_delay_the_others() {
    let fleet = Fleet::of(2);
    let [wrong, right] = &fleet.processes[..] else {
        unreachable!()
    };
    fleet.endpoint.script([Step::Fail(TokenErrorKind::Denied)]);
    let error = wrong.token().await.expect_err("it is refused");
    assert_eq!(error.kind(), TokenErrorKind::Denied);
    let begun = Instant::now();
    right.token().await.expect("a token");
    assert_eq!(begun.elapsed(), POST);
    assert_eq!(fleet.endpoint.posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn implausible_leases_and_cooldowns_are_ignored() {
    let year = 365 * DAY;
    for cooldown in [None, Some(year), Some(Duration::MAX)] {
        let fleet = Fleet::of(3);
        let stranger = Claim::new(Owner::random().expect("randomness"), year);
        let lookup = fleet.store.get_or_lease(&key(), &stranger).await;
        let Ok(Lookup::Leased(lease)) = lookup else {
            panic!("a lease was expected: {lookup:?}");
        };
        if cooldown.is_some() {
            let set = fleet.store.abandon(&key(), &lease, cooldown).await;
            set.expect("a cooldown");
        }
        assert_eq!(fleet.all_ask().await, 0, "{cooldown:?}");
        assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
        assert_eq!(fleet.endpoint.posts(), 3, "one for each process");
        assert!(fleet.events.count("missed corrupt") >= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_cut_short_by_the_deadline_delays_no_other_process() {
    let fleet = Fleet::of(1);
    fleet.endpoint.script([Step::Never]);
    let hurried = fleet.source(fleet.sharing(&[("key", 1)]));
    let cx = FetchContext::new(Reason::Missing, Instant::now() + seconds(2));
    let error = hurried.fetch(cx).await.expect_err("it is cut short");
    assert_eq!(error.kind(), TokenErrorKind::TimedOut);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((begun.elapsed(), fleet.endpoint.posts()), (POST, 2));
}
