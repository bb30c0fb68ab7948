//! Failures of the leader, the process that gets the token for all.

use tokio::{
    task::JoinHandle,
    time::{Instant, advance, sleep},
};
use tower_genesys::{
    Sharing,
    store::{Fault, Operation, StoreErrorKind},
    token::{FetchContext, Reason, TokenErrorKind, TokenProvider, TokenSource},
};

use crate::setup::*;

/// A process that dies with its lease: its tasks end, and it gives nothing
/// back.
async fn killed_leader(fleet: &Fleet) {
    fleet.endpoint.script([Step::Never]);
    // Its last message to the store does not arrive.
    fleet.store.inject_next(1, Operation::Abandon, Fault::Hang);
    let leader = fleet.process();
    let task: JoinHandle<_> = tokio::spawn({
        let leader = leader.clone();
        async move { leader.token().await.is_ok() }
    });
    while fleet.endpoint.posts() == 0 {
        sleep(millis(1)).await;
    }
    task.abort();
    leader.close().await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn when_the_leader_is_killed_one_follower_takes_over_within_the_lease() {
    let fleet = Fleet::of(20);
    let begun = Instant::now();
    let followers = fleet.clone();
    let asked = tokio::spawn(async move {
        sleep(millis(20)).await;
        followers.all_ask().await
    });
    killed_leader(&fleet).await;
    assert_eq!(asked.await.expect("no panic"), 0, "no process fails");
    assert_eq!((fleet.endpoint.posts(), fleet.endpoint.answers()), (2, 1));
    let took = begun.elapsed();
    assert!(took > seconds(10) && took < seconds(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_killed_leader_delays_no_process_while_the_token_is_valid() {
    let fleet = Fleet::of(20);
    assert_eq!(fleet.all_ask().await, 0);
    advance(DAY - seconds(9 * 60)).await;
    fleet.endpoint.script([Step::Never]);
    fleet.store.inject_next(1, Operation::Abandon, Fault::Hang);
    let leader = &fleet.processes[0];
    assert!(leader.try_current().is_some());
    sleep(millis(100)).await;
    leader.close().await;
    let begun = Instant::now();
    while begun.elapsed() < seconds(12) {
        for process in &fleet.processes {
            assert!(process.try_current().is_some());
        }
        sleep(millis(100)).await;
    }
    assert_eq!(
        fleet.endpoint.posts(),
        3,
        "the first request, the lost one, and one more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_dropped_gives_its_lease_back_at_once() {
    let fleet = Fleet::of(1);
    fleet.endpoint.script([Step::Never]);
    let leader = fleet.process();
    let asked = tokio::spawn({
        let leader = leader.clone();
        async move { leader.token().await.is_ok() }
    });
    sleep(millis(100)).await;
    leader.close().await;
    let _ = asked.await;
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!(begun.elapsed(), POST);
    assert_eq!(fleet.events.count("abandoned"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_request_is_lost_hands_over_after_nine_seconds() {
    let fleet = Fleet::of(10);
    fleet.endpoint.script([Step::Never]);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
    // Nine seconds for the request, and one of cooldown.
    let took = begun.elapsed();
    assert!(took < seconds(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cold_fleet_gets_its_token_from_a_slow_endpoint_with_one_request() {
    let fleet = Fleet::of(10);
    let slow = millis(8900);
    fleet.endpoint.script([Step::Takes(slow)]);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
    assert!(begun.elapsed() <= slow + millis(300));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_too_slow_names_the_setting_that_helps() {
    type Change = fn(Sharing) -> Sharing;
    let settings: [(Change, &str); 3] = [
        (|sharing| sharing, "Sharing::with_lease"),
        (
            |sharing| sharing.with_attempt_timeout(seconds(2)),
            "Sharing::with_attempt_timeout",
        ),
        (
            |sharing| sharing.with_lease(seconds(60)),
            "CacheSettings::with_deadline",
        ),
    ];
    for (change, named) in settings {
        let fleet = Fleet::of(0);
        fleet.endpoint.script(vec![Step::Never; 9]);
        let sharing = change(fleet.sharing(&[("key", 1)]));
        let cx = FetchContext::new(Reason::Missing, Instant::now() + seconds(15));
        let error = fleet.source(sharing).fetch(cx).await.unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::TimedOut);
        assert!(error.to_string().contains(&format!("`{named}`")), "{error}");
    }
    // With that setting, the fetch succeeds.
    let fleet = Fleet::of(0);
    fleet.endpoint.script([Step::Takes(seconds(12))]);
    let sharing = fleet.sharing(&[("key", 1)]).with_lease(seconds(14));
    let cx = FetchContext::new(Reason::Missing, Instant::now() + seconds(15));
    assert!(fleet.source(sharing).fetch(cx).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_wakes_up_after_its_lease_takes_the_token_of_the_winner() {
    let fleet = Fleet::of(2);
    let [frozen, other] = &fleet.processes[..] else {
        unreachable!()
    };
    let asked = tokio::spawn({
        let frozen = frozen.clone();
        async move { frozen.token().await.map(|token| token.expose().to_owned()) }
    });
    // The leader has its token, and is frozen before it publishes the token.
    fleet
        .store
        .inject_next(1, Operation::Publish, Fault::Delay(millis(149)));
    sleep(POST + millis(10)).await;
    assert_eq!(fleet.endpoint.posts(), 1);
    fleet.store.flush();
    let winner = other.token();
    fleet.endpoint.script([Step::Takes(millis(10))]);
    let winner = winner.await.expect("a token");
    assert_eq!(winner.expose(), "t0p-s3cr3t-2");
    let late = asked.await.expect("no panic").expect("a token");
    assert_eq!((late.as_str(), fleet.endpoint.posts()), ("t0p-s3cr3t-2", 2));
    assert_eq!(fleet.events.count("superseded"), 1);
    assert_eq!(fleet.tokens().len(), 1);
}

/// The deadline passes while the thread is blocked, or the machine asleep.
#[tokio::test(start_paused = true)]
async fn a_fetch_that_begins_after_its_deadline_sends_nothing() {
    for is_alone in [false, true] {
        let fleet = Fleet::of(0);
        if is_alone {
            let down = Fault::Fail(StoreErrorKind::Unavailable);
            fleet.store.inject_all(down);
        }
        let source = fleet.source(fleet.sharing(&[("key", 1)]));
        let late = FetchContext::new(Reason::Missing, Instant::now());
        let error = source.fetch(late).await.expect_err("it is too late");
        assert_eq!(error.kind(), TokenErrorKind::TimedOut, "{error}");
        assert_eq!(fleet.endpoint.posts(), 0, "{is_alone}");
        // The next one waits for nothing.
        settle().await;
        let begun = Instant::now();
        let next = FetchContext::new(Reason::Missing, begun + seconds(15));
        source.fetch(next).await.expect("a token");
        assert_eq!(begun.elapsed(), POST, "{is_alone}");
    }
}
