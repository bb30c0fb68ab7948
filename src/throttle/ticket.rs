use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{self, Instant, Sleep};

use super::{
    gate::Window,
    shared::Shared,
    table::{Passage, Place},
};
use crate::limiter::{Joined, Limiter};

/// The place of a waiting request: in the queue of a closed gate, or in the
/// queue for a slot. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Ticket {
    shared: Arc<Shared>,
    queue: Queue,
    /// The expected turn or slot, and so the time to look again.
    at: Instant,
    window: Window,
    /// When the wait for a slot started, if the request waited for one.
    since: Option<Instant>,
}

/// The queue in which a request waits.
#[derive(Debug)]
enum Queue {
    /// The queue of a closed gate.
    Gate(Place),
    /// The queue for slots of a shared limit, with the ticket there.
    Slot(Limiter, u64),
    /// None: the request may go, and dropping the ticket gives nothing up.
    Left,
}

impl Ticket {
    /// Creates a ticket at a closed gate. `turn` is the expected turn.
    pub(super) fn at_gate(
        shared: &Arc<Shared>,
        place: Place,
        turn: Instant,
        window: Window,
    ) -> Box<Self> {
        Box::new(Self {
            shared: shared.clone(),
            queue: Queue::Gate(place),
            at: turn,
            window,
            since: None,
        })
    }

    /// Takes a slot, or joins the queue for one. Passes without a limit.
    pub(super) fn for_slot(shared: &Arc<Shared>, window: Window) -> Passage<Box<Self>> {
        let Some(limiter) = &shared.limiter else {
            return Passage::Open;
        };
        match limiter.join(window.deadline) {
            Joined::Go => Passage::Open,
            Joined::TooLong => Passage::TooLong,
            Joined::Queued(ticket, at) => Passage::Queued(Box::new(Self {
                shared: shared.clone(),
                queue: Queue::Slot(limiter.clone(), ticket),
                at,
                window,
                since: Some(Instant::now()),
            })),
        }
    }

    /// Returns when the request is expected to go.
    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    /// Returns the endpoint of the closed gate, or `None` if the request waits
    /// for a slot.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        match &self.queue {
            Queue::Gate(place) => Some(&place.endpoint),
            Queue::Slot(..) | Queue::Left => None,
        }
    }

    /// Waits until the request may go. The output is the part of the wait that
    /// was for a slot. Needs a tokio runtime.
    pub(crate) fn admission(self: Box<Self>) -> Admission {
        let sleep = time::sleep_until(self.at);
        Admission {
            ticket: self,
            sleep,
        }
    }

    /// Completes when the request may go: with its turn, or because the wait
    /// would be too long, but never before its own floor.
    fn poll_turn(&mut self, cx: &Context<'_>) -> Poll<()> {
        loop {
            // The gates come first, from the narrowest, and the slot of a
            // shared limit last: a slot is a time, and would pass unused in
            // front of a closed gate. Each pending arm has left its waker in
            // its queue, and names the time for the timer.
            match &self.queue {
                Queue::Gate(place) => {
                    let (now, window) = (Instant::now(), self.window);
                    let turn = self.shared.with(|table, woken| {
                        let at = table.turn(place, now, window, woken)?;
                        Some((at, table.wait(place, cx.waker())))
                    });
                    // The waker that was replaced is dropped here, outside of
                    // the lock.
                    if let Some((at, _)) = turn {
                        self.at = at;
                        return Poll::Pending;
                    }
                    self.pass();
                }
                Queue::Slot(limiter, ticket) => {
                    match limiter.poll(*ticket, self.window.deadline, cx) {
                        Some(at) => {
                            self.at = at;
                            return Poll::Pending;
                        }
                        None => self.queue = Queue::Left,
                    }
                }
                Queue::Left => return Poll::Ready(()),
            }
        }
    }

    /// Returns how long the request waited for a slot, and reports it.
    fn waited(&self) -> Duration {
        let waited = self.since.map(|since| since.elapsed());
        if let (Some(limiter), Some(waited)) = (&self.shared.limiter, waited) {
            limiter.waited(waited);
        }
        waited.unwrap_or_default()
    }

    /// Moves a released request to the next gate, or to the queue for a slot.
    fn pass(&mut self) {
        let Queue::Gate(place) = std::mem::replace(&mut self.queue, Queue::Left) else {
            return;
        };
        let (now, window) = (Instant::now(), self.window);
        let past = Some(&place.which);
        let passage = self
            .shared
            .with(|table, woken| table.enter(&place.endpoint, past, now, window, woken));
        // A request that passed a gate is sent in any case, since its response
        // is gone: it skips a wait that would take too long.
        match passage {
            Passage::TooLong => {}
            Passage::Queued((place, turn)) => (self.queue, self.at) = (Queue::Gate(place), turn),
            Passage::Open => {
                if let Passage::Queued(mut next) = Self::for_slot(&self.shared, window) {
                    self.queue = std::mem::replace(&mut next.queue, Queue::Left);
                    (self.at, self.since) = (next.at, next.since);
                }
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        match &self.queue {
            Queue::Gate(place) => self.shared.with(|table, woken| table.leave(place, woken)),
            Queue::Slot(limiter, ticket) => limiter.leave(*ticket),
            Queue::Left => {}
        }
    }
}

pin_project! {
    /// Completes when the request may go, with the time that it waited for a
    /// slot.
    #[derive(Debug)]
    pub(crate) struct Admission {
        // In a box, since most futures never have one.
        ticket: Box<Ticket>,
        #[pin]
        sleep: Sleep,
    }
}

impl Future for Admission {
    type Output = Duration;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Duration> {
        let mut this = self.project();
        loop {
            if this.ticket.poll_turn(cx).is_ready() {
                return Poll::Ready(this.ticket.waited());
            }
            if this.sleep.deadline() != this.ticket.at {
                this.sleep.as_mut().reset(this.ticket.at);
            }
            ready!(this.sleep.as_mut().poll(cx));
        }
    }
}
