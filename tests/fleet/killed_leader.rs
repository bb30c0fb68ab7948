use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    process::Answer,
    setup::{Fleet, millis, seconds},
};

/// Kills the process with the lease in the middle of its request, while all
/// wait for their first token.
async fn takes_over_after(lease: Option<Duration>) {
    let mut fleet = Fleet::of(0).await;
    if let Some(lease) = lease {
        fleet.settings = fleet.settings.with_lease(lease);
    }
    fleet.add(5).await;
    let lease = fleet.settings.lease;

    let held = fleet.mock.hold(TOKEN);
    let waiting = fleet.kill_the_first_leader().await;
    let killed = Instant::now();
    held.release();

    let answers = join_all(waiting).await;
    let tokens = answers
        .iter()
        .map(|answer| Answer::parse(answer).token().to_owned());
    let tokens: Vec<_> = tokens.collect();
    let took = killed.elapsed();
    assert!(took <= lease + seconds(1), "{took:?}");
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(fleet.posts(), 2, "the lost request, and one more");
    let mut leaders = 0;
    for process in &mut fleet.processes {
        leaders += usize::from(process.has_led().await);
    }
    assert_eq!(leaders, 1);
}

#[tokio::test]
async fn one_other_takes_over_from_a_killed_leader() {
    takes_over_after(Some(seconds(2))).await;
}

#[tokio::test]
async fn with_the_default_lease_no_process_fails_either() {
    takes_over_after(None).await;
}

#[tokio::test]
async fn a_killed_leader_delays_no_process_while_the_token_is_valid() {
    let mock = MockGenesys::builder().token_lifetime(seconds(10)).build();
    mock.on(TOKEN).from(3).expires_in("86400");
    let mut fleet = Fleet::over(mock, 0).await;
    fleet.settings = fleet.settings.with_lease(seconds(1));
    fleet.add(5).await;
    assert_eq!(fleet.tokens().await.len(), 1);
    let first = fleet.leader().await;

    // The token is due after three quarters of its lifetime at the latest, and
    // valid for longer.
    let held = fleet.mock.hold(TOKEN);
    fleet.all("start").await;
    fleet.mock.wait_for(TOKEN, 2).await;
    let mut leader = first;
    for at in 0..fleet.processes.len() {
        if fleet.processes[at].fences().await.len() > usize::from(at == first) {
            leader = at;
        }
    }
    fleet.processes.remove(leader).kill().await;
    held.release();
    fleet.mock.wait_for(TOKEN, 3).await;
    // After that, no request of the traffic waits for a token.
    fleet.converge(seconds(2)).await;
    for process in &mut fleet.processes {
        let (made, slowest) = process.stop_traffic().await;
        assert!(made > 50, "{made}");
        assert!(slowest < millis(500), "{slowest:?}");
    }
    assert_eq!((fleet.posts(), fleet.refusals()), (3, 0));
}
