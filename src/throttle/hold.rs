use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{self, Instant, Sleep};

use super::{
    Shared,
    table::{Entry, Place, Window},
};

/// A place in the queue of a closed gate. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(super) shared: Arc<Shared>,
    pub(super) place: Place,
    /// When the request will go, as the queue was when it was asked for.
    pub(super) slot: Instant,
    pub(super) window: Window,
    pub(super) used: bool,
}

impl Ticket {
    pub(crate) fn slot(&self) -> Instant {
        self.slot
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.place.endpoint
    }

    /// Waits for the slot. Needs a tokio runtime with timers.
    pub(crate) fn hold(self) -> Hold {
        let sleep = time::sleep_until(self.slot);
        Hold {
            ticket: self,
            sleep,
        }
    }

    /// Ready when the request may go: with a slot, or because the wait would be too long, though
    /// not before its own floor.
    fn poll_turn(&mut self, cx: &Context<'_>) -> Poll<()> {
        loop {
            let (now, window) = (Instant::now(), self.window);
            let place = &self.place;
            let turn = self.shared.with(|table, woken| {
                let slot = table.turn(place, now, window, woken)?;
                Some((slot, table.wait(place, cx.waker())))
            });
            // The waker that was replaced is dropped here, outside of the lock.
            if let Some((slot, _)) = turn {
                self.slot = slot;
                return Poll::Pending;
            }
            self.used = true;
            if !place.wide {
                return Poll::Ready(());
            }
            let entry = self
                .shared
                .with(|table, woken| table.enter(&place.endpoint, true, now, window, woken));
            match entry {
                Entry::Open | Entry::TooLong => return Poll::Ready(()),
                Entry::Queued(place, slot) => {
                    (self.place, self.slot, self.used) = (place, slot, false);
                }
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.used {
            let place = &self.place;
            self.shared.with(|table, woken| table.leave(place, woken));
        }
    }
}

pin_project! {
    /// Ready when the request may go.
    #[derive(Debug)]
    pub(crate) struct Hold {
        ticket: Ticket,
        #[pin]
        sleep: Sleep,
    }
}

impl Future for Hold {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if this.ticket.poll_turn(cx).is_ready() {
                return Poll::Ready(());
            }
            if this.sleep.deadline() != this.ticket.slot {
                this.sleep.as_mut().reset(this.ticket.slot);
            }
            ready!(this.sleep.as_mut().poll(cx));
        }
    }
}
