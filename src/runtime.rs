use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep, sleep_until, timeout_at},
};

/// Whether there is a tokio runtime here, and it has timers.
///
/// There is no other way to ask than to make a timer, and to poll it, since the runtime may be on
/// its way out. Where there are none, that panics, and the
/// panic hook says so, just as it would later, with nobody to catch it: so ask no more often than
/// needed, and only when a timer is about to be made.
pub(crate) fn has_timers() -> bool {
    Handle::try_current().is_ok() && catch_unwind(|| sleep(Duration::ZERO).now_or_never()).is_ok()
}

/// The output of a future, or `None` if it is not there by then. Without timers it has all the time.
pub(crate) async fn by<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    if !has_timers() {
        return Some(future.await);
    }
    timeout_at(deadline, future).await.ok()
}

/// A timer that was polled once; `None` where there are no timers.
///
/// It is its own proof that there are: to ask [`has_timers`] before would take a second one, which
/// is due at once and so wakes the runtime up, at the cost of a system call.
pub(crate) fn timer(at: Instant, cx: &mut Context<'_>) -> Option<(Pin<Box<Sleep>>, Poll<()>)> {
    Handle::try_current().ok()?;
    unless_without_timers(|| {
        let mut sleep = Box::pin(sleep_until(at));
        let polled = sleep.as_mut().poll(cx);
        (sleep, polled)
    })
}

/// Makes timers and polls them, within a runtime; `None` when that has none.
///
/// For timers that have their place already. As for [`timer`], nothing is asked before.
pub(crate) fn unless_without_timers<T>(start: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(start)).ok()
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::runtime::Builder;

    use super::*;

    fn makes_a_timer() -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let later = Instant::now() + Duration::from_secs(60);
        timer(later, &mut cx).is_some_and(|(_, polled)| polled.is_pending())
    }

    #[test]
    fn only_a_runtime_with_timers_has_timers() {
        assert!(!has_timers() && !makes_a_timer());
        for (mut builder, timers) in [
            (Builder::new_current_thread(), false),
            (Builder::new_multi_thread(), true),
        ] {
            if timers {
                builder.enable_time();
            }
            let runtime = builder.build().unwrap();
            assert_eq!(runtime.block_on(async { has_timers() }), timers);
            assert_eq!(runtime.block_on(async { makes_a_timer() }), timers);
        }
    }
}
