use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    fixtures::real_time::pass,
    process::Process,
    setup::{Fleet, millis, seconds},
};

#[tokio::test]
async fn processes_with_different_clocks_renew_once_and_use_no_expired_token() {
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
    // A process that starts late in a token's lifetime learns the rest of it.
    pass(seconds(4)).await;
    let late = Process::start_with_clock("+300s", &fleet.settings);
    fleet.processes.push(late.await);
    fleet.processes[3].ask("start").await;
    fleet.mock.wait_for(TOKEN, 3).await;
    fleet.converge(millis(1500)).await;
    fleet.stop_traffic().await;
    assert_eq!(fleet.refusals(), 0);
    // One at the start, and the others 5 to 6 of 8 seconds after each other.
    let posts = fleet.mock.requests_at(TOKEN);
    assert_eq!(posts.len(), 3);
    for (post, next) in posts.iter().zip(&posts[1..]) {
        let between = next.arrived() - post.arrived();
        assert!(between >= seconds(4), "{between:?}");
    }
    // Processes that end by themselves have `faketime` remove its files.
    for process in fleet.processes {
        process.end().await;
    }
}
