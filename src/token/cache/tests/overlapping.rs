//! A slow endpoint: a second request in parallel to the first, and never more.

use super::*;

fn after(seconds: u64) -> Step {
    Step::After(Duration::from_secs(seconds))
}

/// A source that forbids a second request in parallel.
struct Alone(Script);

impl TokenSource for Alone {
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.0.fetch(cx).await
    }

    fn may_overlap(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_answers_after_nine_seconds_gives_a_cold_process_its_token() {
    let (cache, script) = Script::cache([after(9), after(9)]);
    let begun = Instant::now();
    assert_eq!(cache.token().await.unwrap().expose(), "token-1");
    assert_eq!((begun.elapsed().as_secs(), script.fetches()), (9, 2));
    // The second was dropped, and is not counted as a failure.
    sleep(Duration::from_secs(20)).await;
    let status = cache.status();
    assert_eq!((status.failures, script.fetches()), (0, 2));
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
}

#[tokio::test(start_paused = true)]
async fn a_first_request_that_is_lost_is_made_up_for_by_the_second() {
    let (cache, script) = Script::cache([Step::Never, after(1)]);
    let begun = Instant::now();
    assert_eq!(cache.token().await.unwrap().expose(), "token-2");
    assert_eq!((begun.elapsed().as_secs(), script.fetches()), (9, 2));
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_token_counts_from_its_own_request() {
    let hour = Duration::from_secs(3600);
    let (_, script) = Script::cache([Step::Never, Step::Token("second", hour)]);
    let settings = CacheSettings::new().with_expiry_margin(Duration::ZERO);
    let cache = TokenCache::builder(script).settings(settings).build();
    cache.token().await.unwrap();
    assert_eq!(cache.status().valid_for, Some(hour));
}

#[tokio::test(start_paused = true)]
async fn one_of_the_two_may_fail() {
    let failure = || Step::Fail(TokenErrorKind::Throttled);
    let (cache, script) = Script::cache([after(12), failure()]);
    let begun = Instant::now();
    assert_eq!(cache.token().await.unwrap().expose(), "token-1");
    assert_eq!((begun.elapsed().as_secs(), script.fetches()), (12, 2));
}

#[tokio::test(start_paused = true)]
async fn what_the_endpoint_said_is_the_error_and_not_that_the_other_took_too_long() {
    let (cache, script) = Script::cache([Step::Never, Step::Fail(TokenErrorKind::Denied)]);
    let error = cache.token().await.unwrap_err();
    assert_eq!(
        (error.kind(), script.fetches()),
        (TokenErrorKind::Denied, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn there_is_one_at_most_and_none_where_it_is_not_allowed() {
    let long = CacheSettings::new().with_deadline(Duration::from_secs(100));
    let fetches = async |settings: CacheSettings, alone: bool| {
        let (_, script) = Script::cache(vec![Step::Never; 20]);
        let builder = match alone {
            true => TokenCache::builder(Alone(script.clone())),
            false => TokenCache::builder(script.clone()),
        };
        let cache = builder.settings(settings).build();
        let error = cache.token().await.unwrap_err();
        assert_eq!(error.kind(), TokenErrorKind::TimedOut);
        assert!(
            error.to_string().contains("`CacheSettings::with_deadline`"),
            "{error}"
        );
        script.fetches()
    };
    assert_eq!(fetches(long.with_attempts(10), false).await, 2);
    assert_eq!(fetches(long.with_attempts(1), false).await, 1);
    assert_eq!(fetches(long, true).await, 1);
    let late = long.with_attempt_timeout(Duration::from_secs(100));
    assert_eq!(fetches(late, false).await, 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_no_second_beside_it_has_all_the_time_there_is() {
    let (_, script) = Script::cache([after(14)]);
    let cache = TokenCache::new(Alone(script.clone()));
    assert_eq!(cache.token().await.unwrap().expose(), "token-1");
    assert_eq!(script.fetches(), 1);
}
