//! A fleet on Sentinels and on a cluster, while these fail over, move keys and
//! lose nodes.
//!
//! An event is a change of the servers. It is over when its function returns.

use tokio::task::spawn_blocking;
use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    process::Answer,
    redis_server::{
        Certificates, RedisCluster, RedisSentinels, RedisServer, SentinelOptions, wait_until,
    },
    setup::{Fleet, seconds},
};

const PROCESSES: usize = 5;
/// How many writes a failover may lose: one token, or one lease.
const LOST: usize = 1;

pub(crate) type Event = Box<dyn FnMut() + Send>;

/// Another server becomes the primary, in an orderly way.
pub(crate) fn failover(sentinels: RedisSentinels) -> Event {
    Box::new(move || {
        let now = sentinels.primary().expect("the Sentinels agree");
        // The previous failover may still be in progress.
        sentinels.wait_for_replica(1 - now);
        sentinels.fail_over();
        sentinels.wait_for_primary(1 - now);
    })
}

/// A key of the fleet's token, or of its book, and the node that serves it.
pub(crate) fn find(cluster: &RedisCluster, of: Kind) -> (String, usize) {
    let is_of = |name: &String| name.ends_with(":book") == (of == Kind::Book);
    let mut found = None;
    wait_until("a key", || {
        let mut all = cluster.nodes.iter().flat_map(RedisServer::keys);
        found = all.find(is_of);
        found.is_some()
    });
    let name = found.expect("the wait has ended");
    let owner = cluster.primary_of(&name);
    (name, owner)
}

/// The parts of the fleet in a store. Each has its own slot of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    Book,
}

/// A slot of the fleet moves to another node.
pub(crate) fn reshard(cluster: RedisCluster, of: Kind) -> Event {
    Box::new(move || {
        let (name, from) = find(&cluster, of);
        let (slot, to) = (cluster.slot_of(&name), cluster.other_primary(from));
        cluster.open_move(slot, from, to);
        cluster.move_keys(slot, from, to);
        cluster.close_move(slot, from, to);
    })
}

/// The replica of a node takes over, in an orderly way.
pub(crate) fn promotion(cluster: RedisCluster, of: Kind) -> Event {
    Box::new(move || {
        let (name, from) = find(&cluster, of);
        cluster.promote(RedisCluster::replica_of(from), &name);
    })
}

pub(crate) async fn fleet_on(mock: MockGenesys, url: &str) -> Fleet {
    let mut fleet = Fleet::over(mock, 0).await;
    fleet.settings = fleet.settings.with_redis(url);
    fleet
}

/// Has the event happen while `meanwhile` runs, and waits for both.
pub(crate) async fn during<T>(event: Event, meanwhile: impl Future<Output = T>) -> (Event, T) {
    let mut event = event;
    let happening = spawn_blocking(move || {
        event();
        event
    });
    let done = meanwhile.await;
    (happening.await.unwrap(), done)
}

/// Expects that the fleet survives the event during its start, a revocation, a
/// renewal, and after its leader was killed.
async fn lives_through(url: &str, event: Event) {
    let event = starts_and_revokes(url, event).await;
    let event = renews(url, event).await;
    let _event = loses_its_leader(url, event).await;
}

async fn starts_and_revokes(url: &str, event: Event) -> Event {
    let mut fleet = fleet_on(MockGenesys::new(), url).await;
    fleet.add(PROCESSES).await;
    let (event, _) = during(event, fleet.tokens()).await;
    fleet.converge(seconds(30)).await;
    let started = fleet.posts();
    assert!((1..=1 + LOST).contains(&started), "{started}");

    fleet.all("start").await;
    fleet.mock.revoke_all();
    let (event, _) = during(event, fleet.all_call()).await;
    fleet.converge(seconds(30)).await;
    let revoked = fleet.posts() - started;
    assert!((1..=1 + LOST).contains(&revoked), "{revoked}");

    // With a valid token, the processes do not depend on the servers.
    let before = fleet.posts();
    let (event, _) = during(event, fleet.all_call()).await;
    assert_eq!(fleet.posts(), before);
    fleet.stop_traffic().await;
    event
}

async fn renews(url: &str, event: Event) -> Event {
    let mock = MockGenesys::builder().token_lifetime(seconds(10)).build();
    mock.on(TOKEN).from(2).expires_in("86400");
    let mut fleet = fleet_on(mock, url).await;
    fleet.add(PROCESSES).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));
    let held = fleet.mock.hold(TOKEN);
    fleet.all("start").await;
    fleet.mock.wait_for(TOKEN, 2).await;
    // The event happens after the grant of the lease, and before the
    // publication.
    let (event, ()) = during(event, async {}).await;
    held.release();
    fleet.converge(seconds(30)).await;
    assert!(fleet.posts() <= 2 + LOST, "{}", fleet.posts());
    fleet.stop_traffic().await;
    assert_eq!(fleet.refusals(), 0);
    event
}

