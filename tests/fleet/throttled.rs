use std::time::Duration;

use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::setup::{Fleet, seconds};

/// Expects that ten processes which start while the token endpoint throttles
/// send no second request during the pause.
async fn leaves_alone(mock: MockGenesys, pause: Duration) {
    let mut fleet = Fleet::over(mock, 10).await;
    let (failed, served): (Vec<_>, Vec<_>) =
        { fleet.all_get().await.into_iter() }.partition(|answer| answer.tag == "error");
    // The process that was throttled returns the error at once. The others
    // wait.
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].text.starts_with("Throttled"), "{failed:?}");
    assert!(served.iter().all(|got| got.token() == served[0].token()));
    let posts = fleet.mock.requests_at(TOKEN);
    assert_eq!((posts.len(), fleet.posts()), (2, 2));
    let between = posts[1].arrived() - posts[0].arrived();
    assert!(
        between >= pause && between < pause + seconds(3),
        "{between:?}"
    );
}

#[tokio::test]
async fn a_pause_that_one_process_is_told_holds_for_all() {
    let stated = MockGenesys::new();
    stated.on(TOKEN).nth(1).reply_429(seconds(4));
    let unstated = MockGenesys::new();
    unstated.on(TOKEN).nth(1).throttle_400();
    tokio::join!(
        leaves_alone(stated, seconds(4)),
        leaves_alone(unstated, seconds(10)),
    );
}

/// The pause is longer than any caller waits. The error says when it ends, and
/// the fleet sends no request.
#[tokio::test]
async fn a_pause_beyond_the_deadline_is_an_error_for_all() {
    let mut fleet = Fleet::of(10).await;
    fleet.mock.on(TOKEN).nth(1).reply_429(seconds(60));
    for _ in 0..2 {
        for answer in fleet.all_get().await {
            assert_eq!(answer.tag, "error");
            assert!(answer.text.starts_with("Throttled"), "{answer:?}");
        }
        assert_eq!(fleet.posts(), 1);
    }
    fleet.add(1).await;
    let late = fleet.processes[10].get().await;
    assert!(late.text.starts_with("Throttled"), "{late:?}");
    assert_eq!(fleet.posts(), 1);
}
