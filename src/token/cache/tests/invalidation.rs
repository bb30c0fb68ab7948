//! The owner's request for another token.

use super::*;

fn denied() -> Step {
    Step::Fail(TokenErrorKind::Denied)
}

fn token() -> Step {
    Step::After(Duration::ZERO)
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_given_up_is_served_until_the_new_one_is_there() {
    let slow = Step::After(Duration::from_secs(3));
    let (cache, script) = Script::cache([token(), slow]);
    let old = cache.token().await.unwrap().generation();
    assert_eq!(cache.invalidate(), Invalidation::Renewing);
    assert_eq!(cache.invalidate(), Invalidation::Renewing);
    for _ in 0..2 {
        settle().await;
        assert_eq!(script.fetches(), 2, "asked at once");
        assert_eq!(current(&cache).as_deref(), Some("token-1"));
        advance(Duration::from_secs(1)).await;
    }
    let new = cache.wait(old).await.unwrap();
    assert_eq!(new.expose(), "token-2");
    assert_eq!(current(&cache).as_deref(), Some("token-2"));
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Forced]);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_it_asks_at_once_and_does_not_say_that_there_is_a_newer_one() {
    let (cache, script) = Script::cache([denied()]);
    assert_eq!(cache.invalidate(), Invalidation::Renewing);
    settle().await;
    assert_eq!((script.fetches(), cache.status().failures), (1, 1));
    assert_eq!(
        cache.invalidate(),
        Invalidation::Renewing,
        "mended meanwhile"
    );
    settle().await;
    assert_eq!(script.fetches(), 2);
    assert_eq!(current(&cache).as_deref(), Some("token-2"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_during_a_cooldown_is_replaced_at_once() {
    let (cache, script) = Script::cache([token(), denied(), denied(), denied(), denied()]);
    let first = cache.token().await.unwrap().generation();
    cache.report_rejected(first);
    for seconds in [5, 10, 20] {
        settle().await;
        advance(Duration::from_secs(seconds)).await;
        current(&cache);
    }
    settle().await;
    assert_eq!(script.fetches(), 5);
    assert_eq!(cache.report_rejected(first), Rejection::Cooldown);
    // The secret is correct now. Without the call, the cache would ask after 40
    // seconds.
    assert_eq!(cache.invalidate(), Invalidation::Renewing);
    let begun = Instant::now();
    assert_eq!(cache.token().await.unwrap().expose(), "token-6");
    assert_eq!((script.fetches(), begun.elapsed()), (6, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_during_a_cooldown_is_replaced_at_once() {
    let (cache, script) = Script::cache([token(), denied()]);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(500)).await;
    current(&cache);
    settle().await;
    assert_eq!((script.fetches(), cache.status().failures), (2, 1));
    assert_eq!(cache.invalidate(), Invalidation::Renewing);
    settle().await;
    assert_eq!(current(&cache).as_deref(), Some("token-3"));
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_wants_to_be_left_alone_is_and_the_token_replaced_after_that() {
    let wait = Duration::from_secs(42);
    for held in [true, false] {
        let before = if held { vec![token()] } else { vec![] };
        let (cache, script) = Script::cache(before.into_iter().chain([Step::RetryAfter(wait)]));
        if held {
            cache.token().await.unwrap();
            cache.invalidate();
        } else {
            cache.token().await.unwrap_err();
        }
        settle().await;
        let fetches = script.fetches();
        let opens = cache.status().last_error.unwrap().retry_at().unwrap();
        assert_eq!(cache.invalidate(), Invalidation::Resting { until: opens });
        assert_eq!(current(&cache).is_some(), held);
        settle().await;
        assert_eq!(script.fetches(), fetches);
        sleep(opens - Instant::now()).await;
        while current(&cache).as_deref() == Some("token-1") {
            settle().await;
            sleep(Duration::from_secs(1)).await;
        }
        cache.token().await.unwrap();
        assert_eq!(script.fetches(), fetches + 1, "held: {held}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_it_is_damped_with_a_token_or_without_one() {
    for steps in [vec![], vec![denied(); 100]] {
        let fails = !steps.is_empty();
        let (cache, script) = Script::cache(steps);
        let begun = Instant::now();
        let mut damped = None;
        while damped.is_none() {
            if let Invalidation::Damped { until } = cache.invalidate() {
                damped = Some(until - begun);
            }
            settle().await;
        }
        assert_eq!(damped, Some(Duration::from_secs(10)), "fails: {fails}");
        assert_eq!(script.fetches(), 4, "the first, and a burst of three");
        for _ in 0..300 {
            cache.invalidate();
            settle().await;
            advance(Duration::from_secs(1)).await;
        }
        // After 10, 20, 40, 80 and 160 seconds.
        assert!(
            script.fetches() <= 9,
            "fails: {fails}, {}",
            script.fetches()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_wish_outlives_a_renewal_that_fails() {
    let down = Step::Fail(TokenErrorKind::Unavailable);
    let (cache, script) = Script::cache([token(), down]);
    cache.token().await.unwrap();
    cache.invalidate();
    settle().await;
    assert_eq!(cache.status().failures, 1);
    let mut seconds = 0;
    while current(&cache).as_deref() == Some("token-1") {
        settle().await;
        advance(Duration::from_secs(1)).await;
        seconds += 1;
    }
    assert_eq!(script.reasons()[1..], [Reason::Forced, Reason::Forced]);
    assert!(seconds <= 120, "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_no_reason_to_ask_for_ever() {
    let same = || Step::Token("same", DAY);
    let (cache, script) = Script::cache(vec![same(); 100]);
    cache.token().await.unwrap();
    cache.invalidate();
    for _ in 0..3600 {
        settle().await;
        assert_eq!(current(&cache).as_deref(), Some("same"));
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(script.fetches(), 2);
}

#[test]
fn outside_of_a_runtime_nothing_is_asked_and_the_next_caller_asks() {
    let (cache, script) = Script::cache([denied()]);
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    runtime().block_on(async { cache.token().await.unwrap_err() });
    assert_eq!(cache.invalidate(), Invalidation::NoRuntime);
    assert_eq!(script.fetches(), 1);
    let token = runtime().block_on(cache.token()).unwrap();
    assert_eq!(token.expose(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_closed_cache_says_so() {
    let (cache, script) = Script::cache([]);
    cache.close().await;
    assert_eq!(cache.invalidate(), Invalidation::Closed);
    assert_eq!(script.fetches(), 0);
}
