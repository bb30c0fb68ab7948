//! The methods for a cache's owner.

use super::*;
use crate::token::{TokenEvent, TokenObserver};

#[tokio::test(start_paused = true)]
async fn a_token_can_be_asked_for_that_lasts() {
    let (cache, script) = Script::cache([]);
    let half_an_hour = Duration::from_secs(1800);
    assert_eq!(
        cache.token_valid_for(half_an_hour).await.unwrap().expose(),
        "token-1"
    );
    assert_eq!(
        cache.token_valid_for(half_an_hour).await.unwrap().expose(),
        "token-1"
    );
    assert_eq!(script.fetches(), 1, "one that lasts long enough is served");
    advance(DAY - Duration::from_secs(1200)).await;
    let waits = (0..100).map(|_| cache.token_valid_for(half_an_hour));
    for token in join_all(waits).await {
        assert_eq!(token.unwrap().expose(), "token-2");
    }
    assert_eq!(script.fetches(), 2, "one for all who ask");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_never_last_so_long_are_a_typed_error() {
    let (cache, script) = Script::cache(vec![Step::Token("short", DAY / 2); 10]);
    let error = cache.token_valid_for(DAY).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NotRenewable);
    assert!(script.fetches() <= 2, "{} fetches", script.fetches());
    assert_eq!(
        current(&cache).as_deref(),
        Some("short"),
        "it is good for others"
    );
}

