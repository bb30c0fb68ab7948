use std::{task::Waker, time::Duration};

use tokio::time::Instant;

use super::line::{Joined, LONGEST_WAIT, Line, Turn};
use crate::store::{
    Limit, Operation, StoreErrorKind,
    book::{Grant, LimitEvent, Terms},
};

/// Until a process that could not reach the book looks for it again.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// Until a process that knows no limit asks the book whether another one does.
const LOOK_AFTER: Duration = Duration::from_secs(60);
/// After so long without one that waits, the next is worth a warning again.
const CALM: Duration = Duration::from_secs(60);
/// A wait that is worth a warning.
const WORTH_A_WARNING: Duration = Duration::from_secs(1);
/// Until the next reservation after one that brought no slot, which the rules rule out.
const EMPTY_HANDED: Duration = Duration::from_millis(250);
/// What is closed until about the same time was told already.
const SAME: Duration = Duration::from_secs(1);

/// What one process knows of the limit, and decides: without clock, task or lock.
#[derive(Debug)]
pub(super) struct State {
    limit: Limit,
    /// The limit as this process states it; `None`: it knows none.
    terms: Option<Terms>,
    /// The limit in use.
    in_use: u32,
    pub(super) line: Line,
    /// How many processes there are, as far as is known.
    owners: u32,
    /// How many slots it could have got besides those that it has.
    spare: u32,
    granted_at: Option<Instant>,
    /// Without the book: when to look for it again.
    alone_until: Option<Instant>,
    was_alone: bool,
    look_at: Option<Instant>,
    asking: Option<(u64, Instant)>,
    asks: u64,
    resting_until: Option<Instant>,
    told_until: Option<Instant>,
    waited_at: Option<Instant>,
    /// How long an operation may take, and what it needs before.
    patience: Duration,
}

/// What is to be done once the lock is gone.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) woken: Vec<Waker>,
    pub(super) events: Vec<LimitEvent>,
    pub(super) ask: Option<Ask>,
}

/// A reservation that is to be made.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) id: u64,
    pub(super) terms: Option<Terms>,
    pub(super) want: u32,
    pub(super) returned: Vec<u64>,
    pub(super) is_known: bool,
    pub(super) was_alone: bool,
}

impl State {
    pub(super) fn new(limit: Limit, patience: Duration) -> Self {
        let terms = limit.stated();
        Self {
            in_use: terms.map_or(0, |terms| terms.limit()),
            terms,
            limit,
            line: Line::default(),
            owners: 0,
            spare: 0,
            granted_at: None,
            alone_until: None,
            was_alone: false,
            look_at: None,
            asking: None,
            asks: 0,
            resting_until: None,
            told_until: None,
            waited_at: None,
            patience,
        }
    }

    /// Whether sends need slots: the limit is known, and so is how to get some.
    fn is_pacing(&self) -> bool {
        self.terms.is_some() && (self.alone_until.is_none() || self.owners > 0)
    }

    fn gap(&self) -> Duration {
        let terms = self.terms.map(|terms| terms.lowered(self.in_use));
        terms.map_or(Duration::ZERO, |terms| terms.gap())
    }

    /// How far apart the slots of this process are when all want some.
    fn pace(&self) -> Duration {
        self.gap().saturating_mul(self.owners.max(1))
    }

