//! The cells of the table in [`TokenCache`], each on a paused clock and with exact counts.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::{join_all, poll_immediate};
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::token::{FetchContext, IssuedToken, TokenErrorKind};

const DAY: Duration = Duration::from_secs(86_400);

/// What the token endpoint does at one request; after the last of a script, tokens of a day.
#[derive(Clone, Debug)]
enum Step {
    Token(&'static str, Duration),
    After(Duration),
    Fail(TokenErrorKind),
    RetryAfter(Duration),
    Never,
    Panic,
}

#[derive(Clone, Debug)]
struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    reasons: Arc<Mutex<Vec<Reason>>>,
    fetches: Arc<AtomicUsize>,
}

impl Script {
    fn cache(steps: impl IntoIterator<Item = Step>) -> (TokenCache, Self) {
        let script = Self {
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
            reasons: Arc::default(),
            fetches: Arc::default(),
        };
        (TokenCache::new(script.clone()), script)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn reasons(&self) -> Vec<Reason> {
        self.reasons.lock().unwrap().clone()
    }
}

impl TokenSource for Script {
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let n = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        self.reasons.lock().unwrap().push(cx.reason);
        let step = self.steps.lock().unwrap().pop_front();
        let token = || IssuedToken::new(format!("token-{n}"), DAY);
        match step {
            None => Ok(token()),
            Some(Step::Token(secret, lifetime)) => Ok(IssuedToken::new(secret, lifetime)),
            Some(Step::After(wait)) => {
                sleep(wait).await;
                Ok(token())
            }
            Some(Step::Fail(kind)) => Err(TokenError::new(kind, "scripted")),
            Some(Step::RetryAfter(wait)) => {
                let error = TokenError::new(TokenErrorKind::Throttled, "scripted");
                Err(error.with_retry_after(wait))
            }
            Some(Step::Never) => pending().await,
            Some(Step::Panic) => panic!("scripted"),
        }
    }
}

fn current(cache: &TokenCache) -> Option<String> {
    cache.try_current().map(|token| token.expose().to_owned())
}

async fn kinds(cache: &TokenCache, callers: usize) -> Vec<Option<TokenErrorKind>> {
    let waits = (0..callers).map(|_| cache.token());
    join_all(waits)
        .await
        .into_iter()
        .map(|result| result.err().map(|e| e.kind()))
        .collect()
}

/// Lets tasks that can go on do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

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
        "the gate opens again"
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
    // Renewals for which nobody waits rest for longer.
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
async fn dropping_callers_neither_cancels_nor_repeats_the_renewal() {
    let (cache, script) = Script::cache([Step::After(Duration::from_secs(1))]);
    for _ in 0..100 {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
        settle().await;
    }
    sleep(Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(script.fetches(), 1);
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
async fn a_refused_token_is_served_on_while_the_gate_is_shut() {
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
    assert_eq!(cache.report_rejected(first), Rejection::Gated);
    advance(Duration::from_secs(5)).await;
    assert_eq!(cache.token().await.unwrap().expose(), "token-3");
    assert_eq!(script.fetches(), 3);
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
    let slow = TokenCache::with_settings(
        Script {
            steps: Arc::new(Mutex::new([Step::After(DAY)].into())),
            ..script.clone()
        },
        settings,
    );
    assert_eq!(
        slow.token().await.unwrap_err().kind(),
        TokenErrorKind::Malformed
    );
    assert_eq!(script.fetches(), 1);
    drop(cache);
}

#[tokio::test(start_paused = true)]
async fn invalidating_makes_the_next_caller_wait_for_a_new_token() {
    let (cache, script) = Script::cache([]);
    assert_eq!(
        cache.invalidate(),
        Rejection::Superseded,
        "there is none yet"
    );
    cache.token().await.unwrap();
    assert_eq!(cache.invalidate(), Rejection::Renewing);
    assert_eq!(cache.token().await.unwrap().expose(), "token-2");
    assert_eq!(script.reasons(), [Reason::Missing, Reason::Forced]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_cache_serves_what_it_has_and_renews_nothing() {
    let (cache, script) = Script::cache([]);
    let first = cache.token().await.unwrap().generation();
    cache.close();
    assert_eq!(current(&cache).as_deref(), Some("token-1"));
    assert_eq!(cache.report_rejected(first), Rejection::CannotRenew);
    advance(DAY).await;
    assert_eq!(
        cache.token().await.unwrap_err().kind(),
        TokenErrorKind::Closed
    );
    assert_eq!(script.fetches(), 1);
}

#[test]
fn without_a_runtime_there_is_a_typed_error() {
    let (cache, script) = Script::cache([]);
    assert_eq!(cache.try_current().map(|token| token.generation()), None);
    let error = futures_util::FutureExt::now_or_never(cache.token())
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::NoRuntime);
    assert_eq!(script.fetches(), 0);
}

#[test]
fn a_dropped_runtime_is_replaced_at_once() {
    let (cache, script) = Script::cache([Step::Never]);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    first.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
        settle().await;
    });
    assert_eq!(script.fetches(), 1);
    let second = runtime();
    let waiting = second.spawn({
        let cache = cache.clone();
        async move { cache.token().await.map(|token| token.expose().to_owned()) }
    });
    second.block_on(settle());
    drop(first);
    assert_eq!(second.block_on(waiting).unwrap().unwrap(), "token-2");
    assert_eq!(script.fetches(), 2);
}

#[test]
fn a_runtime_that_nobody_drives_is_taken_over_from_at_the_deadline() {
    let (cache, script) = Script::cache([Step::Never]);
    let frozen = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let driven = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    frozen.block_on(async {
        assert!(poll_immediate(cache.wait(Generation::NONE)).await.is_none());
    });
    let token = driven.block_on(cache.token()).unwrap();
    assert_eq!(token.expose(), "token-2");
    assert_eq!(script.fetches(), 2);
    drop(frozen);
    assert_eq!(cache.shared.inspect(|machine, _| machine.renewing()), None);
    assert_eq!(
        cache.status().failures,
        0,
        "the end of the frozen task is no failure"
    );
}
