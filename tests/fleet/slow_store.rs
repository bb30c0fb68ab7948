use std::time::Duration;

use tower_genesys::testing::TOKEN;

use crate::{
    fixtures::real_time::wait_until,
    process::Answer,
    redis_server::{Mode, Proxy},
    setup::{Fleet, millis, seconds},
};

/// The default operation timeout of `Sharing`.
const OPERATION: Duration = millis(150);
/// The time for everything else in a process, on a busy machine.
const REST: Duration = millis(250);

/// Expects that a new process waits once for a store that does not answer, and
/// then gets its own token.
async fn waits_once(fleet: &mut Fleet) {
    let posts = fleet.posts();
    fleet.add(1).await;
    let mut process = fleet.processes.pop().unwrap();
    let first = process.get().await;
    first.token();
    assert!(first.took >= OPERATION - millis(5), "{first:?}");
    assert!(first.took <= OPERATION + REST, "{first:?}");
    assert!(process.has_seen("failed:get_or_lease:timeout").await);
    assert_eq!(fleet.posts(), posts + 1);
    let next = process.call().await;
    next.assert_ok();
    assert!(next.took < OPERATION, "it waits only once: {next:?}");
}

#[tokio::test]
async fn callers_wait_150_milliseconds_for_a_store_that_is_slow_or_silent() {
    let mut fleet = Fleet::of(0).await;
    fleet.settings = fleet.settings.with_operation_timeout(OPERATION);
    fleet.redis.run::<()>(&["CLIENT", "PAUSE", "5000", "ALL"]);
    waits_once(&mut fleet).await;

    let mut fleet = Fleet::of(0).await;
    let proxy = Proxy::start(fleet.redis.port()).await;
    let settings = fleet.settings.with_operation_timeout(OPERATION);
    fleet.settings = settings.with_redis(proxy.url());
    for mode in [Mode::BlackHole, Mode::DropReplies, Mode::Delay(seconds(1))] {
        proxy.set(mode);
        waits_once(&mut fleet).await;
        fleet.redis.run::<()>(&["FLUSHALL"]);
    }
}

/// A caller does not wait for a store that has just failed. The process
/// requests a token without the store, ten seconds after its last request.
#[tokio::test]
async fn callers_wait_once_for_a_store_that_has_failed() {
    let mut fleet = Fleet::of(0).await;
    let proxy = Proxy::start(fleet.redis.port()).await;
    proxy.set(Mode::BlackHole);
    let settings = fleet.settings.with_operation_timeout(OPERATION);
    fleet.settings = settings.with_redis(proxy.url());
    fleet.add(1).await;
    let mut process = fleet.processes.pop().unwrap();
    process.call().await.assert_ok();
    for posts in 2..=3 {
        fleet.mock.revoke_all();
        let next = process.call().await;
        next.assert_ok();
        assert!(
            next.took > seconds(9) && next.took < seconds(11),
            "{next:?}"
        );
        assert_eq!(fleet.posts(), posts);
    }
    let events = process.events().await;
    let count = |name: &str| {
        events
            .iter()
            .filter(|event| event.starts_with(name))
            .count()
    };
    // The first call waited for the store. Then a background task asked three
    // times for the outcome of that claim, without a caller that waits.
    assert_eq!(
        (count("failed:"), count("skipped")),
        (1 + 3, 2),
        "{events:?}"
    );
}

/// The server has granted a lease, and the answer was lost. When the server can
/// be asked again, the process publishes its token under that lease.
#[tokio::test]
async fn a_process_recovers_a_lease_whose_answer_was_lost() {
    let mut fleet = Fleet::of(0).await;
    let proxy = Proxy::start(fleet.redis.port()).await;
    let direct = fleet.settings.clone();
    // The lease is still valid when the process checks the store, after 5 to 20
    // seconds.
    fleet.settings = direct
        .with_redis(proxy.url())
        .with_lease(seconds(60))
        .with_operation_timeout(OPERATION);
    fleet.add(1).await;
    let mut process = fleet.processes.pop().unwrap();
    process.call().await.assert_ok();
    proxy.set(Mode::DropReplies);
    fleet.mock.revoke_all();
    process.call().await.assert_ok();
    assert!(process.has_seen("failed:get_or_lease:timeout").await);
    let keys = fleet.redis.keys();
    assert!(keys.iter().any(|key| key.ends_with(":lease")), "{keys:?}");
    assert_eq!(fleet.posts(), 2);

    proxy.set(Mode::Pass);
    process.ask("start").await;
    wait_until("it converges", async || process.has_seen("converged").await).await;
    process.stop_traffic().await;
    let got = process.get().await;
    fleet.settings = direct;
    fleet.add(1).await;
    assert_eq!(fleet.processes[0].get().await.token(), got.token());
    assert_eq!(fleet.posts(), 2);
}

/// The server has stored the token, and the answer was lost.
#[tokio::test]
async fn other_processes_use_a_publication_whose_answer_was_lost() {
    let mut fleet = Fleet::of(0).await;
    let proxy = Proxy::start(fleet.redis.port()).await;
    let direct = fleet.settings.clone();
    fleet.settings = direct
        .with_redis(proxy.url())
        .with_operation_timeout(OPERATION);
    fleet.add(1).await;
    let mut process = fleet.processes.pop().unwrap();
    // The server learns the scripts. So the lost answer is not one that asks
    // for a script.
    process.call().await.assert_ok();
    process.ask("open another").await;
    let held = fleet.mock.hold(TOKEN);
    let waiting = process.tell("get").await;
    fleet.mock.wait_for(TOKEN, 2).await;
    proxy.set(Mode::DropReplies);
    held.release();
    let got = Answer::parse(&waiting.await);
    assert!(process.has_seen("failed:publish:timeout").await);

    fleet.settings = direct;
    fleet.add(1).await;
    fleet.all("open another").await;
    assert_eq!(fleet.processes[0].get().await.token(), got.token());
    assert_eq!(fleet.posts(), 2);
}
