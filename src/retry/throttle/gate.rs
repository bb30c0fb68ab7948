use std::{
    collections::{BTreeMap, BTreeSet},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

/// A closed gate, and who waits at it.
///
/// Slots are not dealt out in advance: at each interval the first of those who are there gets
/// one. So nothing has to be given back by a waiter who goes away, and the rest moves up.
///
/// Nobody is woken in here, and no waker is dropped: both can run code of the caller's executor,
/// and the table is locked. What is to be woken is put into a list.
#[derive(Debug)]
pub(super) struct Gate {
    /// When the next slot is given.
    next: Instant,
    /// By ticket, so in the order in which they came.
    queue: BTreeMap<u64, Option<Waker>>,
    /// Who has a slot and did not look yet. Emptied when the gate is closed for longer: a slot
    /// from before that is nothing to hand on.
    slots: BTreeSet<u64>,
}

impl Gate {
    pub(super) fn closed_until(next: Instant) -> Self {
        Self {
            next,
            queue: BTreeMap::new(),
            slots: BTreeSet::new(),
        }
    }

    /// Closed for longer: `until` counts if it is not open by `floor` already. Everybody is
    /// woken, since the wait may have become too long for some.
    pub(super) fn extend(&mut self, floor: Instant, until: Instant, woken: &mut Vec<Waker>) {
        if floor > self.next {
            self.next = until;
            self.slots.clear();
            woken.extend(self.queue.values_mut().filter_map(Option::take));
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.queue.is_empty() && now >= self.next
    }

    /// When somebody who came now would get a slot.
    pub(super) fn estimate(&self, now: Instant, interval: Duration) -> Instant {
        self.at(self.queue.len(), now, interval)
    }

    /// When this ticket will get its slot, as it looks now; `None` if it got it.
    pub(super) fn slot(&self, ticket: u64, now: Instant, interval: Duration) -> Option<Instant> {
        self.queue.contains_key(&ticket).then(|| {
            let ahead = self.queue.range(..ticket).count();
            self.at(ahead, now, interval)
        })
    }

    fn at(&self, ahead: usize, now: Instant, interval: Duration) -> Instant {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let first = self.next.max(now);
        first
            .checked_add(interval.saturating_mul(ahead))
            .unwrap_or(first)
    }

    pub(super) fn join(&mut self, ticket: u64) {
        self.queue.insert(ticket, None);
    }

    /// Who to wake when it is this ticket's turn. Gives back the waker that was there before.
    pub(super) fn wait(&mut self, ticket: u64, waker: &Waker) -> Option<Waker> {
        let waiting = self.queue.get_mut(&ticket)?;
        match waiting {
            Some(old) if old.will_wake(waker) => None,
            _ => waiting.replace(waker.clone()),
        }
    }

    /// Gives the slot that is due.
    ///
    /// Whoever looks at the gate does it, so that a first in the queue whose future nobody polls
    /// does not stop the others. One slot that nobody looked for in time is made up for, so that
    /// late timers do not add up; more are not, since that would be a burst.
    pub(super) fn advance(&mut self, now: Instant, interval: Duration, woken: &mut Vec<Waker>) {
        for _ in 0..2 {
            if now < self.next || self.queue.is_empty() {
                return;
            }
            let next = self.next.checked_add(interval);
            self.next = next.map_or(now, |next| next.max(now));
            self.give(woken);
        }
        if now >= self.next {
            self.next = now.checked_add(interval).unwrap_or(now);
        }
    }

    fn give(&mut self, woken: &mut Vec<Waker>) {
        if let Some((ticket, waker)) = self.queue.pop_first() {
            self.slots.insert(ticket);
            woken.extend(waker);
            self.wake_first(woken);
        }
    }

    /// The first in the queue sleeps until the next slot: whoever becomes first has to set its
    /// timer anew.
    fn wake_first(&mut self, woken: &mut Vec<Waker>) {
        if let Some(mut first) = self.queue.first_entry() {
            woken.extend(first.get_mut().take());
        }
    }

    /// Whoever has a slot, and is not in the queue any more, goes.
    pub(super) fn use_slot(&mut self, ticket: u64) {
        self.slots.remove(&ticket);
    }

    /// Somebody goes without a slot, or with one that was not used, which the next one gets.
    pub(super) fn leave(&mut self, ticket: u64, woken: &mut Vec<Waker>) {
        let was_first = self.queue.keys().next() == Some(&ticket);
        match self.queue.remove(&ticket) {
            Some(waker) => {
                woken.extend(waker);
                if was_first {
                    self.wake_first(woken);
                }
            }
            None if self.slots.remove(&ticket) => self.give(woken),
            None => {}
        }
    }
}
