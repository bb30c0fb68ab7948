//! The token that callers get, by its age.

use super::*;

#[tokio::test(start_paused = true)]
async fn thousand_first_callers_share_one_fetch() {
    let (cache, script) = Script::cache([Step::After(Duration::from_millis(80))]);
    assert_eq!(
        script.fetches(),
        0,
        "nothing happens until a token is asked for"
    );
    assert_eq!(kinds(&cache, 1000).await, vec![None; 1000]);
    assert_eq!(script.reasons(), [Reason::Missing]);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_is_served_without_asking() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    for _ in 0..1000 {
        assert_eq!(current(&cache).as_deref(), Some("token-1"));
    }
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_due_token_is_served_while_one_renewal_runs() {
    let (cache, script) = Script::cache([
        Step::After(Duration::ZERO),
        Step::After(Duration::from_secs(10)),
    ]);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(600)).await;
    let asked = Instant::now();
    for _ in 0..100 {
        assert_eq!(cache.token().await.unwrap().expose(), "token-1");
        settle().await;
    }
    assert_eq!(
        Instant::now(),
        asked,
        "no caller waits for a renewal in the background"
    );
    sleep(Duration::from_secs(11)).await;
    assert_eq!(current(&cache).as_deref(), Some("token-2"));
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Due]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_never_served() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(29)).await;
    assert_eq!(current(&cache), None);
    assert_eq!(cache.token().await.unwrap().expose(), "token-2");
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Expired]);
}

#[tokio::test(start_paused = true)]
async fn tokens_without_a_life_cost_at_most_one_fetch_a_second() {
    let (cache, script) = Script::cache(vec![Step::Token("t", Duration::ZERO); 1000]);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        cache.token().await.unwrap();
        settle().await;
        advance(Duration::from_millis(10)).await;
    }
    assert!(
        script.fetches() <= 60,
        "{} fetches in a minute",
        script.fetches()
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_sends_no_expired_token() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    cache.shared.clock.set_wall_ahead(86_400);
    assert_eq!(current(&cache), None);
    assert_eq!(cache.token().await.unwrap().expose(), "token-2");
    cache.shared.clock.set_wall_ahead(0);
    assert_eq!(cache.token().await.unwrap().expose(), "token-2");
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expired_on_its_way_is_an_error_not_a_loop() {
    let (cache, script) = Script::cache([Step::After(Duration::ZERO)]);
    let settings = CacheSettings::new()
        .with_deadline(DAY * 2)
        .with_attempt_timeout(DAY * 2);
    let steps = Arc::new(Mutex::new([Step::After(DAY)].into()));
    let slow = TokenCache::builder(Script {
        steps,
        ..script.clone()
    })
    .settings(settings)
    .build();
    assert_eq!(
        slow.token().await.unwrap_err().kind(),
        TokenErrorKind::Malformed
    );
    assert_eq!(script.fetches(), 1);
    drop(cache);
}

#[tokio::test(start_paused = true)]
async fn an_expiry_margin_above_the_renewal_margin_is_kept() {
    let (_, script) = Script::cache([]);
    let settings = CacheSettings::new()
        .with_renew_before(Duration::from_secs(5))
        .without_jitter();
    let cache = TokenCache::builder(script.clone())
        .settings(settings)
        .build();
    cache.token().await.unwrap();
    advance(DAY - Duration::from_secs(20)).await;
    assert!(cache.status().valid_for.is_none());
    assert_eq!(current(&cache), None);
}

#[tokio::test(start_paused = true)]
async fn after_a_suspension_and_a_failure_hits_take_no_lock() {
    let steps = [
        Step::Token("t", DAY),
        Step::Fail(TokenErrorKind::Unavailable),
    ];
    let (cache, _script) = Script::cache(steps);
    cache.token().await.unwrap();
    // Until it is due.
    cache.shared.clock.set_wall_ahead(86_400 - 400);
    current(&cache);
    settle().await;
    assert_eq!(cache.status().failures, 1);
    let now = cache.shared.clock.now();
    let view = cache
        .shared
        .inspect(|machine, now| machine.view(now))
        .unwrap();
    assert!(now.mono < view.until && now.wall < view.wall_until);
}
