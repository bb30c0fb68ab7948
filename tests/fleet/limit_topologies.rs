//! A limit whose book is on Sentinels or on a cluster, while these fail over or
//! move the book.

use tokio::time::Instant;

use crate::{
    fixtures::real_time::pass,
    limit::{IN_FLIGHT, LIMIT, PROCESSES, Sends, mock, stop, wait_for_all},
    redis_server::{RedisCluster, RedisSentinels},
    setup::{Fleet, seconds},
    topologies::{Event, Kind, during, failover, fleet_on, promotion, reshard},
};

/// Processes that use up a limit without a burst.
async fn fleet(url: &str) -> Fleet {
    let mut fleet = fleet_on(mock(), url).await;
    fleet.settings = fleet.settings.with_limit(format!("{LIMIT} 0"));
    fleet.add(PROCESSES).await;
    // Some processes get their first slot, and with it the token, after
    // seconds.
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    // They send at the limit's pace by then.
    pass(seconds(2)).await;
    fleet
}

/// Expects that no call has failed, and that no span of time was ahead of the
/// limit's pace by more than a tenth of the limit. The promise for an outage is
/// 0.35 of it.
async fn assert_kept(mut fleet: Fleet, begun: Instant) {
    let took = begun.elapsed().as_secs_f64();
    stop(&mut fleet).await;
    let sends = Sends::of(&fleet).since(begun);
    let rate = sends.len() as f64 / took;
    let ahead = sends.ahead_of_pace();
    println!("{rate:.1} sends a second for {took:.1} seconds, ahead by {ahead:.1}");
    assert_eq!((sends.refused().len(), fleet.posts()), (0, 1));
    assert!(ahead <= 0.1 * f64::from(LIMIT), "{ahead}");
    assert!(rate >= 0.7 * f64::from(LIMIT) / 60.0, "{rate}");
}

/// Expects that the limit is kept while the event happens twice, there and
/// back. Each time, the processes send for three seconds at least.
async fn is_kept_through(url: &str, event: Event) {
    let fleet = fleet(url).await;
    let begun = Instant::now();
    let (event, ()) = during(event, pass(seconds(3))).await;
    // The event owns the servers, so it lives until the end.
    let (_event, ()) = during(event, pass(seconds(3))).await;
    assert_kept(fleet, begun).await;
}

#[tokio::test]
async fn a_failover_by_sentinels_overruns_no_limit() {
    let sentinels = RedisSentinels::start();
    let url = sentinels.url();
    is_kept_through(&url, failover(sentinels)).await;
}

#[tokio::test]
async fn a_move_of_the_book_overruns_no_limit() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    is_kept_through(&url, reshard(cluster, Kind::Book)).await;
}

#[tokio::test]
async fn a_replica_that_takes_over_a_book_overruns_no_limit() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    is_kept_through(&url, promotion(cluster, Kind::Book)).await;
}

#[tokio::test]
async fn a_primary_that_dies_with_a_book_overruns_no_limit() {
    let mut sentinels = RedisSentinels::start();
    let mut fleet = fleet(&sentinels.url()).await;
    let begun = Instant::now();
    sentinels.servers[0].kill();
    wait_for_all(&mut fleet, "limit:went_alone", seconds(5)).await;
    wait_for_all(&mut fleet, "limit:rejoined", seconds(15)).await;
    // Long enough to overrun the limit.
    pass(seconds(2)).await;
    assert_kept(fleet, begun).await;
}
