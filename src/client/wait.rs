use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::runtime::{timer, unless_without_timers};

/// A wait for the other side that may last for a limited time, and may begin many times.
///
/// Its timer is made at the first wait: most answers are there before one is needed.
pub(super) struct Wait {
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Wait {
    pub(super) const fn new() -> Self {
        Self {
            sleep: None,
            is_running: false,
        }
    }

    /// Ready when it has lasted for so long. Where there are no timers, it lasts for ever.
    pub(super) fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_running {
            return self.poll_timer(cx);
        }
        match Instant::now().checked_add(limit) {
            Some(end) => self.restart(end, cx),
            None => Poll::Pending,
        }
    }

    /// Waits until then, whatever it has waited so far.
    pub(super) fn restart(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.is_running = true;
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(end);
            return self.poll_timer(cx);
        }
        match timer(end, cx) {
            Some((sleep, polled)) => {
                self.sleep = Some(sleep);
                polled
            }
            None => Poll::Pending,
        }
    }

    /// What was waited for has come.
    pub(super) fn end(&mut self) {
        self.is_running = false;
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => {
                // The runtime of the timer may be on its way out.
                let polled = unless_without_timers(|| sleep.as_mut().poll(cx));
                polled.unwrap_or(Poll::Pending)
            }
            None => Poll::Pending,
        }
    }
}
