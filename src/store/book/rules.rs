//! The rules by which a book grants slots.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Grant, Refusal, Reservation, Terms};

/// The state of a book under one key, with the rules of
/// [`SlotBook`](super::SlotBook), without a clock or a lock.
///
/// `redis/lua/slots.lua` has the same rules in Lua, and the conformance suite
/// compares both. All times are microseconds since 1970, by the store's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Book {
    /// `None` until a process states a limit, and again once the page has
    /// expired.
    page: Option<Page>,
}

/// What a book knows once a limit is stated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Page {
    /// The limit in use, in sends a minute: the lowest that was stated lately.
    limit: u32,
    /// The last time at which this limit or a lower one was stated.
    limit_at: u64,
    /// The begin of the next slot that is not part of a burst.
    next: u64,
    /// The saved time of past pauses. Each slot of a burst costs the time of
    /// one slot.
    credit: u64,
    /// The end of the server's last `Retry-After`. No slot begins before.
    closed: u64,
    /// The slots of the last window and of the future, in order. Each one is
    /// later than all before it, so it is appended, and found by bisection: a
    /// grant must not walk through the 100,000 slots of the highest limit.
    log: VecDeque<u64>,
    /// The latest slot ever granted. Each further one is later.
    last: u64,
    /// The active owners.
    owners: BTreeMap<[u8; 16], Account>,
    /// The time of the last change, by which a clock that was set back shows.
    touched: u64,
    /// When the page may be forgotten.
    expires: u64,
}

/// The account of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Account {
    /// The end of its activity: a while after its last slot.
    until: u64,
    /// The time up to which it has received its share.
    paid: u64,
}

/// The span in which no more slots than the limit begin.
pub(super) const WINDOW: u64 = Terms::WINDOW.as_secs() * 1_000_000;
/// How far ahead a process may reserve. A longer horizon would save operations
/// that cost nothing at this rate, and make other processes wait longer.
const HORIZON: u64 = 2_000_000;
/// The largest number of slots in one grant, because a script's reply is
/// bounded.
const MOST: u64 = 1000;
/// The width of a burst. Its slots are a microsecond apart, since its time
/// identifies each slot.
const BURST_WIDTH: u64 = 10_000;
/// How far a store's clock may be slewed back. A larger step means that the
/// clock was set back.
const SET_BACK: u64 = 1_000_000;

impl Book {
    /// Reserves slots, or reports the limit if `terms` is `None`. Returns
    /// `None` if no limit is known.
    pub(crate) fn reserve(&mut self, reservation: &Reservation, now: Duration) -> Option<Grant> {
        let now = micros(now);
        self.forget(now);
        let Some(terms) = reservation.terms else {
            return self
                .page
                .as_ref()
                .map(|page| page.grant(Vec::new(), 0, now));
        };
        let page = self.page(terms, reservation.is_known || reservation.was_alone, now);
        page.state_limit(terms, now);
        page.trim(now);
        // After the limit is known: it decides how much a slot is worth.
        let gap = page.gap();
        let most = gap * u64::from(terms.burst().min(page.limit));
        page.take_back(
            reservation.owner.as_bytes(),
            &reservation.returned,
            gap,
            now,
        );
        page.rest(most, now);
        // It has sent without slots, so an unknown part of the window is used
        // up.
        if reservation.was_alone {
            page.credit = 0;
        }
        let (slots, share) = page.take(*reservation.owner.as_bytes(), reservation.want, now);
        page.keep(now);
        Some(page.grant(slots, share, now))
    }

    /// Closes the book for the time that the server asked for.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, now: Duration) {
        let now = micros(now);
        self.forget(now);
        let page = self.page(refusal.terms, true, now);
        page.state_limit(refusal.terms, now);
        page.trim(now);
        page.closed = page.closed.max(now + micros(refusal.wait));
        page.next = page.next.max(page.closed);
        // The server counted more sends than the book, so no time is saved up.
        page.credit = 0;
        page.keep(now);
    }

    /// Returns whether a store may forget the book: no later reservation would
    /// depend on it.
    pub(crate) fn is_over(&self, now: Duration) -> bool {
        let now = micros(now);
        self.page.as_ref().is_none_or(|page| page.is_over(now))
    }

    /// Forgets a page that has expired.
    fn forget(&mut self, now: u64) {
        self.page.take_if(|page| page.is_over(now));
    }

    /// Returns the page, or begins one for this limit. A new page grants a
    /// burst, unless its predecessor may have been lost.
    fn page(&mut self, terms: Terms, without_burst: bool, now: u64) -> &mut Page {
        // A whole window of saved time, which `rest` lowers to the burst.
        let credit = if without_burst { 0 } else { WINDOW };
        self.page.get_or_insert_with(|| Page {
            limit: terms.limit(),
            limit_at: now,
            next: now,
            credit,
            closed: 0,
            log: VecDeque::new(),
            last: 0,
            owners: BTreeMap::new(),
            touched: now,
            expires: 0,
        })
    }
}

impl Page {
    /// Returns whether the page has expired, or its clock was set back since,
    /// so that the begin of its slots is unknown.
    fn is_over(&self, now: u64) -> bool {
        self.expires <= now || self.touched > now + SET_BACK
    }

    /// Returns the distance of slots that are spread evenly over a window.
    fn gap(&self) -> u64 {
        WINDOW / u64::from(self.limit)
    }

