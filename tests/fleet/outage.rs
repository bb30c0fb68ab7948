use tokio::time::{Instant, sleep};

use crate::setup::{Fleet, seconds};

const PROCESSES: usize = 5;

/// Down at the start, back, down in the middle, back: with requests all the
/// time, of which none fails.
#[tokio::test]
async fn processes_go_on_without_redis_and_come_together_again() {
    let mut fleet = Fleet::of(0).await;
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
    // Those who need another one get it alone, and need none of the store.
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!(
        (fleet.tokens().await.len(), fleet.posts()),
        (PROCESSES, 3 * PROCESSES)
    );

    // It has forgotten everything, and the token of one becomes that of all.
    fleet.redis.restart();
    let again = fleet.converge(seconds(30)).await;
    println!("together after {took:?} and {again:?}");
    assert_eq!(fleet.posts(), 3 * PROCESSES);
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!(
        (fleet.tokens().await.len(), fleet.posts()),
        (1, 3 * PROCESSES + 1)
    );
    fleet.stop_traffic().await;
}
