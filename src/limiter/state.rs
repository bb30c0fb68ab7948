use std::{task::Waker, time::Duration};

use tokio::time::Instant;

use super::{
    agreed::Agreed,
    contact::Contact,
    effects::{Ask, Effects, Notices},
    line::{Joined, Line, Turn},
    slots::LONGEST_CLOSURE,
};
use crate::store::{
    Limit, Operation, StoreErrorKind,
    book::{Grant, LimitEvent, Terms},
};

/// The decisions of one process about the limit, without a clock, a task or a
/// lock.
///
/// `handle.rs` passes each event with its time, under the lock, and carries out
/// the [`Effects`] after it. The process is in one of three modes:
///
/// | mode | known | a send |
/// |---|---|---|
/// | free | no limit, or no number of processes when the book failed | goes at once |
/// | with the book | the limit | waits for a reserved slot |
/// | alone, after a failure of the book | the limit and the number of processes | waits for a made-up slot |
#[derive(Debug)]
pub(super) struct State {
    agreed: Agreed,
    line: Line,
    contact: Contact,
    notices: Notices,
    /// The last known number of processes. Zero before the first grant.
    owners: u32,
    /// How many more slots the book would have granted, if asked for them.
    spare: u32,
}

impl State {
    /// `patience` is the time after which a reservation counts as lost.
    pub(super) fn new(limit: Limit, patience: Duration) -> Self {
        Self {
            agreed: Agreed::new(limit),
            line: Line::default(),
            contact: Contact::new(patience),
            notices: Notices::default(),
            owners: 0,
            spare: 0,
        }
    }

    /// Returns whether sends need slots: the process knows the limit, and how
    /// to get slots.
    fn is_pacing(&self) -> bool {
        // A process that has never reached the book cannot know its share, so
        // it sends freely.
        self.agreed.terms().is_some() && (self.contact.alone_until().is_none() || self.owners > 0)
    }

    /// Returns the distance between slots of this process if all processes want
    /// some. Slots that the process makes up have it.
    fn pace(&self) -> Duration {
        self.agreed.gap().saturating_mul(self.owners.max(1))
    }

    /// Takes a slot at hand, and returns whether the send may go. It needs none
    /// while the process is free.
    pub(super) fn take(&mut self, now: Instant, effects: &mut Effects) -> bool {
        if self.is_pacing() {
            return self.line.take(now);
        }
        self.look(now, effects);
        true
    }

    /// Takes a slot, or a place in the queue for one.
    pub(super) fn join(
        &mut self,
        now: Instant,
        deadline: Instant,
        effects: &mut Effects,
    ) -> Joined {
        if !self.is_pacing() {
            self.look(now, effects);
            return Joined::Go;
        }
        let gap = self.agreed.gap();
        let joined = self.line.join(now, deadline, gap, &mut effects.woken);
        if joined == Joined::TooLong {
            effects.events.push(LimitEvent::WentWithout {});
        }
        self.supply(now, effects);
        joined
    }

    /// Returns what the waiting send with this ticket does next.
    pub(super) fn poll(
        &mut self,
        ticket: u64,
        deadline: Instant,
        now: Instant,
        waker: &Waker,
        effects: &mut Effects,
    ) -> Turn {
        let woken = &mut effects.woken;
        let turn = self.line.poll(ticket, now, deadline, waker, woken);
        self.supply(now, effects);
        match turn {
            // A waiting send also watches over the reservation: nothing else
            // notices that its task is lost.
            Turn::Look(at, old) => Turn::Look(self.contact.not_after_patience(at, now), old),
            Turn::GoWithout => {
                effects.events.push(LimitEvent::WentWithout {});
                turn
            }
            Turn::Go => turn,
        }
    }

    /// Removes a waiting send that was dropped.
    ///
    /// The next one is woken, and reserves if slots are missing: a send may be
    /// dropped outside of a runtime, where no reservation can start.
    pub(super) fn leave(&mut self, ticket: u64, now: Instant, effects: &mut Effects) {
        self.line.leave(ticket, now, &mut effects.woken);
    }

    /// Supplies the waiting sends with slots: from the book, or made up.
    fn supply(&mut self, now: Instant, effects: &mut Effects) {
        // The mode may have become free since the sends joined the queue.
        if !self.is_pacing() {
            self.line.release(&mut effects.woken);
            return;
        }
        if !self.line.is_short(now, self.spare) {
            return;
        }
        // Alone, a slot is made up even when it is time to try the book again:
        // the sends do not wait for its reply.
        if let Some(until) = self.contact.alone_until() {
            let pace = self.pace();
            self.line.make_up(now, pace, &mut effects.woken);
            if now < until {
                return;
            }
        }
        self.ask(now, effects);
    }

    /// Asks from time to time whether sends need slots, while they need none.
    fn look(&mut self, now: Instant, effects: &mut Effects) {
        if self.contact.is_to_look(self.agreed.terms().is_some(), now) {
            self.ask(now, effects);
        }
    }