    /// Keeps the lowest limit for as long as a process states it.
    fn state_limit(&mut self, terms: Terms, now: u64) {
        // After two windows in which no process stated the lower limit, it
        // ends.
        if terms.limit() <= self.limit || now.saturating_sub(self.limit_at) >= 2 * WINDOW {
            self.limit = terms.limit();
            self.limit_at = now;
        }
    }

    /// Forgets slots before the window, and inactive owners.
    fn trim(&mut self, now: u64) {
        self.log.drain(..self.before_window(now));
        self.owners.retain(|_, account| account.until > now);
    }

    /// Frees slots that their owner did not use.
    fn take_back(&mut self, owner: &[u8; 16], returned: &[u64], gap: u64, now: u64) {
        for slot in returned {
            // Unknown, or returned already: a repeated reservation counts once.
            let Ok(place) = self.log.binary_search(slot) else {
                continue;
            };
            self.log.remove(place);
            if *slot <= now {
                // Time that passed without a send, which a burst may use.
                self.credit += gap;
            } else if let Some(account) = self.owners.get_mut(owner) {
                // As if it had no slot to come: the caller then gets one at
                // least, and `take` makes it active again.
                *account = Account {
                    until: now,
                    paid: now,
                };
            }
        }
    }

    /// Saves up the time in which no owner wanted a slot, for a burst.
    fn rest(&mut self, most: u64, now: u64) {
        let rested = now.saturating_sub(self.next);
        self.credit = self.credit.saturating_add(rested).min(most);
        self.next = self.next.max(now);
    }

    /// Grants each owner an equal share of the time ahead, and at least one
    /// slot if it has none.
    fn take(&mut self, owner: [u8; 16], want: u32, now: u64) -> (Vec<u64>, u64) {
        let gap = self.gap();
        // The owner counts itself, so that its first share is fair, too.
        let account = self.owners.get(&owner).copied();
        let account = account.unwrap_or(Account { until: 0, paid: 0 });
        self.owners.insert(owner, account);
        let owners = self.owners.len() as u64;
        let turn = owners * gap.max(self.spread(self.last));
        let paid = account.paid.max(now);
        // The rest of its share of the time up to the horizon.
        let share = (now + HORIZON).saturating_sub(paid) / turn;
        let burst = self.credit / gap / owners;
        // The activity ends a horizon after the last slot, so beyond the
        // horizon from now means a slot to come.
        let has_one = account.until > now + HORIZON;
        let share = share.max(burst).max(u64::from(!has_one));
        let slots: Vec<u64> = (0..share.min(u64::from(want)).min(MOST))
            .map(|_| self.next_slot(gap, now))
            .collect();
        // Without a slot, the owner stays active for a horizon, since it waits.
        let last = slots.last().copied().unwrap_or(0).max(now);
        let last = last.max(account.until.saturating_sub(HORIZON));
        self.owners.insert(
            owner,
            Account {
                until: last + HORIZON,
                paid: (paid + slots.len() as u64 * turn).min(last),
            },
        );
        (slots, share)
    }

    /// Grants the earliest slot after all others that fits the limit, or one
    /// now for saved time.
    fn next_slot(&mut self, gap: u64, now: u64) -> u64 {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        // The slot that must leave the window before another one fits in.
        let leaves = self.log.len().checked_sub(limit);
        let leaves = leaves.and_then(|place| self.log.get(place));
        let freed = leaves.map_or(0, |slot| slot + WINDOW);
        let earliest = freed.max(self.last + 1).max(self.closed).max(now);
        let mut slot = earliest.max(self.next);
        // A burst ends where the limit or a closure would delay it: then it
        // would gain nothing.
        if slot > now && self.credit >= gap && earliest <= now + BURST_WIDTH {
            self.credit -= gap;
            slot = earliest;
        }
        self.log.push_back(slot);
        self.last = slot;
        self.next = slot + gap.max(self.spread(slot));
        slot
    }

    /// Returns the distance of the window's remaining slots when they are
    /// spread over it evenly, so that no silence follows a burst.
    fn spread(&self, slot: u64) -> u64 {
        let before = self.before_window(slot);
        let Some(first) = self.log.get(before) else {
            return 0;
        };
        let taken = (self.log.len() - before) as u64;
        let left = u64::from(self.limit).saturating_sub(taken);
        (first + WINDOW - slot).checked_div(left).unwrap_or(0)
    }

    /// Returns how many slots begin before the window that ends at this time.
    fn before_window(&self, end: u64) -> usize {
        let begin = end.saturating_sub(WINDOW);
        self.log.partition_point(|slot| *slot <= begin)
    }

    /// Records a change, which extends the life of the page by two windows
    /// after its last slot.
    fn keep(&mut self, now: u64) {
        self.touched = now;
        self.expires = now.max(self.last).max(self.closed) + 2 * WINDOW;
    }

    /// Returns the answer to a reservation.
    fn grant(&self, slots: Vec<u64>, share: u64, now: u64) -> Grant {
        Grant {
            share: u32::try_from(share).unwrap_or(u32::MAX),
            now: Duration::from_micros(now),
            slots,
            owners: u32::try_from(self.owners.len()).unwrap_or(u32::MAX),
            limit: self.limit,
            closed: Duration::from_micros(self.closed.saturating_sub(now)),
            replaces: None,
        }
    }
}

/// The last time of a book. Far below 2^53, the end of the range in which a
/// script's numbers are exact.
const LAST: u64 = 1 << 52;

/// Returns microseconds, at most [`LAST`].
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).map_or(LAST, |micros| micros.min(LAST))
}

#[cfg(test)]
mod tests;