/// A shared token may be old; the next one is fresh.
#[tokio::test(start_paused = true)]
async fn a_used_token_that_does_not_last_is_followed_by_one_more_and_no_third() {
    for (second, lasts) in [(DAY, true), (DAY / 50, false)] {
        let fetches = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&fetches);
        let cache = TokenCache::new(crate::token::source_fn(move |_| {
            let n = counted.fetch_add(1, Ordering::SeqCst);
            let left = if n == 0 { DAY / 50 } else { second };
            let issued = IssuedToken::new(format!("token-{n}"), DAY).with_remaining(left);
            async move { Ok::<_, TokenError>(issued) }
        }));
        let half_an_hour = Duration::from_secs(1800);
        let got = cache.token_valid_for(half_an_hour).await;
        assert_eq!(got.is_ok(), lasts, "{got:?}");
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
        let again = cache.token_valid_for(half_an_hour).await;
        assert_eq!(again.is_ok(), lasts, "{again:?}");
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_get_one_that_lasts_leaves_the_one_that_is_there() {
    let steps = [
        Step::After(Duration::ZERO),
        Step::Fail(TokenErrorKind::Denied),
    ];
    let (cache, script) = Script::cache(steps);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(1200)).await;
    let error = cache
        .token_valid_for(Duration::from_secs(1800))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::Denied);
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn warming_up_fails_early() {
    let (cache, script) = Script::cache([Step::Fail(TokenErrorKind::Denied)]);
    assert_eq!(
        cache.warm_up().await.unwrap_err().kind(),
        TokenErrorKind::Denied
    );
    let status = cache.status();
    assert!(!status.is_ready());
    assert_eq!(status.failures, 1);
    assert_eq!(status.last_error.unwrap().kind(), TokenErrorKind::Denied);
    advance(Duration::from_secs(5)).await;
    cache.warm_up().await.unwrap();
    cache.warm_up().await.unwrap();
    assert!(cache.status().is_ready());
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn kept_warm_a_token_is_renewed_while_nobody_calls_until_the_handle_is_dropped() {
    let (cache, script) = Script::cache([]);
    let warm = cache.keep_warm().unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(script.reasons(), [Reason::Missing]);
    sleep(3 * DAY).await;
    let fetches = script.fetches();
    assert!((4..=5).contains(&fetches), "{fetches} in three days");
    assert!(
        script.reasons()[1..]
            .iter()
            .all(|reason| *reason == Reason::Due)
    );
    drop(warm);
    sleep(3 * DAY).await;
    assert_eq!(script.fetches(), fetches);
}

#[tokio::test(start_paused = true)]
async fn kept_warm_a_failing_token_endpoint_is_left_alone_in_between() {
    let (cache, script) = Script::cache(vec![Step::Fail(TokenErrorKind::Denied); 4]);
    let warm = cache.keep_warm().unwrap();
    sleep(Duration::from_secs(5 + 10 + 20 + 39)).await;
    assert_eq!(script.fetches(), 4);
    sleep(Duration::from_secs(2)).await;
    assert!(cache.status().is_ready());
    drop(warm);
}

#[test]
fn keeping_warm_takes_a_runtime() {
    let (cache, _script) = Script::cache([]);
    assert_eq!(
        cache.keep_warm().unwrap_err().kind(),
        TokenErrorKind::NoRuntime
    );
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_renewal_under_way_and_whoever_waits_for_it() {
    let (cache, script) = Script::cache([Step::Never]);
    let waiting = tokio::spawn({
        let cache = cache.clone();
        async move { cache.token().await.map(drop) }
    });
    settle().await;
    let started = Instant::now();
    cache.close().await;
    assert_eq!(
        waiting.await.unwrap().unwrap_err().kind(),
        TokenErrorKind::Closed
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(
        Arc::strong_count(&script.fetches),
        2,
        "the task and its source are gone"
    );
    assert!(cache.status().closed);
}

#[tokio::test(start_paused = true)]
async fn a_token_from_elsewhere_is_served_until_it_is_due() {
    let (_, script) = Script::cache([]);
    let given = IssuedToken::new("given", DAY).with_remaining(Duration::from_secs(3600));
    let cache = TokenCache::builder(script.clone())
        .build_with_token(given)
        .unwrap();
    assert_eq!(current(&cache).as_deref(), Some("given"));
    advance(Duration::from_secs(3000)).await;
    current(&cache);
    settle().await;
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(script.reasons(), [Reason::Due]);

    for bad in [
        IssuedToken::new("a\nb", DAY),
        IssuedToken::new("t", DAY).with_remaining(Duration::ZERO),
    ] {
        let error = TokenCache::builder(script.clone())
            .build_with_token(bad)
            .unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::Malformed);
    }
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl TokenObserver for Log {
    fn on_event(&self, event: &TokenEvent<'_>) {
        let line = match event {
            TokenEvent::Started { reason } => format!("started {}", reason.as_str()),
            TokenEvent::Renewed { generation, .. } => format!("renewed {}", generation.get()),
            TokenEvent::Failed { error, .. } => format!("failed {}", error.kind().as_str()),
            TokenEvent::Abandoned { reason } => format!("abandoned {}", reason.as_str()),
            TokenEvent::Rejected { rejection, .. } => format!("rejected {rejection:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_each_step() {
    let (_, script) = Script::cache([Step::Fail(TokenErrorKind::Denied)]);
    let log = Arc::new(Log::default());
    let cache = TokenCache::builder(script.clone())
        .observer({
            let log = Arc::clone(&log);
            move |event: &TokenEvent<'_>| log.on_event(event)
        })
        .build();
    cache.token().await.unwrap_err();
    advance(Duration::from_secs(5)).await;
    let first = cache.token().await.unwrap().generation();
    cache.report_rejected(first);
    cache.token().await.unwrap();
    cache.report_rejected(first);
    script.steps.lock().unwrap().push_back(Step::Never);
    cache.invalidate();
    settle().await;
    cache.close().await;
    let expected = [
        "started missing",
        "failed denied",
        "started missing",
        "renewed 1",
        "started rejected",
        "rejected Renewing",
        "renewed 2",
        "rejected Superseded",
        "started forced",
        "abandoned forced",
    ];
    assert_eq!(*log.0.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn knobs_do_what_they_say() {
    let settings = CacheSettings::new()
        .with_renew_before(Duration::from_secs(3600))
        .without_jitter()
        .with_expiry_margin(Duration::from_secs(60))
        .with_damper(1, Duration::from_secs(30)..=Duration::from_secs(30))
        .with_denied_pause(Duration::from_secs(2)..=Duration::from_secs(2));
    let (_, script) = Script::cache([]);
    let cache = TokenCache::builder(script.clone())
        .settings(settings)
        .build();
    let first = cache.token().await.unwrap().generation();
    assert_eq!(
        cache.status().valid_for,
        Some(DAY - Duration::from_secs(60))
    );
    advance(DAY - Duration::from_secs(3601)).await;
    current(&cache);
    settle().await;
    assert_eq!(script.fetches(), 1, "not due yet");
    advance(Duration::from_secs(1)).await;
    current(&cache);
    settle().await;
    assert_eq!(script.fetches(), 2, "due");

    assert_eq!(cache.report_rejected(first), Rejection::Superseded);
    let second = cache.token().await.unwrap().generation();
    assert_eq!(cache.report_rejected(second), Rejection::Renewing);
    let third = cache.token().await.unwrap().generation();
    assert_eq!(
        cache.report_rejected(third),
        Rejection::Damped,
        "a burst of one"
    );
    advance(Duration::from_secs(30)).await;
    script
        .steps
        .lock()
        .unwrap()
        .push_back(Step::Fail(TokenErrorKind::Denied));
    cache.token().await.unwrap_err();
    advance(Duration::from_secs(2)).await;
    assert_eq!(cache.token().await.unwrap().expose(), "token-5");
}

#[tokio::test(start_paused = true)]
async fn asking_again_and_again_for_what_tokens_never_last_mints_none() {
    let (cache, script) = Script::cache([]);
    for _ in 0..50 {
        let error = cache.token_valid_for(DAY * 3).await.unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::NotRenewable);
    }
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_while_a_lasting_token_is_waited_for_says_so() {
    let steps = [Step::Token("short", DAY), Step::Never];
    let (cache, _script) = Script::cache(steps);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(900)).await;
    let lasting = cache.clone();
    let waiting =
        tokio::spawn(async move { lasting.token_valid_for(Duration::from_secs(5000)).await });
    settle().await;
    cache.close().await;
    assert_eq!(
        waiting.await.unwrap().unwrap_err().kind(),
        TokenErrorKind::Closed
    );
}

#[tokio::test(start_paused = true)]
async fn invalidating_again_and_again_is_limited_like_401s() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    for _ in 0..50 {
        cache.invalidate();
        settle().await;
        cache.token().await.unwrap();
    }
    assert_eq!(script.fetches(), 4, "the first, and a burst of three");
}

#[tokio::test(start_paused = true)]
async fn a_closed_cache_says_so_even_during_a_cooldown() {
    let (cache, _script) = Script::cache([Step::Fail(TokenErrorKind::Denied)]);
    cache.token().await.unwrap_err();
    cache.close().await;
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Closed
    );
}

#[tokio::test(start_paused = true)]
async fn kept_warm_an_expired_token_is_looked_at_seldom_and_a_closed_cache_never() {
    let wait = Duration::from_secs(3000);
    let steps = [
        Step::Token("short", Duration::from_secs(100)),
        Step::RetryAfter(wait),
    ];
    let (cache, _script) = Script::cache(steps);
    cache.token().await.unwrap();
    advance(Duration::from_secs(200)).await;
    cache.token().await.unwrap_err();
    let next = cache
        .shared
        .inspect(|machine, now| machine.looks_again_at(now));
    assert!(next.unwrap() >= Instant::now() + wait);

    let warm = cache.keep_warm().unwrap();
    settle().await;
    cache.close().await;
    sleep(Duration::from_secs(61)).await;
    assert!(warm.is_finished());
}

#[tokio::test(start_paused = true)]
async fn asking_for_what_tokens_never_last_keeps_no_renewal_from_being_made_ahead_of_time() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(600)).await;
    cache.token_valid_for(DAY * 3).await.unwrap_err();
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    settle().await;
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Due]);
}
