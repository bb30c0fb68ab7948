//! A limit that cannot be kept is an error when the organisation is built.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use tokio::time::{Instant, sleep};
use tower_genesys::{
    genesys::ConfigErrorKind,
    retry::Upstream,
    store::{Limit, MemoryStore},
    testing::{MockGenesys, USERS},
};

use crate::setup::*;

#[test]
fn a_limit_that_cannot_be_kept_is_a_typed_error_that_names_the_setting() {
    let mock = MockGenesys::new();
    for (limit, named) in [
        (Limit::per_minute(0), "Limit::learned"),
        (Limit::per_minute(100_001), "100000"),
        (Limit::per_minute(300).with_burst(1.01), "with_burst"),
        (Limit::per_minute(300).with_burst(-0.1), "with_burst"),
        (Limit::learned().with_burst(f64::NAN), "with_burst"),
    ] {
        for org in [
            builder(&mock).process_limit(limit.clone()),
            builder(&mock).shared_limit(limit.clone(), MemoryStore::new()),
        ] {
            let error = org
                .build::<Full<Bytes>>(mock.service())
                .expect_err("refused");
            assert_eq!(error.kind(), ConfigErrorKind::Limit);
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

/// Two processes, each with its own token, whose builder had both limits.
#[tokio::test(start_paused = true)]
async fn the_limit_that_was_set_last_counts() {
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let slow = Limit::per_minute(60).with_burst(0.0);
    let fast = Limit::per_minute(6000);

    let shared = || {
        let builder = builder(&mock).process_limit(fast.clone());
        let builder = builder.shared_limit(slow.clone(), Arc::new(store.clone()));
        Process::over(&mock, builder.build::<Body>(mock.service()))
    };
    let (one, other) = (shared(), shared());
    let begun = Instant::now();
    let bursts = [one.burst(2, StatusCode::OK), other.burst(2, StatusCode::OK)];
    assert_eq!(futures_util::future::join_all(bursts).await, [2, 2]);
    // Four slots of one book, in which one minute has 61 seconds.
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(mock.token_posts(), 2);

    let before = operations(&store);
    let alone = builder(&mock)
        .shared_limit(slow.clone(), store.clone())
        .process_limit(fast);
    let alone = Process::over(&mock, alone.build::<Body>(mock.service()));
    let begun = Instant::now();
    assert_eq!(alone.burst(4, StatusCode::OK).await, 4);
    assert_eq!(begun.elapsed().as_secs(), 0);
    assert_eq!(operations(&store), before);
}

/// Each has its own token, and the API counts requests per token.
#[tokio::test(start_paused = true)]
async fn each_organisation_of_one_builder_keeps_the_limit_by_itself() {
    let mock = MockGenesys::new();
    let upstream = Upstream::new();
    let builder = builder(&mock)
        .upstream(upstream.clone())
        .process_limit(Limit::per_minute(60).with_burst(0.0));
    let build = || Process::over(&mock, builder.clone().build::<Body>(mock.service()));
    let (one, other) = (build(), build());
    let begun = Instant::now();
    let bursts = [one.burst(2, StatusCode::OK), other.burst(2, StatusCode::OK)];
    assert_eq!(futures_util::future::join_all(bursts).await, [2, 2]);
    assert_eq!(begun.elapsed().as_secs(), 1);

    mock.on(USERS).nth(5).reply_429(seconds(30));
    let (throttled, free) = tokio::join!(one.get(USERS_PATH), async {
        sleep(seconds(5)).await;
        let begun = Instant::now();
        let response = other.get(USERS_PATH).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        response
    });
    assert_eq!(
        (throttled.status(), free.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(mock.count(USERS), 7);
}