    pub(super) fn take(&mut self, now: Instant, effects: &mut Effects) -> bool {
        if self.is_pacing() {
            return self.line.take(now);
        }
        self.look(now, effects);
        true
    }

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
        let gap = self.gap();
        let joined = self.line.join(now, deadline, gap, &mut effects.woken);
        if joined == Joined::TooLong {
            effects.events.push(LimitEvent::WentWithout {});
        }
        self.supply(now, effects);
        joined
    }

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
            Turn::Look(at, old) => Turn::Look(self.not_after_patience(at, now), old),
            Turn::GoWithout => {
                effects.events.push(LimitEvent::WentWithout {});
                turn
            }
            Turn::Go => turn,
        }
    }

    /// The task that asks may be on a runtime that nobody drives: somebody has to notice.
    fn not_after_patience(&self, at: Instant, now: Instant) -> Instant {
        let over = self
            .asking
            .and_then(|(_, at)| at.checked_add(self.patience));
        over.filter(|over| *over > now)
            .map_or(at, |over| over.min(at))
    }

    pub(super) fn leave(&mut self, ticket: u64, now: Instant, effects: &mut Effects) {
        self.line.leave(ticket, now, &mut effects.woken);
        self.supply(now, effects);
    }

    /// Sees to it that those who wait get slots.
    pub(super) fn supply(&mut self, now: Instant, effects: &mut Effects) {
        if !self.is_pacing() {
            self.line.release(&mut effects.woken);
            return;
        }
        if !self.line.is_short(now, self.spare) {
            return;
        }
        if let Some(until) = self.alone_until {
            let pace = self.pace();
            self.line.make_up(now, pace, &mut effects.woken);
            if now < until {
                return;
            }
        }
        self.ask(now, effects);
    }

    /// Where sends need no slots: asks from time to time whether they should.
    fn look(&mut self, now: Instant, effects: &mut Effects) {
        let due = match (self.terms, self.alone_until) {
            (None, _) => self.look_at,
            (Some(_), until) => until,
        };
        if due.is_none_or(|due| now >= due) {
            self.look_at = now.checked_add(LOOK_AFTER.mul_f64(1.0 - fastrand::f64() / 4.0));
            self.ask(now, effects);
        }
    }

    fn ask(&mut self, now: Instant, effects: &mut Effects) {
        if self.resting_until.is_some_and(|until| now < until) {
            return;
        }
        let is_asking = |at: Instant| now.saturating_duration_since(at) < self.patience;
        if self.asking.is_some_and(|(_, at)| is_asking(at)) {
            return;
        }
        self.asks += 1;
        self.asking = Some((self.asks, now));
        let known = |at: Instant| now.saturating_duration_since(at) < Terms::WINDOW * 2;
        effects.ask = Some(Ask {
            id: self.asks,
            terms: self.terms,
            want: self.terms.map_or(0, |_| self.line.want(now)),
            returned: self.line.take_returned(),
            is_known: self.granted_at.is_some_and(known),
            was_alone: self.was_alone,
        });
    }

    /// The answer to a reservation. `asked`: when that was.
    pub(super) fn answered(
        &mut self,
        id: u64,
        grant: Option<&Grant>,
        [asked, now]: [Instant; 2],
        effects: &mut Effects,
    ) {
        if self.asking.is_none_or(|(current, _)| current != id) {
            return;
        }
        let Some(grant) = grant else {
            self.asking = None;
            return;
        };
        let times = [asked, now];
        let Some(longest) = self.line.granted(grant, times, &mut effects.woken) else {
            return self.failed(id, StoreErrorKind::Corrupt, now, effects);
        };
        self.asking = None;
        if self.alone_until.take().is_some() {
            effects.events.push(LimitEvent::Rejoined {});
        }
        self.was_alone = false;
        self.granted_at = Some(now);
        self.owners = grant.owners.max(1);
        let got = u32::try_from(grant.slots.len()).unwrap_or(u32::MAX);
        self.spare = grant.share.saturating_sub(got);
        if let Some(kind) = grant.replaces {
            effects.events.push(LimitEvent::Replaced { kind });
        }
        self.agree(grant.limit, effects);
        if !grant.slots.is_empty() {
            effects.events.push(LimitEvent::Reserved {
                slots: got,
                limit: self.in_use,
                owners: self.owners,
            });
        }
        self.note_wait(longest, now, effects);
        // A book that grants nothing to those who wait would be asked again and again.
        if got == 0 && self.line.waiting() > 0 {
            self.resting_until = now.checked_add(EMPTY_HANDED);
        }
        self.supply(now, effects);
    }

    /// The limit that the book has.
    fn agree(&mut self, limit: u32, effects: &mut Effects) {
        match self.terms {
            None => self.learn(limit, effects),
            Some(terms) if limit < terms.limit() && limit != self.in_use => {
                let stated = terms.limit();
                effects.events.push(LimitEvent::Lowered { stated, limit });
            }
            Some(_) => {}
        }
        self.in_use = limit;
    }

    fn learn(&mut self, limit: u32, effects: &mut Effects) {
        self.terms = Some(self.limit.terms(limit));
        self.in_use = limit;
        effects.events.push(LimitEvent::Learned { limit });
    }

    fn note_wait(&mut self, wait: Duration, now: Instant, effects: &mut Effects) {
        if self.line.waiting() == 0 || wait < WORTH_A_WARNING {
            return;
        }
        let before = self.waited_at.replace(now);
        let calm = |at: Instant| now.saturating_duration_since(at) >= CALM;
        if before.is_none_or(calm) {
            effects.events.push(LimitEvent::WaitingBegan {
                limit: self.in_use,
                owners: self.owners,
                wait,
            });
        }
    }

    /// A reservation that came to nothing.
    pub(super) fn failed(
        &mut self,
        id: u64,
        kind: StoreErrorKind,
        now: Instant,
        effects: &mut Effects,
    ) {
        if self.asking.is_none_or(|(current, _)| current != id) {
            return;
        }
        self.asking = None;
        effects.events.push(LimitEvent::Failed {
            operation: Operation::Reserve,
            kind,
        });
        self.go_alone(now, effects);
    }

    fn go_alone(&mut self, now: Instant, effects: &mut Effects) {
        let jitter = RETRY_AFTER.mul_f64(fastrand::f64() / 5.0);
        let was_alone = self.alone_until.is_some();
        self.alone_until = now.checked_add(RETRY_AFTER + jitter);
        if self.terms.is_none() || was_alone {
            return;
        }
        self.was_alone = true;
        let owners = self.owners;
        effects.events.push(LimitEvent::WentAlone { owners });
        let pace = self.pace();
        self.line.begin_alone(now, pace);
        self.line.wake_all(&mut effects.woken);
        self.supply(now, effects);
    }

    /// The server answered 429. What the others are to be told, if they were not.
    pub(super) fn refused(
        &mut self,
        until: Instant,
        named: Option<u32>,
        now: Instant,
        effects: &mut Effects,
    ) -> Option<(Terms, Duration)> {
        if let Some(limit) = named.filter(|limit| (1..=Terms::MAX_LIMIT).contains(limit)) {
            self.named(limit, effects);
        }
        let terms = self.terms?;
        self.line.close(until);
        self.line.wake_all(&mut effects.woken);
        let told = self.told_until.and_then(|told| told.checked_add(SAME));
        if told.is_some_and(|told| until <= told) {
            return None;
        }
        self.told_until = Some(until);
        let wait = until.saturating_duration_since(now).min(LONGEST_WAIT);
        effects.events.push(LimitEvent::Refused { wait });
        Some((terms, wait))
    }

    fn named(&mut self, limit: u32, effects: &mut Effects) {
        match (self.terms, self.limit.stated()) {
            (Some(terms), _) if terms.limit() == limit => {}
            (_, None) => self.learn(limit, effects),
            (_, Some(stated)) => {
                let terms = stated.lowered(limit);
                if Some(terms) != self.terms && limit < stated.limit() {
                    let stated = stated.limit();
                    effects.events.push(LimitEvent::Lowered { stated, limit });
                }
                self.terms = Some(terms);
                self.in_use = self.in_use.min(terms.limit());
            }
        }
    }
}
