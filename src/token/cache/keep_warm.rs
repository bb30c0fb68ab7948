use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::shared::Shared;

/// The longest interval between two looks at the clocks: after a suspend of the
/// machine, timers fire late.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The longest interval while a renewal is in flight.
const WHILE_RENEWING: Duration = Duration::from_secs(1);

/// The shortest interval, so that no setting makes a tight loop.
const SHORTEST: Duration = Duration::from_millis(10);

/// A guard that keeps the token of a [`TokenCache`](super::TokenCache) valid in
/// the background, even without callers, until it is dropped.
///
/// [`TokenCache::keep_warm`](super::TokenCache::keep_warm) returns it:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{
///     TokenCache, TokenError,
///     token::{IssuedToken, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), TokenError> {
/// let hour = Duration::from_secs(3600);
/// let cache = TokenCache::new(source_fn(move |_| async move {
///     Ok(IssuedToken::new("s3cr3t", hour))
/// }));
/// let _warm = cache.keep_warm()?; // `let _ = …` would stop it at once
///
/// tokio::time::sleep(24 * hour).await; // no call in all this time
/// assert!(cache.status().is_ready());
/// # Ok(())
/// # }
/// ```
#[must_use = "it stops when it is dropped, and `let _ = …` drops it at once: give it a name"]
pub struct KeepWarm {
    task: JoinHandle<()>,
}

impl KeepWarm {
    pub(super) fn spawn(shared: Arc<Shared>, runtime: &tokio::runtime::Handle) -> Self {
        Self {
            task: runtime.spawn(keep_warm(shared)),
        }
    }
}

#[cfg(test)]
impl KeepWarm {
    pub(super) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

/// Looks at the cache at each time at which it could start a renewal.
async fn keep_warm(shared: Arc<Shared>) {
    loop {
        // A question is enough: the cache renews a missing or due token for
        // every caller.
        let _ = shared.ask_for_current();
        let (closed, renewing, next) = shared.inspect(|machine, now| {
            let renewing = machine.renewing().is_some();
            (machine.is_closed(), renewing, machine.looks_again_at(now))
        });
        if closed {
            return;
        }
        sleep_until(next_look(next, renewing, Instant::now())).await;
    }
}

/// Returns when to look again, if the machine decides next at `next`.
fn next_look(next: Option<Instant>, renewing: bool, now: Instant) -> Instant {
    // The machine cannot predict the end of a renewal, and without a token in
    // view it names no time at all.
    let longest = now + if renewing { WHILE_RENEWING } else { LOOK_AGAIN };
    next.unwrap_or(longest).clamp(now + SHORTEST, longest)
}

impl Drop for KeepWarm {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for KeepWarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepWarm").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_once_a_second_during_a_renewal_and_at_the_next_decision_otherwise() {
        let now = Instant::now();
        let next = |millis| Some(now + Duration::from_millis(millis));
        for (next, renewing, millis) in [
            (None, true, 1000),
            (next(30_000), true, 1000),
            (next(300), true, 300),
            (next(30_000), false, 30_000),
            (next(90_000), false, 60_000),
            (next(0), false, 10),
        ] {
            let look = next_look(next, renewing, now);
            assert_eq!(look - now, Duration::from_millis(millis));
        }
    }
}
