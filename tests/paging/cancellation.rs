use futures_util::{FutureExt, StreamExt};
use serde_json::Value;
use tower_genesys::{
    genesys::paging::{PagedRequest, Pages},
    testing::{DETAILS_JOB, DETAILS_QUERY, USERS as USERS_ROUTE},
};

use crate::setup::{SECOND, Setup, USERS, all, id, setup};

/// Polls a stream `times` times, a second apart. Returns the rows that came,
/// and whether the stream ended.
async fn polled(pages: &mut Pages<Value>, times: usize) -> (Vec<String>, bool) {
    let mut rows = Vec::new();
    for _ in 0..times {
        match pages.next().now_or_never() {
            Some(Some(page)) => rows.extend(page.unwrap().rows.iter().map(id)),
            Some(None) => return (rows, true),
            None => tokio::time::advance(SECOND).await,
        }
    }
    (rows, false)
}

fn troubled() -> Setup {
    let setup = setup(|mock| mock.conversations(70).users(70).latency(SECOND));
    setup.on(DETAILS_QUERY, 3).revoke_token();
    setup.on(USERS_ROUTE, 3).reply_429(SECOND * 3);
    setup.on(DETAILS_JOB, 2).reply_503();
    setup
}

/// Starts one kind of paging.
type Way = fn(&Setup) -> PagedRequest;

#[tokio::test(start_paused = true)]
async fn a_stream_dropped_at_any_await_loses_at_most_the_page_in_flight() {
    fastrand::seed(1);
    let ways: [(Way, usize); 4] = [
        (|setup| setup.query(), 16),
        (|setup| setup.query().with_read_ahead(2), 16),
        (|setup| setup.linked(USERS), 17),
        (|setup| setup.job(), 29),
    ];
    for (way, most) in ways {
        let way = |setup: &Setup| way(setup).with_page_size(20);
        let expected = all(way(&troubled())).await;
        for polls in 0.. {
            let setup = troubled();
            let mut pages = way(&setup).pages();
            let (mut rows, ended) = polled(&mut pages, polls).await;
            let checkpoint = pages.checkpoint().clone();
            drop(pages);
            let before = setup.mock.api_calls();
            tokio::time::sleep(SECOND * 600).await;
            assert_eq!(
                setup.mock.api_calls(),
                before,
                "a dropped stream sends nothing"
            );
            rows.extend(all(way(&setup).resume(checkpoint)).await);
            assert_eq!(rows, expected, "{polls}");
            if ended {
                assert_eq!(polls, most, "the stream was dropped at each wait");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_next_loses_nothing() {
    let setup = setup(|mock| mock.conversations(250).latency(SECOND));
    let mut pages = setup.query().pages::<Value>();
    let mut rows = 0;
    let mut dropped = 0;
    loop {
        let patience = tokio::time::timeout(SECOND / 4, pages.next());
        match patience.await {
            Ok(Some(page)) => rows += page.unwrap().rows.len(),
            Ok(None) => break,
            Err(_) => dropped += 1,
        }
    }
    assert_eq!((rows, setup.mock.count(DETAILS_QUERY)), (250, 3));
    // Four seconds of latency, less the quarters in which a response came.
    assert_eq!(dropped, 13);
}