async fn loses_its_leader(url: &str, event: Event) -> Event {
    let mut fleet = fleet_on(MockGenesys::new(), url).await;
    fleet.settings = fleet.settings.with_lease(seconds(4));
    fleet.add(PROCESSES).await;
    let held = fleet.mock.hold(TOKEN);
    let waiting = fleet.kill_the_first_leader().await;
    let (event, ()) = during(event, async {}).await;
    held.release();
    for answer in waiting {
        Answer::parse(&answer.await).token();
    }
    fleet.converge(seconds(30)).await;
    let posts = fleet.posts();
    assert!((2..=2 + LOST).contains(&posts), "{posts}");
    event
}

/// Expects that a fleet keeps its token when the primary dies. Until the
/// replica takes over, each process gets its own token if it needs another one.
async fn survives(url: &str, crash: Event) {
    let mut fleet = fleet_on(MockGenesys::new(), url).await;
    fleet.add(PROCESSES).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));
    fleet.all("start").await;
    // The first call kills the primary, and the second one waits until the
    // replica has taken over.
    let (crash, ()) = during(crash, async {}).await;
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 1, "the token outlives its server");
    fleet.mock.revoke_all();
    fleet.all_call().await;
    let alone = fleet.posts() - 1;
    assert!((1..=PROCESSES).contains(&alone), "{alone}");

    // The event owns the servers, so it lives until the end.
    let (_crash, ()) = during(crash, async {}).await;
    let took = fleet.converge(seconds(40)).await;
    println!("{alone} requests without the store, one token after {took:?}");
    assert_eq!(fleet.posts(), 1 + alone, "convergence costs no request");
    fleet.mock.revoke_all();
    fleet.all_call().await;
    fleet.converge(seconds(30)).await;
    assert_eq!(fleet.posts(), 2 + alone);
    fleet.stop_traffic().await;
}

#[tokio::test]
async fn a_failover_by_sentinels_fails_no_request() {
    let sentinels = RedisSentinels::start();
    let url = sentinels.url();
    lives_through(&url, failover(sentinels)).await;
}

#[tokio::test]
async fn a_slot_that_moves_fails_no_request() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    lives_through(&url, reshard(cluster, Kind::Token)).await;
}

#[tokio::test]
async fn a_replica_of_a_cluster_that_takes_over_fails_no_request() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    lives_through(&url, promotion(cluster, Kind::Token)).await;
}

#[tokio::test]
async fn a_primary_of_sentinels_that_dies_fails_no_request() {
    let mut sentinels = RedisSentinels::start();
    let url = sentinels.url();
    let mut has_died = false;
    let crash = move || {
        if has_died {
            return sentinels.wait_for_primary(1);
        }
        sentinels.servers[0].kill();
        has_died = true;
    };
    survives(&url, Box::new(crash)).await;
}

#[tokio::test]
async fn a_primary_of_a_cluster_that_dies_fails_no_request() {
    let mut cluster = RedisCluster::start();
    let url = cluster.url();
    let mut died: Option<(String, usize)> = None;
    let crash = move || match &died {
        Some((name, at)) => cluster.wait_for_failover(name, *at),
        None => {
            let (name, at) = find(&cluster, Kind::Token);
            cluster.nodes[at].kill();
            died = Some((name, at));
        }
    };
    survives(&url, Box::new(crash)).await;
}

#[tokio::test]
async fn a_fleet_with_client_certificates_survives_a_failover() {
    let by = Certificates::new();
    let sentinels = RedisSentinels::start_with(&SentinelOptions {
        tls: Some(&by),
        ..SentinelOptions::default()
    });
    let cluster = RedisCluster::start_with_tls(&by);
    for (url, event) in [
        (sentinels.url(), failover(sentinels)),
        (cluster.url(), promotion(cluster, Kind::Token)),
    ] {
        let mut fleet = fleet_on(MockGenesys::new(), &url).await;
        fleet.settings = fleet.settings.with_certificates(&by);
        fleet.add(PROCESSES).await;
        assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));
        fleet.all("start").await;
        let (_event, _) = during(event, fleet.all_call()).await;
        assert_eq!(fleet.posts(), 1);
        fleet.mock.revoke_all();
        fleet.all_call().await;
        fleet.converge(seconds(30)).await;
        assert_eq!(fleet.posts(), 2);
        fleet.stop_traffic().await;
    }
}
