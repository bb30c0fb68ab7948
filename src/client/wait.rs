use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::runtime;

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

    /// Ready when it has lasted for so long. Outside of a tokio runtime, it lasts for ever.
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
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.sleep = runtime::sleep_until(end),
        }
        self.poll_timer(cx)
    }

    /// What was waited for has come.
    pub(super) fn end(&mut self) {
        self.is_running = false;
    }

    /// Pending without a timer is no dead end: who asks waits for the other side as well.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
