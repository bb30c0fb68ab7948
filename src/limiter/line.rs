use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use super::slots::{Slot, Slots, VALID};
use crate::store::book::Grant;

/// How many recent uses are remembered. It bounds the number of slots that are
/// reserved ahead of any send.
const MOST_AHEAD: usize = 64;
/// A slot that begins this long after its reservation shows that the limit is
/// used up, so that further slots begin later still.
const CROWDED: Duration = Duration::from_millis(250);

/// The queue for slots of this process, without a clock, a task or a lock.
///
/// No slot is assigned in advance: a slot that is due goes to the first send in
/// the queue. So a send that leaves changes nothing for those before it, and
/// moves those after it up.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The slots that are to come.
    pub(super) slots: Slots,
    /// The sends without a slot, by ticket, so in order of arrival.
    queue: BTreeMap<u64, Option<Waker>>,
    /// The slots that were given to sends which have not looked since.
    given: BTreeMap<u64, Slot>,
    /// The ticket of the next send that joins the queue.
    next_ticket: u64,
    /// When the slots of the last 0.9 seconds were used, at most
    /// [`MOST_AHEAD`]. As many are reserved ahead.
    used: VecDeque<Instant>,
    /// Whether the limit is used up, as far as the last grant shows.
    is_crowded: bool,
}

/// The result of asking for a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The send has a slot, or needs none.
    Go,
    /// The slot would begin after the deadline: the send goes without one.
    TooLong,
    /// The send waits. Contains its ticket, and when to look.
    Queued(u64, Instant),
}

/// The next step of a waiting send.
#[derive(Debug)]
pub(super) enum Turn {
    /// Go with a slot, or because the process knows no limit any more.
    Go,
    /// Go, because the slot would begin after the deadline.
    GoWithout,
    /// Look again at that time. Contains the replaced waker.
    Look(Instant, Option<Waker>),
}

impl Line {
    /// Takes a slot at hand, unless another send waits for one.
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

    /// Takes a slot or a place in the queue. `gap` is the distance between
    /// slots of all processes.
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
            // Only a wait that is certain turns a send away.
            None if !self.is_crowded => now,
            // In a crowd, the missing slots follow the last one, at best at
            // the pace of all processes together.
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

    /// Returns what a waiting send does next. If it waits on, `waker` replaces
    /// its last one.
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
            // The send looked too late. It keeps its old place in the queue.
            self.slots.give_back(slot);
            self.queue.insert(ticket, None);
            self.advance(now, woken);
            if self.given.remove(&ticket).is_some() {
                return Turn::Go;
            }
        }
        // `release` has emptied the queue: no send needs a slot.
        if !self.queue.contains_key(&ticket) {
            return Turn::Go;
        }
        // Counted as far as there are slots: the queue may have thousands.
        let ahead = self.queue.range(..ticket).take(self.slots.len());
        let at = self.slots.at(ahead.count());
        // Without a slot in sight the send waits until its deadline, because a
        // grant may still bring one in time.
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

    /// Removes a send. Its slot goes to the next one.
    ///
    /// A no-op for a send that has gone.
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

    /// Returns whether to reserve more: a send waits without a slot to wait
    /// for, and the process has no slot or may have `spare` more. Asked for
    /// more than its share, the book would grant nothing.
    pub(super) fn is_short(&mut self, now: Instant, spare: u32) -> bool {
        self.slots.expire(now);
        let lacking = self.queue.len() > self.slots.len();
        lacking && (self.slots.is_empty() || spare > 0)
    }

    /// Returns how many slots the process can use: one for each waiting send,
    /// and, if it has no slot, as many as were used during the validity of one.
    ///
    /// Made-up slots end with the grant, so they do not count.
    pub(super) fn want(&mut self, now: Instant) -> u32 {
        self.forget_uses(now);
        let reserved = self.slots.reserved();
        let ahead = if reserved == 0 { self.used.len() } else { 0 };
        let lacking = self.queue.len().saturating_sub(reserved);
        u32::try_from(lacking + ahead).unwrap_or(u32::MAX)
    }

    /// Returns how many sends wait for a slot.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Adds slots that were granted between these times. Returns the wait of
    /// the last one, or `None` if no book would grant them.
    pub(super) fn granted(
        &mut self,
        grant: &Grant,
        times: [Instant; 2],
        woken: &mut Vec<Waker>,
    ) -> Option<Duration> {
        let longest = self.slots.granted(grant, times)?;
        self.is_crowded = longest > CROWDED;
        self.advance(times[1], woken);
        // The sends with a slot to come set their timers. Without any slot, one
        // send looks again, to reserve more.
        let first = self.queue.values_mut().take(self.slots.len().max(1));
        woken.extend(first.filter_map(Option::take));
        Some(longest)
    }

    /// Adds one slot that the process allows itself.
    pub(super) fn make_up(&mut self, now: Instant, pace: Duration, woken: &mut Vec<Waker>) {
        self.slots.make_up(now, pace);
        self.advance(now, woken);
        self.wake_first(woken);
    }

    /// Begins the time without the book, at a random offset.
    pub(super) fn begin_alone(&mut self, now: Instant, pace: Duration) {
        // The process gets its share only, so waits can be predicted.
        self.is_crowded = true;
        self.slots.begin_alone(now, pace);
    }

    /// Wakes all waiting sends, so that they look again.
    pub(super) fn wake_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.queue.values_mut().filter_map(Option::take));
    }

    /// Lets all sends go, because the process knows no limit.
    pub(super) fn release(&mut self, woken: &mut Vec<Waker>) {
        self.wake_all(woken);
        self.queue.clear();
    }

    /// Gives the slots that are due to the first waiting sends. Every send that
    /// looks does it, so a send that is never polled blocks no other.
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

    /// Wakes the first in the queue, so that it sets its timer to the next
    /// slot, or reserves more. The others need no timer: each gets its turn to
    /// be the first.
    fn wake_first(&mut self, woken: &mut Vec<Waker>) {
        if let Some(mut first) = self.queue.first_entry() {
            woken.extend(first.get_mut().take());
        }
    }

    /// Counts the use of a slot.
    fn count(&mut self, now: Instant) {
        self.forget_uses(now);
        if self.used.len() < MOST_AHEAD {
            self.used.push_back(now);
        }
    }

    /// Forgets the uses before the validity of a slot that is reserved now.
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
