use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::shared::Shared;

/// How long at most until the clocks are looked at again: the machine may have been suspended, and
/// then the timer comes late.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long until it shows what has become of a renewal.
const WHILE_RENEWING: Duration = Duration::from_secs(1);

/// Never in a tight loop, whatever the settings say.
const SHORTEST: Duration = Duration::from_millis(10);

/// Renews the token of a [`TokenCache`](super::TokenCache) while nobody calls, until it is dropped.
///
/// It is got by [`TokenCache::keep_warm`](super::TokenCache::keep_warm).
///
/// An example is in the [guide](crate::guide::migrating#a-loop-that-refreshes).
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

async fn keep_warm(shared: Arc<Shared>) {
    loop {
        // To ask is all that it takes: a token that is missing or due is renewed for whoever asks.
        let _ = shared.ask_for_current();
        let (closed, renewing, next) = shared.inspect(|machine, now| {
            let renewing = machine.renewing().is_some();
            (machine.is_closed(), renewing, machine.looks_again_at(now))
        });
        if closed {
            return;
        }
        // The machine names the time of its next decision; the end of a renewal is unknown.
        let longest = if renewing { WHILE_RENEWING } else { LOOK_AGAIN };
        let now = Instant::now();
        sleep_until(next.unwrap_or(now).clamp(now + SHORTEST, now + longest)).await;
    }
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
