//! A source that asks for a check of a valid token.

use super::*;

/// Returns one token with a check time, or the result that a test sets.
#[derive(Clone, Default)]
struct Checked {
    next: Arc<Mutex<VecDeque<IssuedToken>>>,
    asked: Arc<Mutex<Vec<(Reason, Instant)>>>,
}

fn token(secret: &str) -> IssuedToken {
    IssuedToken::new(secret.to_owned(), DAY)
}

impl TokenSource for Checked {
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.asked.lock().unwrap().push((cx.reason, Instant::now()));
        let next = self.next.lock().unwrap().pop_front();
        Ok(next.unwrap_or_else(|| token("same").with_check_in(Duration::from_secs(10))))
    }
}

/// Uses the cache once a second, for this many seconds.
async fn use_for(cache: &TokenCache, seconds: u64) {
    for _ in 0..seconds {
        advance(Duration::from_secs(1)).await;
        assert!(cache.try_current().is_some(), "nobody waits for a check");
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_checked_when_its_source_asked_for_it_and_stays_the_one_that_it_is() {
    let source = Checked::default();
    let cache = TokenCache::new(source.clone());
    let first = cache.token().await.unwrap();
    let begun = Instant::now();
    use_for(&cache, 35).await;
    let asked: Vec<_> = { source.asked.lock().unwrap().clone() }
        .into_iter()
        .map(|(reason, at)| (reason, (at - begun).as_secs()))
        .collect();
    assert_eq!(
        asked,
        [
            (Reason::Missing, 0),
            (Reason::Check, 10),
            (Reason::Check, 20),
            (Reason::Check, 30)
        ]
    );
    let last = cache.token().await.unwrap();
    assert_eq!(first.generation(), last.generation());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_brings_another_token_is_the_last_one() {
    let source = Checked::default();
    let checked = token("alone").with_check_in(Duration::from_secs(5));
    *source.next.lock().unwrap() = [checked, token("shared")].into();
    let cache = TokenCache::new(source.clone());
    cache.warm_up().await.unwrap();
    use_for(&cache, 600).await;
    assert_eq!(current(&cache).as_deref(), Some("shared"));
    assert_eq!(source.asked.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_wants_to_be_asked_at_once_is_asked_once_a_second() {
    let source = Checked::default();
    let eager = || token("same").with_check_in(Duration::ZERO);
    *source.next.lock().unwrap() = (0..1000).map(|_| eager()).collect();
    let cache = TokenCache::new(source.clone());
    cache.warm_up().await.unwrap();
    for _ in 0..100 {
        advance(Duration::from_millis(100)).await;
        assert!(cache.try_current().is_some());
        settle().await;
    }
    assert_eq!(source.asked.lock().unwrap().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn beside_a_source_that_keeps_the_deadline_no_second_fetch_is_begun() {
    struct Patient {
        keeps_deadline: bool,
        fetches: Arc<AtomicUsize>,
    }
    impl TokenSource for Patient {
        async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_secs(12)).await;
            Ok(IssuedToken::new("late", DAY))
        }
        fn keeps_deadline(&self) -> bool {
            self.keeps_deadline
        }
    }
    for (keeps_deadline, expected) in [(true, 1), (false, 2)] {
        let fetches = Arc::new(AtomicUsize::new(0));
        let source = Patient {
            keeps_deadline,
            fetches: Arc::clone(&fetches),
        };
        TokenCache::new(source).token().await.unwrap();
        assert_eq!(fetches.load(Ordering::SeqCst), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_during_a_check_that_knew_nothing_of_it_is_renewed_and_not_damped() {
    /// Returns the same token at a check, after a second, and another one after
    /// a refusal.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Vec<(Reason, bool)>>>);
    impl TokenSource for Slow {
        async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
            let asked = (cx.reason, cx.rejected.is_some());
            self.0.lock().unwrap().push(asked);
            sleep(Duration::from_secs(1)).await;
            Ok(match cx.rejected {
                None => token("same").with_check_in(Duration::from_secs(5)),
                Some(_) => token("another"),
            })
        }
    }
    let source = Slow::default();
    let cache = TokenCache::new(source.clone());
    let refused = cache.token().await.unwrap().generation();
    advance(Duration::from_secs(5)).await;
    assert!(cache.try_current().is_some());
    settle().await;
    let begun = Instant::now();
    let renewed = cache.wait(refused).await.unwrap();
    assert_eq!(renewed.expose(), "another");
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(
        *source.0.lock().unwrap(),
        [
            (Reason::Missing, false),
            (Reason::Check, false),
            (Reason::Rejected, true)
        ]
    );
}
