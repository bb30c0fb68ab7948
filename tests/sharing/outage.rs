//! Failures of the store.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{
    runtime::Handle,
    time::{Instant, advance, sleep},
};
use tower_genesys::{
    Sharing, TokenCache,
    store::{Fault, Operation, StoreErrorKind},
    token::{FetchContext, Reason, TokenErrorKind, TokenProvider, TokenSource},
};

use crate::setup::*;

const DOWN: Fault = Fault::Fail(StoreErrorKind::Unavailable);
const OPERATION: Duration = millis(150);

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_at_the_start_costs_one_timeout_and_all_converge_later() {
    let fleet = Fleet::of(20);
    fleet.store.inject_all(Fault::Hang);
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!(begun.elapsed(), OPERATION + POST);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (20, 20));
    // For minutes, processes use valid tokens, no caller waits, and no token is
    // requested.
    for _ in 0..600 {
        let before = Instant::now();
        assert_eq!(fleet.all_ask().await, 0);
        assert_eq!(before.elapsed(), millis(0), "no caller waits for the store");
        sleep(millis(500)).await;
    }
    assert_eq!(fleet.endpoint.posts(), 20);
    let asked = fleet.store.all_calls();
    assert!(
        asked <= 20 * (300 / 5 + 1),
        "one check in 5 s each: {asked}"
    );

    fleet.converges_after(20).await;
    assert_eq!(fleet.events.count("converged"), 20);
    let asked = fleet.store.all_calls();
    assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
    assert_eq!(fleet.store.all_calls(), asked, "no more checks");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_dies_while_tokens_are_due_is_waited_for_and_then_not_needed() {
    let fleet = Fleet::of(10);
    assert_eq!(fleet.all_ask().await, 0);
    advance(DAY - seconds(16 * 60)).await;
    fleet.store.inject_all(DOWN);
    assert_eq!(fleet.traffic_for(seconds(10 * 60)).await, 0);
    assert_eq!(
        fleet.endpoint.posts(),
        1,
        "six minutes are left, and processes wait until five are"
    );
    assert_eq!(fleet.traffic_for(seconds(5 * 60)).await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (11, 10));
    fleet.converges_after(11).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_store_a_process_requests_a_token_once_in_ten_seconds() {
    let fleet = Fleet::of(1);
    fleet.store.inject_all(DOWN);
    let process = &fleet.processes[0];
    let begun = Instant::now();
    process.token().await.expect("a token");
    let mut posts = vec![begun.elapsed()];
    for _ in 0..2 {
        let refused = process.try_current().expect("a token").generation();
        process.wait(refused).await.expect("after a while");
        posts.push(begun.elapsed());
    }
    assert_eq!(fleet.endpoint.posts(), 3);
    let gaps: Vec<_> = posts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter()
            .all(|gap| *gap >= seconds(10) && *gap < seconds(11)),
        "{gaps:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn callers_wait_once_for_a_store_that_has_failed() {
    let fleet = Fleet::of(1);
    fleet.store.inject_all(Fault::Hang);
    let process = &fleet.processes[0];
    process.token().await.expect("a token");
    // Without traffic, only these callers could ask the store.
    for (after, costs) in [(11, millis(0)), (11, millis(0)), (50, OPERATION)] {
        sleep(seconds(after)).await;
        let (begun, calls) = (Instant::now(), fleet.store.all_calls());
        let refused = fleet.processes[0].status().generation.expect("a token");
        process.wait(refused).await.expect("a token");
        assert_eq!(begun.elapsed(), costs + POST, "after {after} seconds");
        assert_eq!(
            fleet.store.all_calls() - calls,
            u64::from(costs > millis(0))
        );
    }
    assert_eq!(fleet.events.count("skipped"), 2);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_an_error_says_when_the_next_request_is_possible() {
    let fleet = Fleet::of(1);
    fleet.store.inject_all(DOWN);
    let fail = || Step::Fail(TokenErrorKind::Transport);
    fleet.endpoint.script([fail(), fail()]);
    let process = &fleet.processes[0];
    let error = process
        .token()
        .await
        .expect_err("it fails at 0 and at 10 seconds");
    assert_eq!(
        (fleet.endpoint.posts(), error.kind()),
        (2, TokenErrorKind::Throttled)
    );
    let wait = error.retry_after().expect("it says how long");
    assert!(wait > seconds(8) && wait <= seconds(10), "{wait:?}");
    sleep(seconds(11)).await;
    process.token().await.expect("a token");
    assert_eq!(fleet.endpoint.posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_the_store_a_token_is_served_until_its_last_second() {
    let fleet = Fleet::of(0);
    fleet.store.inject_all(DOWN);
    fleet.endpoint.set_life(seconds(9));
    let source = fleet.source(fleet.sharing(&[("key", 1)]));
    let fetch = |reason| source.fetch(FetchContext::new(reason, Instant::now() + seconds(15)));
    fetch(Reason::Missing).await.expect("a token");
    // The token ends too soon to wait for the store, and the last request was
    // too recent for another one.
    sleep(millis(7300)).await;
    let token = fetch(Reason::Due).await.expect("the same one");
    assert_eq!(token.expose(), "t0p-s3cr3t-1");
    assert_eq!(
        (fleet.endpoint.posts(), fleet.events.count("limited")),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_costs_150_milliseconds_and_the_process_recovers_its_lease() {
    for fault in [Fault::Delay(seconds(1)), Fault::Hang, Fault::LoseReply] {
        let fleet = Fleet::of(1);
        fleet.store.inject_next(1, Operation::GetOrLease, fault);
        let begun = Instant::now();
        assert_eq!(fleet.all_ask().await, 0);
        assert_eq!(begun.elapsed(), OPERATION + POST, "{fault:?}");
        assert_eq!(fleet.events.count("failed get_or_lease timeout"), 1);
        // The process may have been granted a lease, and still shares its
        // token.
        assert_eq!(fleet.traffic_for(seconds(21)).await, 0);
        assert_eq!(
            (fleet.endpoint.posts(), fleet.events.count("published")),
            (1, 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_fails_costs_one_request_at_most() {
    use StoreErrorKind as Kind;
    let faults = [
        Fault::LoseReply,
        Fault::Hang,
        Fault::Fail(Kind::Denied),
        Fault::Fail(Kind::Unavailable),
    ];
    for fault in faults {
        let fleet = Fleet::of(5);
        fleet.store.inject_next(1, Operation::Publish, fault);
        let first = fleet.processes[0].token().await;
        assert_eq!(
            first.expect("it is used").expose(),
            "t0p-s3cr3t-1",
            "{fault:?}"
        );
        assert_eq!(fleet.traffic_for(seconds(30)).await, 0);
        assert_eq!(fleet.tokens().len(), 1, "{fault:?}");
        let most = if fault == Fault::LoseReply { 1 } else { 2 };
        assert_eq!(fleet.endpoint.posts(), most, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_loses_all_data_costs_one_request_and_fences_still_grow() {
    let fleet = Fleet::of(20);
    assert_eq!(fleet.all_ask().await, 0);
    let before = fleet
        .store
        .entry(&fleet.store.keys()[0])
        .expect("an entry")
        .fence;
    sleep(seconds(60)).await;
    fleet.store.flush();
    let mut fleet = fleet;
    fleet
        .processes
        .extend((0..20).map(|_| fleet.process()).collect::<Vec<_>>());
    assert_eq!(fleet.all_ask().await, 0);
    assert_eq!(fleet.endpoint.posts(), 2);
    let after = fleet
        .store
        .entry(&fleet.store.keys()[0])
        .expect("an entry")
        .fence;
    assert!(after > before);
    advance(DAY - seconds(9 * 60)).await;
    assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_that_a_failover_brings_back_is_not_used_again() {
    let fleet = Fleet::of(5);
    assert_eq!(fleet.all_ask().await, 0);
    let key = fleet.store.keys()[0];
    let old = fleet.store.entry(&key).expect("an entry");
    for process in &fleet.processes {
        let refused = process.try_current().expect("a token").generation();
        process.wait(refused).await.expect("a newer one");
    }
    assert_eq!(fleet.endpoint.posts(), 2);
    // A replica without the last write takes over.
    fleet.store.flush();
    fleet.store.overwrite(&key, &old);
    advance(DAY - seconds(9 * 60)).await;
    assert_eq!(fleet.traffic_for(seconds(30)).await, 0);
    assert_eq!(fleet.tokens(), ["t0p-s3cr3t-3".to_owned()].into());
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_no_error_and_each_process_one_request_in_ten_seconds() {
    let fleet = Fleet::of(10);
    assert_eq!(fleet.all_ask().await, 0);
    fleet.store.inject_all(Fault::Hang);
    // All tokens are revoked repeatedly, while the store does not answer.
    let begun = Instant::now();
    for _ in 0..3 {
        let waits = fleet.processes.iter().map(|process| {
            let refused = process.try_current().expect("a token").generation();
            process.wait(refused)
        });
        let renewed = join_all(waits).await;
        assert!(renewed.iter().all(Result::is_ok));
    }
    let each = (fleet.endpoint.posts() - 1) / 10;
    assert!(
        each <= begun.elapsed().as_secs() as usize / 10 + 1,
        "{each} in {:?}",
        begun.elapsed()
    );
    fleet.converges_after(fleet.endpoint.posts()).await;
}

/// A check does not learn of a refusal that comes after it began. So it
/// publishes the refused token, which costs the other processes a replay.
#[tokio::test(start_paused = true)]
async fn a_token_refused_while_a_check_publishes_it_costs_one_request_and_no_error() {
    let fleet = Fleet::of(20);
    let (alone, others) = fleet.processes.split_first().expect("twenty");
    fleet.store.inject_all(DOWN);
    let old = alone.token().await.expect("its own");
    fleet.store.clear_faults();
    let slow = Fault::Delay(millis(140));
    fleet.store.inject_next(1, Operation::Publish, slow);
    let begun = Instant::now();
    while fleet.store.calls(Operation::Publish) == 0 {
        assert!(alone.try_current().is_some() && begun.elapsed() < seconds(21));
        sleep(millis(5)).await;
    }
    alone.report_rejected(old.generation());
    let renewed = alone.wait(old.generation());
    let others = join_all(others.iter().map(async |process| {
        let mut token = process.token().await.expect("a token");
        if token.expose() == old.expose() {
            token = process.wait(token.generation()).await.expect("a newer one");
        }
        token.expose().to_owned()
    }));
    let (renewed, others) = tokio::join!(renewed, others);
    let renewed = renewed.expect("a newer one");
    assert!(others.iter().all(|token| token == renewed.expose()));
    assert_eq!(fleet.events.count("published"), 2, "the refused token, too");
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_store_counts_as_a_failure() {
    use tower_genesys::{
        Sharing, TokenCache,
        store::{SharedSource, TokenStore, *},
    };
    struct Panics;
    impl TokenStore for Panics {
        fn get_or_lease<'a>(&'a self, _: &'a StoreKey, _: &'a Claim) -> StoreFuture<'a, Lookup> {
            panic!("scripted")
        }
        fn publish<'a>(
            &'a self,
            _: &'a StoreKey,
            _: &'a Lease,
            _: &'a Entry,
        ) -> StoreFuture<'a, Publication> {
            panic!("scripted")
        }
        fn abandon<'a>(
            &'a self,
            _: &'a StoreKey,
            _: &'a Lease,
            _: Option<Duration>,
        ) -> StoreFuture<'a, ()> {
            panic!("scripted")
        }
    }
    let endpoint = Endpoint::new();
    let source = SharedSource::new(endpoint.clone(), key(), Sharing::unsealed(Panics))
        .expect("it can be shared");
    TokenCache::new(source).token().await.expect("a token");
    assert_eq!(endpoint.posts(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_operation_timeout_is_the_stores_unless_a_setting_replaces_it() {
    use tower_genesys::{
        Sharing, TokenCache,
        store::{SharedSource, TokenStore, *},
    };
    /// A store with a timeout of two seconds.
    struct Disk(MemoryStore);
    impl TokenStore for Disk {
        fn get_or_lease<'a>(
            &'a self,
            key: &'a StoreKey,
            claim: &'a Claim,
        ) -> StoreFuture<'a, Lookup> {
            self.0.get_or_lease(key, claim)
        }
        fn publish<'a>(
            &'a self,
            key: &'a StoreKey,
            lease: &'a Lease,
            entry: &'a Entry,
        ) -> StoreFuture<'a, Publication> {
            self.0.publish(key, lease, entry)
        }
        fn abandon<'a>(
            &'a self,
            key: &'a StoreKey,
            lease: &'a Lease,
            cooldown: Option<Duration>,
        ) -> StoreFuture<'a, ()> {
            self.0.abandon(key, lease, cooldown)
        }
        fn operation_timeout(&self) -> Duration {
            seconds(2)
        }
    }
    for (told, expected) in [(None, seconds(2)), (Some(millis(70)), millis(70))] {
        let memory = MemoryStore::new();
        memory.inject_all(Fault::Hang);
        // Behind a pointer, as several organisations share it.
        let mut sharing = Sharing::unsealed(std::sync::Arc::new(Disk(memory)));
        if let Some(told) = told {
            sharing = sharing.with_operation_timeout(told);
        }
        let source = SharedSource::new(Endpoint::new(), key(), sharing).expect("it can be shared");
        let begun = Instant::now();
        TokenCache::new(source).token().await.expect("a token");
        assert_eq!(begun.elapsed(), expected + POST);
    }
}

#[tokio::test(start_paused = true)]
async fn timeouts_that_leave_no_time_for_a_request_are_cut_short() {
    let settings: [fn(Sharing) -> Sharing; 3] = [
        |sharing| sharing.with_operation_timeout(seconds(20)),
        |sharing| sharing.with_operation_timeout(Duration::MAX),
        |sharing| {
            sharing
                .with_lease(Duration::MAX)
                .with_attempt_timeout(Duration::MAX)
        },
    ];
    for (at, set) in settings.into_iter().enumerate() {
        let fleet = Fleet::of(0);
        let process = TokenCache::new(fleet.source(set(fleet.sharing(&[("key", 1)]))));
        let token = process.token().await;
        assert!(token.is_ok(), "{at}: {token:?}");
    }
}

/// Starts one process before the others, and loses the reply to its claim.
async fn first_reply_is_lost(fleet: &Fleet) {
    let fault = Fault::LoseReply;
    fleet.store.inject_next(1, Operation::GetOrLease, fault);
    let first = fleet.processes[0].clone();
    tokio::spawn(async move { drop(first.token().await) });
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_reply_to_a_claim_all_share_the_token_of_that_process() {
    let fleet = Fleet::of(20);
    first_reply_is_lost(&fleet).await;
    let begun = Instant::now();
    assert_eq!(fleet.all_ask().await, 0);
    assert!(
        begun.elapsed() <= OPERATION + POST + millis(300),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
    assert_eq!(fleet.events.count("published"), 1);
    // The process shares the token again, so its check finds the same one.
    assert_eq!(fleet.traffic_for(seconds(60)).await, 0);
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_reply_was_lost_gives_the_lease_back_if_its_request_fails() {
    let fleet = Fleet::of(20);
    let fails = Step::Fail(TokenErrorKind::Denied);
    fleet.endpoint.script([fails]);
    first_reply_is_lost(&fleet).await;
    let begun = Instant::now();
    let others = fleet.processes[1..].iter().map(TokenCache::token);
    let others = join_all(others).await;
    assert!(others.iter().all(Result::is_ok));
    assert!(
        begun.elapsed() <= OPERATION + 2 * POST + millis(600),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!((fleet.endpoint.posts(), fleet.tokens().len()), (2, 1));
    assert_eq!(fleet.events.count("abandoned"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_loses_replies_is_asked_three_times_for_the_outcome_of_a_claim() {
    let fleet = Fleet::of(1);
    let fault = Fault::LoseReply;
    fleet.store.inject_all(fault);
    let before = Handle::current().metrics().num_alive_tasks();
    assert_eq!(fleet.all_ask().await, 0);
    // The questions come at once, after a quarter of a second, and after
    // another half. Each takes as long as an operation may.
    sleep(3 * OPERATION + millis(750 - 1)).await;
    let tasks = || Handle::current().metrics().num_alive_tasks() - before;
    assert_eq!(tasks(), 1);
    sleep(millis(2)).await;
    assert_eq!(tasks(), 0);
    let asked = fleet.store.calls(Operation::GetOrLease);
    assert_eq!(asked, 1 + 3);
}
