use std::{
    collections::{BTreeMap, BTreeSet},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use super::pace::Pace;

/// How far back missed turns are made up for: timers have a resolution of one
/// millisecond, and the executor polls late.
const LATE: Duration = Duration::from_millis(10);

/// A closed gate and the queue of its waiters.
///
/// The gate assigns no turn in advance: a due turn goes to the first waiter in
/// the queue. So a waiter that leaves returns nothing, and the others move up.
///
/// The gate neither wakes nor drops a waker: both can run code of the caller's
/// executor, and the table is locked. It collects the wakers in a list for its
/// caller.
#[derive(Debug)]
pub(super) struct Gate {
    /// When the next turn is due.
    next: Instant,
    pace: Pace,
    /// When the first in the queue may leave without a turn, if it is a retry.
    exit: Instant,
    /// The waiters by ticket, so in order of arrival.
    queue: BTreeMap<u64, Option<Waker>>,
    /// The tickets whose turn has come and whose futures were not polled since.
    /// When the gate stays closed for longer, the set is cleared: an earlier
    /// turn must not pass to another waiter.
    released: BTreeSet<u64>,
}

/// The times between which a request may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The earliest time of a retry. A first send has none.
    pub(super) floor: Option<Instant>,
    /// The time at which the call gives up.
    pub(super) deadline: Instant,
}

/// The times of a 429.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// When the 429 arrived.
    pub(super) now: Instant,
    /// The end of the server's `Retry-After`, or of the backoff without one.
    pub(super) floor: Instant,
    /// The same with jitter: until then the gate is closed.
    pub(super) until: Instant,
}

impl Gate {
    /// Creates a closed gate, whose first turn is due at `next`.
    pub(super) fn closed_until(next: Instant, interval: Duration) -> Self {
        Self {
            next,
            exit: next,
            pace: Pace::new(interval),
            queue: BTreeMap::new(),
            released: BTreeSet::new(),
        }
    }

    /// Handles another 429: restarts the pace, and keeps the gate closed until
    /// `until`, unless it is closed beyond `floor` already. If it stays closed
    /// for longer, all waiters are woken, because the wait may now be too long
    /// for some.
    pub(super) fn extend(&mut self, times: Closing, woken: &mut Vec<Waker>) {
        self.pace.restart();
        self.exit = times.now;
        // A 429 to a request that was on its way when the gate closed says
        // nothing new.
        if times.floor > self.next {
            self.next = times.until;
            self.released.clear();
            woken.extend(self.queue.values_mut().filter_map(Option::take));
        }
    }

    /// Releases all waiters, because another gate should have been closed.
    pub(super) fn open(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        self.next = now;
        while let Some((ticket, waker)) = self.queue.pop_first() {
            self.released.insert(ticket);
            woken.extend(waker);
        }
    }

    /// Returns when the next turn is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Returns whether a request may pass without waiting. A gate with a queue
    /// stays closed, so that no request overtakes the queue.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.queue.is_empty() && now >= self.next
    }

    /// Returns when a request that joined now would have its turn.
    pub(super) fn estimate(&self, now: Instant) -> Instant {
        self.at(self.queue.len(), now)
    }

    /// Returns the expected turn of this ticket, or `None` if it has come.
    pub(super) fn turn(&self, ticket: u64, now: Instant) -> Option<Instant> {
        self.queue.contains_key(&ticket).then(|| {
            let ahead = self.queue.range(..ticket).count();
            self.at(ahead, now)
        })
    }

    /// Returns the expected turn of the place after `ahead` others.
    fn at(&self, ahead: usize, now: Instant) -> Instant {
        let first = self.next.max(now);
        first.checked_add(self.pace.wait(ahead)).unwrap_or(first)
    }

    /// Adds a ticket to the queue.
    pub(super) fn join(&mut self, ticket: u64) {
        self.queue.insert(ticket, None);
    }

    /// Sets the waker for this ticket's turn, and returns the one that it
    /// replaces.
    pub(super) fn wait(&mut self, ticket: u64, waker: &Waker) -> Option<Waker> {
        let waiting = self.queue.get_mut(&ticket)?;
        match waiting {
            Some(old) if old.will_wake(waker) => None,
            _ => waiting.replace(waker.clone()),
        }
    }

    /// Gives the turns that are due.
    ///
    /// Every waiter that is polled does it, so a waiter at the head of the
    /// queue that is never polled does not block the rest. One missed turn is
    /// made up for, so that the delays of timers do not add up. Further missed
    /// turns are made up for only if they are closer together than the
    /// resolution of timers: more would be a burst.
    pub(super) fn advance(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        while now >= self.next && !self.queue.is_empty() {
            let gap = self.pace.gap();
            if let Some(oldest) = now.checked_sub(gap.max(LATE)) {
                self.next = self.next.max(oldest);
            }
            self.next = self.next.checked_add(gap).unwrap_or(now);
            self.pace.count();
            self.give(woken);
        }
    }

    /// Gives a turn to the first in the queue.
    fn give(&mut self, woken: &mut Vec<Waker>) {
        if let Some((ticket, waker)) = self.queue.pop_first() {
            self.released.insert(ticket);
            woken.extend(waker);
            self.wake_first(woken);
        }
    }

    /// Wakes the new head of the queue, which must reset its timer to the next
    /// turn.
    fn wake_first(&mut self, woken: &mut Vec<Waker>) {
        if let Some(mut first) = self.queue.first_entry() {
            woken.extend(first.get_mut().take());
        }
    }

    /// Removes a ticket that uses its turn.
    pub(super) fn take_turn(&mut self, ticket: u64) {
        self.released.remove(&ticket);
    }

    /// Lets a ticket leave without a turn, because its turn would come too
    /// late. Returns when to look again, or `None` if it has left.
    ///
    /// A first send leaves at once and gets the server's response. A retry
    /// already has one: it leaves neither before its `Retry-After` nor in the
    /// same instant as others.
    pub(super) fn exit(
        &mut self,
        ticket: u64,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Option<Instant> {
        if let Some(floor) = window.floor {
            let ahead = self.queue.range(..ticket).count();
            let paced = self.exit.checked_add(self.pace.wait(ahead));
            let at = paced.map_or(floor, |paced| paced.max(floor));
            // Pacing would pass the deadline: leave at the earliest time of
            // this retry.
            let at = if at < window.deadline { at } else { floor };
            if now < at {
                return Some(at);
            }
            self.exit = self.exit.checked_add(self.pace.gap()).unwrap_or(self.exit);
        }
        self.leave(ticket, woken);
        None
    }

    /// Removes a ticket without a turn, or with an unused one, which passes to
    /// the next ticket.
    pub(super) fn leave(&mut self, ticket: u64, woken: &mut Vec<Waker>) {
        let was_first = self.queue.keys().next() == Some(&ticket);
        match self.queue.remove(&ticket) {
            Some(waker) => {
                woken.extend(waker);
                if was_first {
                    self.wake_first(woken);
                }
            }
            None if self.released.remove(&ticket) => self.give(woken),
            None => {}
        }
    }
}
