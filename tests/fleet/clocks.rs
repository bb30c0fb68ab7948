use tokio::time::sleep;
use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    process::Process,
    setup::{Fleet, millis, seconds},
};

#[tokio::test]
async fn processes_whose_clocks_differ_renew_once_and_use_nothing_that_has_expired() {
    let mock = MockGenesys::builder()
        .token_lifetime(seconds(8))
        .keep_requests(10_000)
        .build();
    let mut fleet = Fleet::over(mock, 1).await;
    for difference in ["+300s", "-300s"] {
        let process = Process::start_with_clock(difference, &fleet.settings);
        fleet.processes.push(process.await);
    }
    fleet.all("start").await;
    sleep(seconds(4)).await;
    // The rest of a life is told right, too.
    let late = Process::start_with_clock("+300s", &fleet.settings);
    fleet.processes.push(late.await);
    fleet.processes[3].ask("start").await;
    sleep(seconds(10)).await;
    fleet.stop_traffic().await;
    assert_eq!(fleet.refusals(), 0);
    fleet.converge(millis(1500)).await;
    // One at the start, and one after 5 to 6 of 8 seconds each.
    let posts = fleet.mock.requests_at(TOKEN);
    assert!(posts.len() >= 3, "{}", posts.len());
    for (post, next) in posts.iter().zip(&posts[1..]) {
        let between = next.arrived() - post.arrived();
        assert!(between >= seconds(4), "{between:?}");
    }
    // What `faketime` keeps beside them is gone when they end by themselves.
    for process in fleet.processes {
        process.end().await;
    }
}
