//! The tokio runtime that this crate's timers run on.
//!
//! Timers need its time driver, as those of tower's own layers do, and panic on
//! a runtime without one, because tokio offers no way to check for it. The
//! absence of a runtime can be checked, so it is an error, or the wait is
//! skipped.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::{
    runtime::Handle,
    time::{self, Instant, Sleep, timeout, timeout_at},
};

/// Returns whether the caller is inside a tokio runtime.
pub(crate) fn is_entered() -> bool {
    Handle::try_current().is_ok()
}

/// Creates a timer; `None` outside a tokio runtime.
///
/// # Panics
///
/// If the runtime has no time driver, or is shut down at a poll of the timer.
pub(crate) fn sleep_until(at: Instant) -> Option<Pin<Box<Sleep>>> {
    is_entered().then(|| Box::pin(time::sleep_until(at)))
}

/// Returns the output of a future, or `None` after the deadline. Outside a
/// tokio runtime there is no deadline.
///
/// # Panics
///
/// As for [`sleep_until`].
pub(crate) async fn by<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    match is_entered() {
        true => timeout_at(deadline, future).await.ok(),
        false => Some(future.await),
    }
}

/// Returns the output of a future, or `None` after this time, which may be
/// [`Duration::MAX`]. Outside a tokio runtime there is no limit.
///
/// # Panics
///
/// As for [`sleep_until`].
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    match is_entered() {
        true => timeout(time, future).await.ok(),
        false => Some(future.await),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use tokio::runtime::Builder;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[test]
    fn outside_of_a_runtime_there_is_no_timer_and_no_limit() {
        assert!(!is_entered() && sleep_until(soon()).is_none());
        assert_eq!(by(soon(), ready(7)).now_or_never(), Some(Some(7)));
        assert_eq!(by(soon(), pending::<()>()).now_or_never(), None);
        let moment = Duration::from_millis(1);
        assert_eq!(within(moment, ready(7)).now_or_never(), Some(Some(7)));
        assert_eq!(within(moment, pending::<()>()).now_or_never(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn within_one_a_future_has_until_the_deadline() {
        let deadline = soon();
        assert_eq!(by(deadline, pending::<()>()).await, None);
        assert_eq!(Instant::now(), deadline);
        assert_eq!(by(deadline, ready(7)).await, Some(7));
        let second = Duration::from_secs(1);
        assert_eq!(within(second, pending::<()>()).await, None);
        assert_eq!(Instant::now(), deadline + second);
        assert_eq!(within(Duration::MAX, ready(7)).await, Some(7));
    }

    #[test]
    #[should_panic(expected = "timers are disabled")]
    fn without_the_time_driver_a_timer_panics() {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { sleep_until(soon()) });
    }
}
