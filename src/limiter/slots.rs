use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::store::{Limit, book::Grant};

/// How long after its start a slot may be used. A book's window is one second
/// longer than the server's; the rest of that second is for the way to the
/// server.
pub(super) const VALID: Duration = Duration::from_millis(900);

// A reservation whose slots have ended counts as failed before its reply.
const _: () = assert!(Limit::LONGEST_OPERATION.as_millis() < VALID.as_millis());

/// How many unused slots are kept for the next reservation to return. More are
/// forgotten: the book then counts them as used until they leave its window.
const MOST_RETURNED: usize = 1024;
/// The longest closure that is reported, and that a grant may contain.
pub(super) const LONGEST_CLOSURE: Duration = Duration::from_secs(3600);
/// The longest wait that a grant may contain besides that for the end of a
/// closure. No plausible book exceeds it: that would take a queue of thousands
/// of processes.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The slots of the process that are to come, and those that it will return to
/// the book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Slots {
    /// Ordered by their start.
    slots: VecDeque<Slot>,
    /// The names of unused slots, at most [`MOST_RETURNED`].
    returned: Vec<u64>,
    /// The end of a `Retry-After`. No slot begins before it.
    closed_until: Option<Instant>,
    /// The start of the next slot that the process makes up.
    alone_next: Option<Instant>,
}

/// A time at which this process may send one request, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    /// The start: no send uses the slot earlier.
    pub(super) at: Instant,
    /// The end: a send that looks later may not use the slot any more.
    pub(super) until: Instant,
    /// The book's name of the slot, for its return. `None` for a slot that the
    /// process made up.
    pub(super) name: Option<u64>,
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns how many of them the book granted.
    pub(super) fn reserved(&self) -> usize {
        self.slots.iter().filter(|slot| slot.name.is_some()).count()
    }

    /// Returns the start of the slot at this place.
    pub(super) fn at(&self, place: usize) -> Option<Instant> {
        self.slots.get(place).map(|slot| slot.at)
    }

    /// Returns the start of the last slot.
    pub(super) fn last_at(&self) -> Option<Instant> {
        self.slots.back().map(|slot| slot.at)
    }

    /// Takes the first slot, if it has begun and is still valid.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Slot> {
        self.expire(now);
        let is_due = self.slots.front().is_some_and(|slot| slot.is_due(now));
        is_due.then(|| self.slots.pop_front()).flatten()
    }

    /// Puts back the slot that was taken last.
    pub(super) fn untake(&mut self, slot: Slot) {
        self.slots.push_front(slot);
    }

    /// Gives the slots that have ended back to the book.
    pub(super) fn expire(&mut self, now: Instant) {
        self.drop_while(|slot| slot.is_over(now));
    }

    /// Gives all slots that begin before this time back to the book, and
    /// accepts no such slot from now on.
    pub(super) fn close(&mut self, until: Instant) {
        self.closed_until = self.closed_until.max(Some(until));
        self.drop_while(|slot| slot.at < until);
    }

    /// Gives the first slots back, as long as they match.
    fn drop_while(&mut self, matches: impl Fn(&Slot) -> bool) {
        while let Some(slot) = self.slots.front().copied().filter(&matches) {
            self.slots.pop_front();
            self.give_back(slot);
        }
    }

    /// Keeps the slot's name for the next reservation. A made-up slot has none.
    pub(super) fn give_back(&mut self, slot: Slot) {
        if self.returned.len() < MOST_RETURNED {
            self.returned.extend(slot.name);
        }
    }

    /// Hands over the names of unused slots. If the reservation with them
    /// fails, they stay reserved until they leave the book's window.
    pub(super) fn take_returned(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.returned)
    }

    /// Adds slots that were granted between these times. Returns the wait of
    /// the last one, or `None` if no book would grant them.
    pub(super) fn granted(&mut self, grant: &Grant, times: [Instant; 2]) -> Option<Duration> {
        let waits: Vec<_> = grant.slots.iter().map(|slot| grant.wait(*slot)).collect();
        let longest = waits.iter().max().copied().unwrap_or_default();
        // A book that was tampered with, or is broken, must not stop the
        // process: its grant counts as a failure.
        let is_closed_too_long = grant.closed > LONGEST_CLOSURE;
        let is_too_late = longest.saturating_sub(grant.closed) > LONGEST_WAIT;
        if is_closed_too_long || is_too_late || !grant.slots.is_sorted() {
            return None;
        }
        // The time of the reply is the later one, so the closure ends late
        // rather than early.
        if !grant.closed.is_zero() {
            self.close(times[1].checked_add(grant.closed)?);
        }
        // Made-up slots are invalid once the book grants slots again.
        self.slots.retain(|slot| slot.name.is_some());
        self.alone_next = None;
        for (name, wait) in grant.slots.iter().zip(waits) {
            self.put(Slot::reserved(*name, wait, times)?);
        }
        Some(longest)
    }

    /// Adds one slot that the process allows itself.
    pub(super) fn make_up(&mut self, now: Instant, pace: Duration) {
        // A slot before the end of the closure would not be accepted.
        let at = Some(now).max(self.alone_next).max(self.closed_until);
        let at = at.unwrap_or(now);
        // The jitter keeps processes from sending in the same instant, since
        // they do not know when the others began. Its mean is zero, so that
        // they use their whole share.
        self.alone_next = at.checked_add(pace.mul_f64(0.9 + fastrand::f64() / 5.0));
        self.put(Slot::made_up(at));
    }

    /// Begins the time without the book, at a random offset, so that not all
    /// processes send at once.
    pub(super) fn begin_alone(&mut self, now: Instant, pace: Duration) {
        self.alone_next = now.checked_add(pace.mul_f64(fastrand::f64()));
    }

    /// Inserts a slot, ordered by its start.
    fn put(&mut self, slot: Slot) {
        // A 429 can arrive after the book granted this slot.
        if self.closed_until.is_some_and(|until| slot.at < until) {
            self.give_back(slot);
            return;
        }
        let place = self.slots.partition_point(|other| other.at <= slot.at);
        self.slots.insert(place, slot);
    }
}

impl Slot {
    /// Converts a slot of a book, which begins `wait` after its grant.
    ///
    /// The store granted it at some time between the two instants, which the
    /// process cannot know. So the slot begins by the later one and ends by the
    /// earlier one. `None` if the clock cannot represent the times.
    pub(super) fn reserved(
        name: u64,
        wait: Duration,
        [asked, answered]: [Instant; 2],
    ) -> Option<Self> {
        Some(Self {
            at: answered.checked_add(wait)?,
            until: asked.checked_add(wait + VALID)?,
            name: Some(name),
        })
    }

    /// Creates a slot that the process allows itself.
    pub(super) fn made_up(at: Instant) -> Self {
        Self {
            at,
            until: at + VALID,
            name: None,
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at <= now
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until < now
    }
}
