use tokio::time::Instant;

use crate::{
    fixtures::real_time::pass,
    setup::{Fleet, seconds},
};

const PROCESSES: usize = 5;

/// Redis is down at the start, recovers, dies, and recovers again. There are
/// requests all the time, and none fails.
#[tokio::test]
async fn processes_work_without_redis_and_share_one_token_again_afterwards() {
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

    // Each needs another token, and requests none before ten seconds have
    // passed.
    fleet.mock.revoke_all();
    pass(seconds(9).saturating_sub(begun.elapsed())).await;
    assert_eq!(fleet.posts(), PROCESSES);
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2 * PROCESSES);

    fleet.redis.restart();
    let took = fleet.converge(seconds(30)).await;
    assert_eq!(
        fleet.posts(),
        2 * PROCESSES,
        "one of the tokens becomes the shared one"
    );

    fleet.redis.kill();
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2 * PROCESSES, "tokens outlive Redis");
    // Each process gets another token without the store.
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!(
        (fleet.tokens().await.len(), fleet.posts()),
        (PROCESSES, 3 * PROCESSES)
    );

    // Redis restarts without data, and one of the tokens becomes the shared
    // one.
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
