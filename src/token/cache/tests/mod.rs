//! The behaviour of a [`TokenCache`], on a paused clock and with exact counts.

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
use crate::token::{FetchContext, IssuedToken, Reason, TokenErrorKind};

mod boundaries;
mod checks;
mod failures;
mod invalidation;
mod lifecycle;
#[cfg(shuttle)]
mod model;
mod overlapping;
mod ownership;
mod properties;
mod refusals;
mod serving;
mod table;
mod waiting;

const DAY: Duration = Duration::from_secs(86_400);

/// The token endpoint's reaction to one request. After the end of a script, it
/// returns tokens of a day.
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

/// Lets all runnable tasks run.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
