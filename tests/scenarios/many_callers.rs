use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::join_all;
use tower_genesys::testing::{ANY_API, TOKEN, USERS as USERS_ROUTE};

use crate::setup::{TOKENS_ME, USERS, after, setup};

#[tokio::test(start_paused = true)]
async fn a_thousand_first_requests_make_one_token_post() {
    let setup = setup();
    setup.mock.on(TOKEN).delay(Duration::from_millis(80));
    let statuses = join_all((0..1000).map(|_| setup.status(USERS))).await;
    assert!(
        statuses
            .into_iter()
            .all(|status| status.is_ok_and(|status| status == 200))
    );
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.api_calls()),
        (1, 1000)
    );
}

/// Sends `n` requests over the time `spread`, with a token that is revoked
/// while they are in flight, twice.
async fn storm(n: u32, spread: Duration) {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    setup.mock.on(USERS_ROUTE).delay(Duration::from_millis(200));
    for round in 1..=2 {
        let calls = (0..n).map(|k| {
            let setup = setup.clone();
            async move {
                after(spread * k / n).await;
                setup.status(USERS).await
            }
        });
        let calls = tokio::spawn(join_all(calls));
        after(Duration::from_millis(180)).await;
        setup.mock.revoke_all();
        let statuses = calls.await.expect("no panic");
        assert!(
            statuses
                .into_iter()
                .all(|status| status.is_ok_and(|status| status == 200))
        );
        assert_eq!(
            setup.mock.token_posts(),
            1 + round,
            "one for each revocation"
        );
    }
    // In both rounds, each request is sent and replayed once.
    assert_eq!(setup.mock.api_calls(), 4 * n as usize);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_simultaneous_401s_make_one_token_post_for_each_revocation() {
    storm(1000, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_401s_spread_over_time_make_one_token_post_for_each_revocation() {
    storm(1000, Duration::from_millis(150)).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_401_for_a_replaced_token_makes_no_post() {
    let setup = setup();
    setup.org.tokens().warm_up().await.expect("a token");
    let held = setup.mock.hold(USERS_ROUTE);
    let late = tokio::spawn({
        let setup = setup.clone();
        async move { setup.status(USERS).await }
    });
    setup.mock.wait_for(USERS_ROUTE, 1).await;
    setup.mock.revoke_all();
    assert_eq!(setup.status(TOKENS_ME).await.expect("no error"), 200);
    assert_eq!(setup.mock.token_posts(), 2);
    held.release();
    assert_eq!(late.await.expect("no panic").expect("no error"), 200);
    assert_eq!(setup.mock.token_posts(), 2, "its token was replaced before");
    assert_eq!(setup.mock.count(USERS_ROUTE), 2, "one replay");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_survives_its_first_caller_dropped_at_any_poll() {
    for polls in 0..6 {
        let setup = setup();
        setup.mock.on(TOKEN).delay(Duration::from_millis(50));
        {
            let mut first = pin!(setup.status(USERS));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if first.as_mut().poll(&mut cx).is_ready() {
                    break;
                }
                after(Duration::from_millis(10)).await;
            }
        }
        let others = join_all((0..50).map(|_| setup.status(USERS))).await;
        assert!(
            others
                .into_iter()
                .all(|status| status.is_ok_and(|status| status == 200))
        );
        assert_eq!(setup.mock.token_posts(), 1, "dropped after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_completes_after_all_its_callers_are_dropped() {
    let setup = setup();
    setup.mock.on(TOKEN).delay(Duration::from_millis(50));
    {
        let mut all: Vec<_> = (0..50).map(|_| Box::pin(setup.status(USERS))).collect();
        let mut cx = Context::from_waker(Waker::noop());
        for call in &mut all {
            assert!(matches!(call.as_mut().poll(&mut cx), Poll::Pending));
        }
    }
    after(Duration::from_millis(60)).await;
    assert!(setup.org.tokens().status().is_ready());
    assert_eq!(
        (setup.mock.token_posts(), setup.mock.count(ANY_API)),
        (1, 0)
    );
}
