use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use crate::runtime;

/// A limited wait for the server, which can be restarted.
///
/// It creates its timer at the first wait, because most responses arrive before
/// any wait.
pub(super) struct Wait {
    /// The timer. It stays for later waits of the same response.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether the wait has begun and not ended.
    is_running: bool,
}

impl Wait {
    pub(super) const fn new() -> Self {
        Self {
            sleep: None,
            is_running: false,
        }
    }

    /// Completes once the wait has lasted for `limit`. Outside of a tokio
    /// runtime, it never does.
    pub(super) fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_running {
            return self.poll_timer(cx);
        }
        // A limit that the clock cannot represent never ends.
        match Instant::now().checked_add(limit) {
            Some(end) => self.restart(end, cx),
            None => Poll::Pending,
        }
    }

    /// Waits until `end`, in place of the earlier end.
    pub(super) fn restart(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.is_running = true;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.sleep = runtime::sleep_until(end),
        }
        self.poll_timer(cx)
    }

    /// Ends the wait, because the server has sent something.
    pub(super) fn end(&mut self) {
        self.is_running = false;
    }

    /// Returns `Pending` without a timer. The caller is still woken, because it
    /// polls the server too.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
