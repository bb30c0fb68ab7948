//! A failing token endpoint.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_keeps_a_valid_token_and_tries_at_most_eight_times_in_five_minutes() {
    let failures = vec![Step::Fail(TokenErrorKind::Unavailable); 100];
    let (cache, script) = Script::cache([Step::After(Duration::ZERO)].into_iter().chain(failures));
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(599)).await;
    for _ in 0..300 {
        assert_eq!(current(&cache).as_deref(), Some("token-1"));
        settle().await;
        advance(Duration::from_secs(1)).await;
    }
    let attempts = script.fetches() - 1;
    assert!(
        (2..=8).contains(&attempts),
        "{attempts} attempts in five minutes"
    );
    assert!(cache.status().last_error.is_some());
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_failing_endpoint_is_asked_at_most_24_times_in_five_minutes() {
    use TokenErrorKind as Kind;
    let failing = [
        Kind::Unavailable,
        Kind::Transport,
        Kind::TimedOut,
        Kind::Malformed,
    ];
    for steps in [
        vec![Step::Fail(Kind::Unavailable)],
        failing.map(Step::Fail).to_vec(),
        vec![Step::Fail(Kind::Denied), Step::Fail(Kind::Unavailable)],
        vec![Step::Fail(Kind::Throttled)],
        vec![Step::RetryAfter(Duration::ZERO)],
        vec![Step::RetryAfter(Duration::from_secs(1))],
    ] {
        let name = format!("{steps:?}");
        let (cache, script) = Script::cache(steps.into_iter().cycle().take(1000));
        let begun = Instant::now();
        cache.token().await.unwrap_err();
        assert!(begun.elapsed() <= Duration::from_millis(750), "{name}");
        while begun.elapsed() < Duration::from_secs(300) {
            cache.token().await.unwrap_err();
            advance(Duration::from_millis(50)).await;
        }
        let fetches = script.fetches();
        assert!((8..=24).contains(&fetches), "{name}: {fetches}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_each_renewal_is_one_request() {
    let (cache, script) = Script::cache(vec![Step::Fail(TokenErrorKind::Unavailable); 5]);
    for requests in [3, 1, 1] {
        let before = script.fetches();
        cache.token().await.unwrap_err();
        assert_eq!(script.fetches() - before, requests);
        advance(Duration::from_secs(60)).await;
    }
    cache.token().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn failure_is_shared_and_made_of_at_most_three_requests() {
    let (cache, script) = Script::cache(vec![Step::Fail(TokenErrorKind::Unavailable); 3]);
    assert_eq!(
        kinds(&cache, 1000).await,
        vec![Some(TokenErrorKind::Unavailable); 1000]
    );
    assert_eq!(script.fetches(), 3);
    sleep(Duration::from_millis(250)).await;
    assert_eq!(
        cache.token().await.unwrap().expose(),
        "token-4",
        "the cooldown ends"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_asked_once_and_left_alone_for_five_seconds() {
    let (cache, script) = Script::cache([Step::Fail(TokenErrorKind::Denied)]);
    assert_eq!(
        kinds(&cache, 1000).await,
        vec![Some(TokenErrorKind::Denied); 1000]
    );
    advance(Duration::from_millis(4999)).await;
    let error = cache.token().await.unwrap_err();
    assert_eq!(
        error.retry_at(),
        Some(Instant::now() + Duration::from_millis(1))
    );
    assert_eq!(script.fetches(), 1);
    advance(Duration::from_millis(1)).await;
    assert_eq!(
        cache.token().await.unwrap().expose(),
        "token-2",
        "a rotated secret heals it"
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_while_a_valid_token_is_served() {
    let wait = Duration::from_secs(42);
    let (cache, script) = Script::cache([Step::After(Duration::ZERO), Step::RetryAfter(wait)]);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(300)).await;
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    settle().await;
    let until = Instant::now() + wait;
    while Instant::now() < until {
        assert_eq!(current(&cache).as_deref(), Some("token-1"));
        settle().await;
        assert_eq!(script.fetches(), 2);
        advance(Duration::from_millis(500)).await;
    }
    // Background renewals pause longer.
    advance(Duration::from_secs(120)).await;
    current(&cache);
    settle().await;
    assert_eq!(current(&cache).as_deref(), Some("token-3"));
    assert_eq!(script.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answers_fails_all_within_fifteen_seconds() {
    let (cache, script) = Script::cache(vec![Step::Never; 2]);
    let started = Instant::now();
    assert_eq!(
        kinds(&cache, 1000).await,
        vec![Some(TokenErrorKind::TimedOut); 1000]
    );
    assert!(
        started.elapsed() <= Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(script.fetches(), 2, "two attempts of eight seconds fit in");
    let next = Instant::now();
    let _ = cache.token().await;
    assert!(
        next.elapsed() < Duration::from_secs(1),
        "the next caller does not queue behind it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_for_all_who_wait() {
    let (cache, script) = Script::cache([Step::Panic]);
    assert_eq!(
        kinds(&cache, 100).await,
        vec![Some(TokenErrorKind::Panicked); 100]
    );
    sleep(Duration::from_millis(250)).await;
    cache.token().await.unwrap();
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_success_forgets_the_failures_before_it() {
    let denied = || Step::Fail(TokenErrorKind::Denied);
    let steps = [denied(), denied(), Step::After(Duration::ZERO), denied()];
    let (cache, script) = Script::cache(steps);
    for seconds in [5, 10] {
        cache.token().await.unwrap_err();
        advance(Duration::from_secs(seconds)).await;
    }
    cache.token().await.unwrap();
    let status = cache.status();
    assert_eq!((status.failures, status.last_error.is_none()), (0, true));
    advance(DAY).await;
    let error = cache.token().await.unwrap_err();
    assert_eq!(
        error.retry_at(),
        Some(Instant::now() + Duration::from_secs(5))
    );
    assert_eq!(script.fetches(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_repeated_is_tried_once_with_all_the_time_there_is() {
    struct Once(Script);

    impl TokenSource for Once {
        async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
            self.0.fetch(cx).await
        }

        fn is_repeatable(&self) -> bool {
            false
        }
    }

    let slow = || Step::After(Duration::from_secs(10));
    let (_, script) = Script::cache([slow(), Step::Fail(TokenErrorKind::Transport)]);
    let cache = TokenCache::new(Once(script.clone()));
    assert_eq!(cache.token().await.unwrap().expose(), "token-1");
    advance(DAY).await;
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Transport
    );
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_be_left_alone_ends_the_renewal_whatever_the_status() {
    struct Busy(Script);

    impl TokenSource for Busy {
        async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
            let error = self.0.fetch(cx).await.unwrap_err();
            Err(error.with_retry_after(Duration::from_secs(600)))
        }
    }

    let (_, script) = Script::cache(vec![Step::Fail(TokenErrorKind::Unavailable); 3]);
    let cache = TokenCache::new(Busy(script.clone()));
    cache.token().await.unwrap_err();
    assert_eq!(script.fetches(), 1);
    let until = cache.status().last_error.unwrap().retry_at().unwrap();
    assert_eq!(cache.invalidate(), Invalidation::Resting { until });
}

#[tokio::test(start_paused = true)]
async fn a_slow_waiter_gets_the_token_that_came_after_the_failure() {
    let (cache, _script) = Script::cache([Step::Fail(TokenErrorKind::Denied)]);
    let mut slow = Box::pin(cache.token());
    assert!(poll_immediate(&mut slow).await.is_none());
    settle().await;
    advance(Duration::from_secs(30)).await;
    cache.token().await.unwrap();
    assert_eq!(slow.await.unwrap().expose(), "token-2");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_where_it_names_its_host_is_an_error_too() {
    struct Nameless;

    impl TokenSource for Nameless {
        async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
            Ok(IssuedToken::new("t", DAY))
        }

        fn login_host(&self) -> Option<&str> {
            panic!("scripted")
        }
    }

    let cache = TokenCache::new(Nameless);
    assert_eq!(
        kinds(&cache, 10).await,
        vec![Some(TokenErrorKind::Panicked); 10]
    );
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_fails_one_caller_and_nobody_else() {
    let (_, script) = Script::cache([]);
    let first = std::sync::atomic::AtomicBool::new(true);
    let observer = move |_: &crate::token::TokenEvent<'_>| {
        assert!(!first.swap(false, Ordering::SeqCst), "scripted");
    };
    let cache = TokenCache::builder(script.clone())
        .observer(observer)
        .build();
    let started = Instant::now();
    let caller = cache.clone();
    assert!(
        tokio::spawn(async move { caller.token().await })
            .await
            .is_err()
    );
    let error = cache.token().await.unwrap_err();
    assert_eq!(
        (error.kind(), started.elapsed()),
        (TokenErrorKind::Panicked, Duration::ZERO)
    );
    sleep(Duration::from_millis(250)).await;
    cache.token().await.unwrap();
}

#[tokio::test]
async fn a_deadline_of_nothing_is_raised_to_a_tenth_of_a_second() {
    tokio::time::pause();
    let (_, script) = Script::cache(vec![Step::Never; 10]);
    let settings = CacheSettings::new().with_deadline(Duration::ZERO);
    let cache = TokenCache::builder(script.clone())
        .settings(settings)
        .build();
    assert_eq!(
        kinds(&cache, 10).await,
        vec![Some(TokenErrorKind::TimedOut); 10]
    );
    assert_eq!(script.fetches(), 1);
}
