use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use crate::store::book::Grant;

/// How long after its time a slot may be used: below the second by which a book counts windows
/// longer, with time for the way to the server.
const VALID: Duration = Duration::from_millis(900);
/// The rest of what is taken ahead goes back with the next reservation; more of it is forgotten.
const MOST_RETURNED: usize = 1024;
/// How many uses of the last moment are remembered: as many slots are taken ahead at most.
const MOST_AHEAD: usize = 64;
/// A slot that begins so long after it was reserved shows that others want slots too.
const CROWDED: Duration = Duration::from_millis(250);
/// No process writes more into a book than what makes this: a queue of thousands of processes, and
/// an hour of `Retry-After`.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The slots that a process has, and who waits for them: without clock, task or lock.
#[derive(Debug, Default)]
pub(super) struct Line {
    slots: VecDeque<Slot>,
    /// By ticket, so in the order in which they came.
    queue: BTreeMap<u64, Option<Waker>>,
    /// Who has a slot and did not look yet.
    given: BTreeMap<u64, Slot>,
    next_ticket: u64,
    returned: Vec<u64>,
    used: VecDeque<Instant>,
    closed_until: Option<Instant>,
    is_crowded: bool,
    /// When the next slot begins that the process makes up by itself.
    alone_next: Option<Instant>,
}

/// A slot by this process's clock.
#[derive(Clone, Copy, Debug)]
struct Slot {
    at: Instant,
    until: Instant,
    /// `None`: the process has made it up.
    name: Option<u64>,
}

/// What somebody who wants a slot gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    Go,
    /// It would begin after the deadline.
    TooLong,
    /// A ticket, and when to look.
    Queued(u64, Instant),
}

/// What somebody who waits shall do.
#[derive(Debug)]
pub(super) enum Turn {
    Go,
    /// Since the slot would begin after the deadline.
    GoWithout,
    /// Look again then. With the waker that was there before.
    Look(Instant, Option<Waker>),
}