    /// Begins a reservation, unless one is in flight.
    fn ask(&mut self, now: Instant, effects: &mut Effects) {
        let terms = self.agreed.terms();
        let Some(id) = self.contact.begin(now, terms.is_some()) else {
            return;
        };
        effects.ask = Some(Ask {
            id,
            terms,
            want: terms.map_or(0, |_| self.line.want(now)),
            returned: self.line.slots.take_returned(),
            is_known: self.contact.is_known(now),
            was_alone: self.contact.was_alone(),
        });
    }

    /// Records the book's reply to a reservation. `grant` is `None` if no
    /// process has stated a limit. `times`: when it was sent, and now.
    pub(super) fn replied(
        &mut self,
        id: u64,
        grant: Option<&Grant>,
        times: [Instant; 2],
        effects: &mut Effects,
    ) {
        // A late reply to a reservation that counts as lost: its slots are
        // lost, too.
        if !self.contact.is_current(id) {
            return;
        }
        let (now, states_limit) = (times[1], self.contact.states_limit());
        let Some(grant) = grant else {
            // A book knows at least the limit that was stated to it.
            if states_limit {
                return self.failed(id, StoreErrorKind::Corrupt, now, effects);
            }
            self.contact.end();
            // A 429 may have named a limit meanwhile, and sends wait since.
            return self.supply(now, effects);
        };
        let Some(longest) = self.line.granted(grant, times, &mut effects.woken) else {
            return self.failed(id, StoreErrorKind::Corrupt, now, effects);
        };
        if self.contact.succeeded(now) {
            effects.events.push(LimitEvent::Rejoined {});
        }
        self.owners = grant.owners.max(1);
        let got = u32::try_from(grant.slots.len()).unwrap_or(u32::MAX);
        self.spare = grant.share.saturating_sub(got);
        if let Some(closed) = now.checked_add(grant.closed).filter(|at| *at > now) {
            // The other processes learn of the closure from the book, too.
            self.notices.closes(closed);
        }
        if let Some(kind) = grant.replaces {
            effects.events.push(LimitEvent::Replaced { kind });
        }
        self.agreed.told(grant.limit, &mut effects.events);
        self.report(got, longest, now, effects);
        // The rules grant one slot at least; a custom book that grants none
        // would be asked in a loop.
        if states_limit && self.line.waiting() > 0 && got == 0 {
            self.contact.rest(now);
        }
        self.supply(now, effects);
    }

    /// Reports a grant of `got` slots, the last of which begins after
    /// `longest`.
    fn report(&mut self, got: u32, longest: Duration, now: Instant, effects: &mut Effects) {
        let (limit, owners) = (self.agreed.in_use(), self.owners);
        if got > 0 {
            effects.events.push(LimitEvent::Reserved {
                slots: got,
                limit,
                owners,
            });
        }
        if self.line.waiting() > 0 && self.notices.begins(longest, now) {
            effects.events.push(LimitEvent::WaitingBegan {
                limit,
                owners,
                wait: longest,
            });
        }
    }

    /// Records a reservation that failed. The first failure makes the process
    /// go alone.
    pub(super) fn failed(
        &mut self,
        id: u64,
        kind: StoreErrorKind,
        now: Instant,
        effects: &mut Effects,
    ) {
        if !self.contact.is_current(id) {
            return;
        }
        effects.events.push(LimitEvent::Failed {
            operation: Operation::Reserve,
            kind,
        });
        let was_within = self.contact.failed(now);
        // Without a limit there is nothing to keep to, and a process that is
        // alone already keeps its made-up slots.
        if self.agreed.terms().is_none() || !was_within {
            return;
        }
        self.contact.go_alone();
        let owners = self.owners;
        effects.events.push(LimitEvent::WentAlone { owners });
        let pace = self.pace();
        self.line.begin_alone(now, pace);
        // The waiting sends have timers for slots of the book, and must look at
        // the made-up ones.
        self.line.wake_all(&mut effects.woken);
        self.supply(now, effects);
    }

    /// Records a 429. Returns the news for the other processes, unless they
    /// have been told.
    pub(super) fn refused(
        &mut self,
        until: Instant,
        named: Option<u32>,
        now: Instant,
        effects: &mut Effects,
    ) -> Option<(Terms, Duration)> {
        let before = self.agreed.in_use();
        if let Some(limit) = named {
            self.agreed.named(limit, &mut effects.events);
        }
        let terms = self.agreed.terms()?;
        self.line.slots.close(until);
        self.line.wake_all(&mut effects.woken);
        // A lower limit is news even during a known closure: the other
        // processes must keep it.
        let is_lower = terms.limit() < before;
        if !self.notices.closes(until) && !is_lower {
            return None;
        }
        let wait = until.saturating_duration_since(now).min(LONGEST_CLOSURE);
        effects.events.push(LimitEvent::Refused { wait });
        Some((terms, wait))
    }
}

#[cfg(test)]
mod tests;
