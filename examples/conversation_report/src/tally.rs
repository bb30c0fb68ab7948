use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Response;
use tokio::time::Instant;
use tower_genesys::{
    Org,
    retry::{Outcome, RetryEvent, RetryObserver},
};

use crate::terminal::count;

/// The effort of a run, according to the retry layer and to the responses.
#[derive(Clone)]
pub(crate) struct Tally {
    started: Instant,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    sends: u64,
    replays: u64,
    retries: u64,
    waited: Duration,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            counts: Arc::default(),
        }
    }
}

impl Tally {
    pub(crate) fn observer(&self) -> impl RetryObserver + use<> {
        let counts = self.counts.clone();
        move |event: &RetryEvent<'_>| {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                RetryEvent::Resent { .. } => counts.replays += 1,
                RetryEvent::Scheduled { .. } => counts.retries += 1,
                _ => {}
            }
        }
    }

    /// Counts a response. It has an outcome, unless the first send succeeded.
    pub(crate) fn add<B>(&self, response: &Response<B>) {
        let outcome = Outcome::of(response.extensions());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.sends += outcome.map_or(1, |outcome| u64::from(outcome.sends));
        counts.waited += outcome.map_or(Duration::ZERO, |outcome| outcome.waited);
    }

    pub(crate) fn summary(&self, org: &Org) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = org
            .tokens()
            .status()
            .generation
            .map_or(0, |last| last.get());
        format!(
            "{}, {} fetched, {} after 401, {}, {:.1} s waited by all requests together; {:.1} s in all",
            count(counts.sends, "request", "requests"),
            count(tokens, "token", "tokens"),
            count(counts.replays, "replay", "replays"),
            count(counts.retries, "retry", "retries"),
            counts.waited.as_secs_f64(),
            self.started.elapsed().as_secs_f64(),
        )
    }
}