impl Line {
    /// Takes a slot that is there, past nobody.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if !self.queue.is_empty() {
            return false;
        }
        self.expire(now);
        let due = self.slots.front().is_some_and(|slot| slot.at <= now);
        if due {
            self.slots.pop_front();
            self.count(now);
        }
        due
    }

    /// `gap`: how far apart slots are, whoever gets them.
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
        let at = match self.slots.get(ahead) {
            Some(slot) => slot.at,
            // Only what is known for sure counts against a caller: nobody gets more than all slots.
            None if !self.is_crowded => now,
            None => {
                let last = self.slots.back().map_or(now, |slot| slot.at.max(now));
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
            if now <= slot.until {
                return Turn::Go;
            }
            // It looked too late: its place in the queue is the old one.
            self.give_back(slot);
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
        let at = self.slots.get(place).map(|slot| slot.at);
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
            self.slots.push_front(slot);
        }
        if let Some(waker) = self.queue.remove(&ticket) {
            woken.extend(waker);
        }
        self.advance(now, woken);
        self.wake_first(woken);
    }

    /// Whether it is time to get more: somebody waits, and there is nothing to wait for. `spare`:
    /// how many slots the process could have besides those that it has.
    pub(super) fn is_short(&mut self, now: Instant, spare: u32) -> bool {
        self.expire(now);
        let lacking = self.queue.len() > self.slots.len();
        lacking && (self.slots.is_empty() || spare > 0)
    }

    /// How many slots there is a use for: those who wait for one, and, where there are none at all,
    /// as many as were used in the time for which a slot is good.
    pub(super) fn want(&mut self, now: Instant) -> u32 {
        self.forget_uses(now);
        let ahead = if self.slots.is_empty() {
            self.used.len()
        } else {
            0
        };
        let lacking = self.queue.len().saturating_sub(self.slots.len());
        u32::try_from(lacking + ahead).unwrap_or(u32::MAX)
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn take_returned(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.returned)
    }

    /// Slots that were reserved `asked` and are known of `now`. Returns how long the last one's wait
    /// is; `None` if no book would grant this.
    pub(super) fn granted(
        &mut self,
        grant: &Grant,
        [asked, now]: [Instant; 2],
        woken: &mut Vec<Waker>,
    ) -> Option<Duration> {
        let waits: Vec<_> = grant.slots.iter().map(|slot| grant.wait(*slot)).collect();
        let longest = waits.iter().max().copied().unwrap_or_default();
        if longest.max(grant.closed) > LONGEST_WAIT || !grant.slots.is_sorted() {
            return None;
        }
        if !grant.closed.is_zero() {
            self.close(now.checked_add(grant.closed)?);
        }
        self.is_crowded = longest > CROWDED;
        // Those that the process has made up while it was alone are not for use any more.
        self.slots.retain(|slot| slot.name.is_some());
        self.alone_next = None;
        for (name, wait) in grant.slots.iter().zip(waits) {
            let slot = Slot {
                at: now.checked_add(wait)?,
                until: asked.checked_add(wait + VALID)?,
                name: Some(*name),
            };
            self.put(slot);
        }
        self.advance(now, woken);
        let first = self.queue.values_mut().take(self.slots.len().max(1));
        woken.extend(first.filter_map(Option::take));
        Some(longest)
    }

    /// One slot that the process allows itself.
    pub(super) fn make_up(&mut self, now: Instant, pace: Duration, woken: &mut Vec<Waker>) {
        let at = self.alone_next.map_or(now, |next| next.max(now));
        // Nobody knows when the others began: so they do not all send in one instant.
        let jitter = pace.mul_f64(fastrand::f64() / 5.0);
        self.alone_next = at.checked_add(pace + jitter);
        self.put(Slot {
            at,
            until: at + VALID,
            name: None,
        });
        self.advance(now, woken);
        self.wake_first(woken);
    }

    /// From now on alone: not all processes at once.
    pub(super) fn begin_alone(&mut self, now: Instant, pace: Duration) {
        self.is_crowded = true;
        self.alone_next = now.checked_add(pace.mul_f64(fastrand::f64()));
    }

    /// No slot before this is any good.
    pub(super) fn close(&mut self, until: Instant) {
        self.closed_until = self.closed_until.max(Some(until));
        self.drop_while(|slot| slot.at < until);
    }

    pub(super) fn wake_all(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.queue.values_mut().filter_map(Option::take));
    }

    /// Nobody waits any more: there is no limit.
    pub(super) fn release(&mut self, woken: &mut Vec<Waker>) {
        self.wake_all(woken);
        self.queue.clear();
    }

    fn put(&mut self, slot: Slot) {
        if self.closed_until.is_some_and(|until| slot.at < until) {
            self.give_back(slot);
            return;
        }
        let place = self.slots.partition_point(|other| other.at <= slot.at);
        self.slots.insert(place, slot);
    }

    /// Gives the slots that are due to the first who wait. Whoever looks does it.
    fn advance(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        self.expire(now);
        let mut gave = false;
        while !self.queue.is_empty() && self.slots.front().is_some_and(|slot| slot.at <= now) {
            let (Some(slot), Some((ticket, waker))) =
                (self.slots.pop_front(), self.queue.pop_first())
            else {
                break;
            };
            self.given.insert(ticket, slot);
            woken.extend(waker);
            self.count(now);
            gave = true;
        }
        if gave {
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

    fn expire(&mut self, now: Instant) {
        self.drop_while(|slot| slot.until < now);
    }

    fn drop_while(&mut self, is_over: impl Fn(&Slot) -> bool) {
        while let Some(slot) = self.slots.front().copied().filter(&is_over) {
            self.slots.pop_front();
            self.give_back(slot);
        }
    }

    fn give_back(&mut self, slot: Slot) {
        if self.returned.len() < MOST_RETURNED {
            self.returned.extend(slot.name);
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
