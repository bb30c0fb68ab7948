use std::time::Duration;

use tokio::time::sleep;
use tower_genesys::testing::{MockGenesys, TOKEN};

use crate::{
    process::Answer,
    setup::{Fleet, millis, seconds},
};

/// What a request to the token endpoint takes.
const POST: Duration = millis(400);

/// What a process may wait for the store, beside that request.
const MORE: Duration = millis(300);
/// Fifty processes on two cores wait for these as well. The store's share is
/// what the best start shows.
const STARTS: usize = 10;

/// From when a process was told to when it had its token.
fn slowest(answers: &[Answer]) -> Duration {
    let first = answers[0].token();
    assert!(answers.iter().all(|answer| answer.token() == first));
    answers.iter().map(|answer| answer.took).max().unwrap()
}

/// Whether the last of these starts shows that it can be done.
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
        // Nobody uses it meanwhile, so that nobody renews it ahead of time.
        sleep(seconds(4)).await;
        times.push(slowest(&fleet.all_get().await));
        assert_eq!(fleet.posts(), 1 + start);
        if is_in_time(&times) {
            return;
        }
    }
    panic!("50 processes were served within {times:?}");
}

#[tokio::test]
async fn requests_with_a_valid_token_ask_the_store_nothing() {
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
