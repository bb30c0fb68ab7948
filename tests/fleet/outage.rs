use tokio::time::{Instant, sleep};

use crate::setup::{Fleet, millis, seconds};

const PROCESSES: usize = 5;

/// Down at the start, back, down in the middle, back: with requests all the time, of which none fails.
#[tokio::test]
async fn processes_go_on_without_redis_and_come_together_again() {
    let mut fleet = Fleet::of(0).await;
    fleet.settings = fleet.settings.with_operation_timeout(millis(150));
    fleet.redis.kill();
    fleet.add(PROCESSES).await;
    let begun = Instant::now();
    fleet.all_call().await;
    fleet.all("start").await;
    assert_eq!(
        (fleet.tokens().await.len(), fleet.posts()),
        (PROCESSES, PROCESSES)
    );

    // Each needs another one, and asks again when ten seconds are over.
    fleet.mock.revoke_all();
    sleep(seconds(9).saturating_sub(begun.elapsed())).await;
    assert_eq!(fleet.posts(), PROCESSES);
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2 * PROCESSES);

    fleet.redis.restart();
    let took = fleet.converge(seconds(30)).await;
    assert_eq!(
        fleet.posts(),
        2 * PROCESSES,
        "one of the tokens becomes that of all"
    );

    fleet.redis.kill();
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2 * PROCESSES, "it is good without Redis");
    fleet.redis.restart();
    // It has forgotten everything, and they have the same token.
    assert_eq!(fleet.tokens().await.len(), 1);
    fleet.mock.revoke_all();
    fleet.all_call().await;
    let last = fleet.posts() - 2 * PROCESSES;
    println!("together after {took:?}; {last} requests after the second outage");
    assert!((1..=PROCESSES).contains(&last), "{last}");
    fleet.converge(seconds(30)).await;
    assert_eq!(fleet.posts() - 2 * PROCESSES, last);
    fleet.stop_traffic().await;
}
