//! Waiting callers.

use fastrand::Rng;
use tokio::{task::JoinHandle, time::timeout};

use super::*;

/// Longer than a renewal and the one that takes over from it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

fn step(rng: &mut Rng) -> Step {
    let secs = |rng: &mut Rng, most: u64| Duration::from_millis(rng.u64(0..most * 1000));
    match rng.u8(0..12) {
        0 => Step::Token("the same", secs(rng, 4000)),
        1 => Step::Token("another", secs(rng, 4000)),
        2..=4 => Step::After(secs(rng, 14)),
        5 => Step::Fail(TokenErrorKind::Denied),
        6 => Step::Fail(TokenErrorKind::Unavailable),
        7 => Step::RetryAfter(secs(rng, 100)),
        8 => Step::Never,
        9 => Step::Panic,
        _ => Step::After(Duration::ZERO),
    }
}

/// A caller that checks its result at the moment of its arrival.
fn wait(cache: &TokenCache, past: Generation, lasting: Duration) -> JoinHandle<()> {
    let cache = cache.clone();
    tokio::spawn(async move {
        let waited = match past == Generation::NONE && !lasting.is_zero() {
            true => cache.token_valid_for(lasting).await,
            false => cache.wait(past).await,
        };
        let Ok(token) = waited else { return };
        assert!(token.generation() > past, "older than the refused one");
        let status = cache.status();
        assert_eq!(
            status.generation,
            Some(token.generation()),
            "not the one of now"
        );
        let left = status.valid_for.expect("it has expired");
        if past == Generation::NONE {
            assert!(left >= lasting, "{left:?} left of {lasting:?}");
        }
        assert!(cache.try_current().is_some(), "it was given up");
    })
}

async fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let steps: Vec<_> = (0..60).map(|_| step(&mut rng)).collect();
    let (cache, _script) = Script::cache(steps);
    let mut waiting = Vec::new();
    let mut ahead = 0;
    for _ in 0..150 {
        let held = cache.status().generation.unwrap_or(Generation::NONE);
        match rng.u8(0..20) {
            0..=4 => waiting.push(wait(&cache, Generation::NONE, Duration::ZERO)),
            5..=7 => waiting.push(wait(&cache, held, Duration::ZERO)),
            8..=9 => {
                let lasting = Duration::from_secs(rng.u64(0..4000));
                waiting.push(wait(&cache, Generation::NONE, lasting));
            }
            10..=11 => drop(cache.report_rejected(held)),
            12 => drop(cache.invalidate()),
            13 if rng.u8(0..5) == 0 => {
                ahead = rng.u64(0..3000).saturating_add(ahead / 2);
                cache.shared.clock.set_wall_ahead(ahead);
            }
            14 if !waiting.is_empty() => {
                let which = rng.usize(0..waiting.len());
                waiting.swap_remove(which).abort();
            }
            15 => drop(poll_immediate(cache.wait(held)).await),
            16 => advance(Duration::from_millis(rng.u64(0..3000))).await,
            17 => sleep(Duration::from_millis(rng.u64(0..20_000))).await,
            18 => sleep(Duration::from_secs(rng.u64(0..1500))).await,
            _ => {
                settle().await;
                let rests = cache.status().renewing.is_none();
                let waits = waiting.iter().any(|waiting| !waiting.is_finished());
                assert!(!(rests && waits), "a renewal has ended, and woke not all");
            }
        }
    }
    for waiting in waiting {
        let ended = timeout(LONGEST_WAIT, waiting).await;
        ended.expect("it hangs").unwrap();
    }
}

#[test]
fn whatever_happens_waiters_get_the_token_of_now_or_an_error_in_time() {
    for seed in 0..500 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let done = std::panic::catch_unwind(|| runtime.block_on(run(seed)));
        assert!(done.is_ok(), "seed {seed}");
    }
}
