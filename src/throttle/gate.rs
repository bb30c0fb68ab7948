use std::{
    collections::{BTreeMap, BTreeSet},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use super::pace::Pace;

/// Turns that nobody looked for are made up for as far back as this: timers go by the millisecond,
/// and the executor takes its time, too.
const LATE: Duration = Duration::from_millis(10);

/// A closed gate, and who waits at it.
///
/// Turns are not dealt out in advance: when one is due, the first of those who are there gets it. So nothing has to be given back by a waiter who goes away, and the rest moves up.
///
/// Nobody is woken in here, and no waker is dropped: both can run code of the caller's executor,
/// and the table is locked. What is to be woken is put into a list.
#[derive(Debug)]
pub(super) struct Gate {
    /// When the next turn is due.
    next: Instant,
    pace: Pace,
    /// When the first in the queue may go without a turn, if it is a retry.
    exit: Instant,
    /// By ticket, so in the order in which they came.
    queue: BTreeMap<u64, Option<Waker>>,
    /// Whose turn has come, and who did not look yet. Emptied when the gate is closed for longer: a
    /// turn from before that is nothing to hand on.
    released: BTreeSet<u64>,
}

/// Between which times a request is to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// It has failed, and must not be sent again before this. A first send has none.
    pub(super) floor: Option<Instant>,
    pub(super) deadline: Instant,
}

impl Gate {
    pub(super) fn closed_until(next: Instant, interval: Duration) -> Self {
        Self {
            next,
            exit: next,
            pace: Pace::new(interval),
            queue: BTreeMap::new(),
            released: BTreeSet::new(),
        }
    }

    /// Another 429. The pace starts anew, and the gate is closed for longer: `until` counts if it
    /// is not open by `floor` already. Then everybody is woken, since the wait may have become too
    /// long for some.
    pub(super) fn extend(&mut self, [now, floor, until]: [Instant; 3], woken: &mut Vec<Waker>) {
        self.pace.restart();
        self.exit = now;
        // A 429 to a request that was on its way when the gate closed says nothing new.
        if floor > self.next {
            self.next = until;
            self.released.clear();
            woken.extend(self.queue.values_mut().filter_map(Option::take));
        }
    }

    /// Lets everybody go, since it was another gate that should have been closed.
    pub(super) fn open(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        self.next = now;
        while let Some((ticket, waker)) = self.queue.pop_first() {
            self.released.insert(ticket);
            woken.extend(waker);
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.queue.is_empty() && now >= self.next
    }

    /// When somebody who came now would have a turn.
    pub(super) fn estimate(&self, now: Instant) -> Instant {
        self.at(self.queue.len(), now)
    }

    /// When the turn of this ticket will come, as it looks now; `None` if it has come.
    pub(super) fn turn(&self, ticket: u64, now: Instant) -> Option<Instant> {
        self.queue.contains_key(&ticket).then(|| {
            let ahead = self.queue.range(..ticket).count();
            self.at(ahead, now)
        })
    }

    fn at(&self, ahead: usize, now: Instant) -> Instant {
        let first = self.next.max(now);
        first.checked_add(self.pace.wait(ahead)).unwrap_or(first)
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

    /// Gives the turns that are due.
    ///
    /// Whoever looks at the gate does it, so that a first in the queue whose future nobody polls
    /// does not stop the others. One turn that nobody looked for in time is made up for, so that
    /// late timers do not add up, and more only if they are closer than timers are exact; the rest
    /// is not, since that would be a burst.
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

    fn give(&mut self, woken: &mut Vec<Waker>) {
        if let Some((ticket, waker)) = self.queue.pop_first() {
            self.released.insert(ticket);
            woken.extend(waker);
            self.wake_first(woken);
        }
    }

    /// The first in the queue sleeps until the next turn: whoever becomes first has to set its
    /// timer anew.
    fn wake_first(&mut self, woken: &mut Vec<Waker>) {
        if let Some(mut first) = self.queue.first_entry() {
            woken.extend(first.get_mut().take());
        }
    }

    /// A ticket whose turn has come goes.
    pub(super) fn take_turn(&mut self, ticket: u64) {
        self.released.remove(&ticket);
    }

    /// When this ticket may go without a turn, since that would come too late; `None` if it went.
    ///
    /// A first send just goes, and gets the server's answer. A retry had that answer: it does not
    /// go before the time that it was told, and not in one instant with others.
    pub(super) fn exit(
        &mut self,
        ticket: u64,
        now: Instant,
        window: Window,
        woken: &mut Vec<Waker>,
    ) -> Option<Instant> {
        // Retries that give up on their turn still go one by one, since each was told to wait.
        if let Some(floor) = window.floor {
            let ahead = self.queue.range(..ticket).count();
            let paced = self.exit.checked_add(self.pace.wait(ahead));
            let at = paced.map_or(floor, |paced| paced.max(floor));
            // No time left for good manners.
            let at = if at < window.deadline { at } else { floor };
            if now < at {
                return Some(at);
            }
            self.exit = self.exit.checked_add(self.pace.gap()).unwrap_or(self.exit);
        }
        self.leave(ticket, woken);
        None
    }

    /// Somebody goes without a turn, or with one that was not used, which the next one gets.
    pub(super) fn leave(&mut self, ticket: u64, woken: &mut Vec<Waker>) {
        let was_first = self.queue.keys().next() == Some(&ticket);
        // A ticket that leaves before its turn moves the others up; one whose turn has come hands
        // it on.
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
