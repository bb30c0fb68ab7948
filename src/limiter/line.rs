use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    slot::{Slot, VALID},
    slots::Slots,
};
use crate::store::book::Grant;

/// How many uses of the last moment are remembered: as many slots are taken ahead at most.
const MOST_AHEAD: usize = 64;
/// A slot that begins so long after it was reserved shows that others want slots too.
const CROWDED: Duration = Duration::from_millis(250);

/// Who waits for a slot of this process: without clock, task or lock.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) slots: Slots,
    /// By ticket, so in the order in which they came.
    queue: BTreeMap<u64, Option<Waker>>,
    /// Who has a slot and did not look yet.
    given: BTreeMap<u64, Slot>,
    next_ticket: u64,
    used: VecDeque<Instant>,
    is_crowded: bool,
}

/// The answer to a send that wants a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    Go,
    /// It would begin after the deadline.
    TooLong,
    /// A ticket, and when to look.
    Queued(u64, Instant),
}

/// The next step of a send that waits.
#[derive(Debug)]
pub(super) enum Turn {
    Go,
    /// Since the slot would begin after the deadline.
    GoWithout,
    /// Look again then. With the waker that was there before.
    Look(Instant, Option<Waker>),
}

impl Line {
    /// Takes a slot that is there, unless another send waits for one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if !self.queue.is_empty() {
            return false;
        }
        let taken = self.slots.take_due(now).is_some();
        if taken {
            self.count(now);
        }
        taken
    }

    /// `gap`: how far apart the slots of all processes are.
    pub(super) fn join(
        &mut self,
        now: Instant,
        deadline: Instant,
        gap: Duration,
        woken: &mut Vec<Waker>,
    ) -> Joined {
        self.advance(now, woken);
        if self.take(now) {
            return Joined::Go;
        }
        let ahead = self.queue.len();
        let at = match self.slots.at(ahead) {
            Some(at) => at,
            // Only what is known for sure counts against a caller: a process gets all slots at most.
            None if !self.is_crowded => now,
            None => {
                let last = self.slots.last_at().map_or(now, |at| at.max(now));
                let more = u32::try_from(ahead - self.slots.len()).unwrap_or(u32::MAX);
                let wait = gap.saturating_mul(more);
                last.checked_add(wait).unwrap_or(deadline)
            }
        };
        if at >= deadline {
            return Joined::TooLong;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.queue.insert(ticket, None);
        Joined::Queued(ticket, at)
    }

    pub(super) fn poll(
        &mut self,
        ticket: u64,
        now: Instant,
        deadline: Instant,
        waker: &Waker,
        woken: &mut Vec<Waker>,
    ) -> Turn {
        self.advance(now, woken);
        if let Some(slot) = self.given.remove(&ticket) {
            if !slot.is_over(now) {
                return Turn::Go;
            }
            // It looked too late: its place in the queue is the old one.
            self.slots.give_back(slot);
            self.queue.insert(ticket, None);
            self.advance(now, woken);
            if self.given.remove(&ticket).is_some() {
                return Turn::Go;
            }
        }
        if !self.queue.contains_key(&ticket) {
            return Turn::Go;
        }
        let place = self.queue.range(..ticket).count();
        let at = self.slots.at(place);
        if at.unwrap_or(now) >= deadline {
            self.leave(ticket, now, woken);
            return Turn::GoWithout;
        }
        let old = self.queue.get_mut(&ticket).and_then(|old| match old {
            Some(old) if old.will_wake(waker) => None,
            _ => old.replace(waker.clone()),
        });
        Turn::Look(at.unwrap_or(deadline), old)
    }

    /// Somebody goes away: what was for them is for the next.
    pub(super) fn leave(&mut self, ticket: u64, now: Instant, woken: &mut Vec<Waker>) {
        if let Some(slot) = self.given.remove(&ticket) {
            self.slots.untake(slot);
        }
        if let Some(waker) = self.queue.remove(&ticket) {
            woken.extend(waker);
        }
        self.advance(now, woken);
        self.wake_first(woken);
    }

    /// Whether it is time to get more: a send waits, and has no slot to wait for. `spare`:
    /// how many slots the process could have besides those that it has.
    pub(super) fn is_short(&mut self, now: Instant, spare: u32) -> bool {
        self.slots.expire(now);
        let lacking = self.queue.len() > self.slots.len();
        lacking && (self.slots.is_empty() || spare > 0)
    }

    /// How many slots there is a use for: one for each that waits, and, where the process has no slot,
    /// as many as were used in the time for which a slot is good. Slots that the process has made up
    /// end with the answer, so they do not count.
    pub(super) fn want(&mut self, now: Instant) -> u32 {
        self.forget_uses(now);
        let reserved = self.slots.reserved();
        let ahead = if reserved == 0 { self.used.len() } else { 0 };
        let lacking = self.queue.len().saturating_sub(reserved);
        u32::try_from(lacking + ahead).unwrap_or(u32::MAX)
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Slots that were reserved and are known of between these times. Returns how long the last
    /// one's wait is; `None` if no book would grant this.
    pub(super) fn granted(
        &mut self,
        grant: &Grant,
        times: [Instant; 2],
        woken: &mut Vec<Waker>,
    ) -> Option<Duration> {
        let longest = self.slots.granted(grant, times)?;
        self.is_crowded = longest > CROWDED;
        self.advance(times[1], woken);
        let first = self.queue.values_mut().take(self.slots.len().max(1));
        woken.extend(first.filter_map(Option::take));
        Some(longest)
    }

    /// One slot that the process allows itself.
    pub(super) fn make_up(&mut self, now: Instant, pace: Duration, woken: &mut Vec<Waker>) {
        self.slots.make_up(now, pace);
        self.advance(now, woken);
        self.wake_first(woken);
    }

    /// From now on alone: not all processes at once.
    pub(super) fn begin_alone(&mut self, now: Instant, pace: Duration) {
        self.is_crowded = true;
        self.slots.begin_alone(now, pace);
    }

    pub(super) fn wake_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.queue.values_mut().filter_map(Option::take));
    }

    /// Lets all go, where the process knows no limit.
    pub(super) fn release(&mut self, woken: &mut Vec<Waker>) {
        self.wake_all(woken);
        self.queue.clear();
    }

    /// Gives the slots that are due to the first who wait. Whoever looks does it.
    fn advance(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        self.slots.expire(now);
        let mut gave = false;
        while !self.queue.is_empty() {
            let Some(slot) = self.slots.take_due(now) else {
                break;
            };
            if let Some((ticket, waker)) = self.queue.pop_first() {
                self.given.insert(ticket, slot);
                woken.extend(waker);
                self.count(now);
                gave = true;
            }
        }
        if gave {
            self.wake_first(woken);
        }
    }

    /// The first in the queue sleeps until the next slot: one that becomes first sets its timer
    /// again.
    fn wake_first(&mut self, woken: &mut Vec<Waker>) {
        if let Some(mut first) = self.queue.first_entry() {
            woken.extend(first.get_mut().take());
        }
    }

    fn count(&mut self, now: Instant) {
        self.forget_uses(now);
        if self.used.len() < MOST_AHEAD {
            self.used.push_back(now);
        }
    }

    fn forget_uses(&mut self, now: Instant) {
        while let Some(used) = self.used.front() {
            if now.saturating_duration_since(*used) <= VALID {
                break;
            }
            self.used.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
