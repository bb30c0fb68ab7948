use std::time::Duration;

use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    fixtures::real_time::wait_until,
    process::Answer,
    setup::{Fleet, millis, seconds},
};

/// The duration of a token request.
const POST: Duration = millis(400);

/// How long a process may wait for the store, in addition to that request.
const MORE: Duration = millis(300);
/// Fifty processes on two cores also wait for a core. So the best of these
/// starts counts.
const STARTS: usize = 10;

/// The longest time that a process took to get its token.
fn slowest(answers: &[Answer]) -> Duration {
    let first = answers[0].token();
    assert!(answers.iter().all(|answer| answer.token() == first));
    answers.iter().map(|answer| answer.took).max().unwrap()
}

/// Whether the last of these starts was fast enough.
fn is_in_time(times: &[Duration]) -> bool {
    let last = *times.last().unwrap();
    assert!(last >= POST, "{times:?}");
    last <= POST + MORE
}

#[tokio::test]
async fn fifty_processes_that_start_cold_make_one_request_and_wait_little_longer_than_it_takes() {
    let mut fleet = Fleet::of(50).await;
    fleet.mock.on(TOKEN).delay(POST);
    let mut times = Vec::new();
    for start in 1..=STARTS {
        fleet.all(&format!("open {start}")).await;
        times.push(slowest(&fleet.all_get().await));
        assert_eq!(fleet.posts(), start);
        if is_in_time(&times) {
            return;
        }
    }
    panic!("50 processes were served within {times:?}");
}

#[tokio::test]
async fn fifty_processes_whose_token_expires_together_make_one_request() {
    let mock = MockGenesys::builder().token_lifetime(seconds(4)).build();
    let mut fleet = Fleet::over(mock, 50).await;
    let mut times = Vec::new();
    fleet.mock.on(TOKEN).delay(POST);
    fleet.all_get().await;
    for start in 1..=STARTS {
        // No process uses the token meanwhile, so none renews it ahead of time.
        wait_until("the token expires", async || fleet.mock.live_tokens() == 0).await;
        times.push(slowest(&fleet.all_get().await));
        assert_eq!(fleet.posts(), 1 + start);
        if is_in_time(&times) {
            return;
        }
    }
    panic!("50 processes were served within {times:?}");
}

#[tokio::test]
async fn requests_with_a_valid_token_do_not_ask_the_store() {
    let mut fleet = Fleet::of(3).await;
    fleet.all_call().await;
    let asked = |fleet: &Fleet| fleet.redis.calls("eval") + fleet.redis.calls("evalsha");
    let before = asked(&fleet);
    assert!(before >= 4, "a lease, a publication, two others: {before}");
    for _ in 0..20 {
        fleet.all_call().await;
    }
    assert_eq!((asked(&fleet), fleet.posts()), (before, 1));
}
