//! Renewals after a 401.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_burst_of_reports_renews_once_and_a_late_one_not_at_all() {
    let (cache, script) = Script::cache([
        Step::After(Duration::ZERO),
        Step::After(Duration::from_secs(1)),
    ]);
    let first = cache.token().await.unwrap().generation();
    for _ in 0..1000 {
        assert_eq!(cache.report_rejected(first), Rejection::Renewing);
    }
    assert_eq!(
        current(&cache),
        None,
        "a refused token is not sent while another is on its way"
    );
    let second = cache.token().await.unwrap();
    assert!(second.generation() > first);
    assert_eq!(cache.report_rejected(first), Rejection::Superseded);
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Rejected]);
    // A second revocation right after the first.
    assert_eq!(
        cache.report_rejected(second.generation()),
        Rejection::Renewing
    );
    cache.token().await.unwrap();
    assert_eq!(script.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn waiting_past_a_generation_reports_it_first() {
    let (cache, script) = Script::cache([]);
    let first = cache.token().await.unwrap();
    let second = cache.wait(first.generation()).await.unwrap();
    assert_eq!(second.expose(), "token-2");
    let again = cache.wait(first.generation()).await.unwrap();
    assert_eq!(again.expose(), "token-2");
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn fresh_tokens_refused_again_and_again_are_damped() {
    let (cache, script) = Script::cache([]);
    cache.token().await.unwrap();
    let mut forced_at = Vec::new();
    let start = Instant::now();
    for _ in 0..10_000 {
        let token = cache.token().await.expect("the cached token is served on");
        let rejection = cache.report_rejected(token.generation());
        assert!(
            matches!(rejection, Rejection::Renewing | Rejection::Damped),
            "{rejection:?}"
        );
        settle().await;
        forced_at.resize(script.fetches() - 1, start.elapsed().as_secs());
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(forced_at, [0, 0, 0, 10, 30, 70, 150, 310, 610, 910]);
}

#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_not_asked_for_in_a_loop() {
    let (cache, script) = Script::cache(vec![Step::Token("same", DAY); 3]);
    let first = cache.token().await.unwrap();
    let error = cache.wait(first.generation()).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NotRenewable);
    assert_eq!(cache.report_rejected(first.generation()), Rejection::Damped);
    assert_eq!(current(&cache).as_deref(), Some("same"));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_served_on_during_a_cooldown() {
    let steps = [
        Step::After(Duration::ZERO),
        Step::Fail(TokenErrorKind::Denied),
    ];
    let (cache, script) = Script::cache(steps);
    let first = cache.token().await.unwrap().generation();
    assert_eq!(cache.report_rejected(first), Rejection::Renewing);
    assert_eq!(
        kinds(&cache, 10).await,
        vec![Some(TokenErrorKind::Denied); 10]
    );
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(cache.report_rejected(first), Rejection::Cooldown);
    advance(Duration::from_secs(5)).await;
    assert_eq!(cache.token().await.unwrap().expose(), "token-3");
    assert_eq!(script.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_damper_is_not_cut_short_by_silence() {
    let (cache, script) = Script::cache([]);
    let start = Instant::now();
    cache.token().await.unwrap();
    // Until the damper pauses for 80 seconds.
    while script.fetches() < 7 {
        let token = cache.token().await.unwrap();
        cache.report_rejected(token.generation());
        settle().await;
        advance(Duration::from_secs(1)).await;
    }
    let fetches = script.fetches();
    let token = cache.token().await.unwrap();
    advance(Duration::from_secs(61)).await;
    assert_eq!(
        cache.report_rejected(token.generation()),
        Rejection::Damped,
        "{:?}",
        start.elapsed()
    );
    assert_eq!(script.fetches(), fetches);
}
