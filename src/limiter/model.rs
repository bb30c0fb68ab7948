//! A model of processes that share a limit, explored by a model checker. They
//! reserve, send early and late within their slots, freeze, stop, and lose or
//! delay replies; the server answers 429; the store loses its state.
//!
//! Each transition calls the rules of the crate: the book's in
//! `store/book/rules.rs`, and a process's in `slots.rs`. The limit is three a
//! minute, so that a window has few slots and the model explores all of them.
//! Time jumps from one event to the next.
//!
//! `make model` runs it (`--cfg stateright`). A broken rule fails a property,
//! and the checker prints the steps. Each of these broken rules fails within 14
//! steps: a slot fits in a full window; a slot is valid for three seconds, or
//! from its answer on, or after its end; slots do not grow; a 429 closes
//! nothing; a process without a slot gets none; each reservation takes three.

use std::{
    hash::{Hash, Hasher},
    sync::OnceLock,
    time::Duration,
};

use stateright::{Checker, HasDiscoveries, Model, Property};
use tokio::time::Instant;

use super::slots::Slots;
use crate::store::{
    Owner,
    book::{Book, Grant, Refusal, Reservation, Terms},
};

const LIMIT: u32 = 3;
const BURST: u32 = 1;
const TERMS: Terms = Terms::new(LIMIT, BURST);
/// The number of requests that a process has in flight.
const WANT: u32 = 2;
const MINUTE: Duration = Duration::from_secs(60);
/// The part of the book's extra second that a slot's validity leaves for the
/// way to the server.
const WAY: Duration = Duration::from_millis(100);
/// The `Retry-After` of a 429.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// The length of an idle period, when no slot is to come.
const PAUSE: Duration = Duration::from_secs(25);
/// The store's clock at the start.
const START: Duration = Duration::from_secs(1_000_000);

struct Fleet {
    processes: usize,
    /// The most faults in a run.
    faults: u8,
    /// The end of the exploration.
    end: Duration,
}

impl Fleet {
    /// The most sends in a minute after the store has lost its state or a
    /// reply: those of the window before, and the slots that the processes
    /// have.
    fn most_after_a_loss(&self) -> usize {
        (LIMIT + BURST) as usize + self.processes
    }

    /// The longest time from a process's first reservation to its send: until
    /// the window is free again, and then one slot for each other process.
    /// After a fault, also until the fault is over.
    fn longest(&self, state: &State) -> Duration {
        match state.has_lost || state.closed_until > Duration::ZERO {
            true => Terms::WINDOW * 3,
            false => Terms::WINDOW + TERMS.gap() * (self.processes as u32 - 1),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    book: Book,
    now: Duration,
    processes: Vec<Process>,
    /// The times at which the server received the sends of the last minute.
    arrivals: Vec<Duration>,
    faults: u8,
    has_lost: bool,
    stops: u8,
    last_slot: u64,
    closed_until: Duration,
    /// The most sends in a minute so far.
    most: usize,
    has_waited_too_long: bool,
    is_out_of_order: bool,
    begins_while_closed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Process {
    slots: Slots,
    reply: Option<Reply>,
    has_asked: bool,
    is_known: bool,
    was_alone: bool,
    has_stopped: bool,
    /// Since when the process wants to send and has taken every step that it
    /// could.
    since: Option<Duration>,
    sent: bool,
}

/// A reply on its way to a frozen process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    asked: Duration,
    grant: Grant,
}

impl Hash for Reply {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.asked, self.grant.now, &self.grant.slots).hash(hasher);
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Reserve {
        process: usize,
        answer: Answer,
    },
    Receive(usize),
    /// At the begin of a slot, or in its last moment.
    Send {
        process: usize,
        is_late: bool,
    },
    Refuse(usize),
    Stop(usize),
    LoseState,
    Pass,
    /// All processes pause until the slots that have begun are over.
    Freeze,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Told,
    Late,
    Lost,
}

fn owner(process: usize) -> Owner {
    Owner::from_bytes([u8::try_from(process).unwrap(); 16])
}

/// The time by the clock of the processes.
fn instant(now: Duration) -> Instant {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    *BEGIN.get_or_init(Instant::now) + now
}

impl State {
    fn reserve(&mut self, process: usize, answer: Answer) {
        let (now, it) = (self.now, &mut self.processes[process]);
        it.has_asked = true;
        it.since.get_or_insert(now);
        let mut ask = Reservation::new(owner(process), Some(TERMS), WANT);
        ask.returned = it.slots.take_returned();
        ask.is_known = it.is_known;
        ask.was_alone = it.was_alone;
        let grant = self.book.reserve(&ask, START + now).unwrap();
        for slot in &grant.slots {
            self.is_out_of_order |= *slot <= self.last_slot;
            self.last_slot = *slot;
            let begins = Duration::from_micros(*slot) - START;
            self.begins_while_closed |= begins < self.closed_until;
        }
        match answer {
            Answer::Told => self.told(process, &Reply { asked: now, grant }),
            Answer::Late => {
                self.faults += 1;
                self.processes[process].reply = Some(Reply { asked: now, grant });
            }
            Answer::Lost => self.go_alone(process),
        }
    }

    /// A process that cannot reach the book allows itself its share.
    fn go_alone(&mut self, process: usize) {
        (self.faults, self.has_lost) = (self.faults + 1, true);
        // Not random: the state must follow from the steps that led to it.
        fastrand::seed(0);
        let pace = TERMS.gap() * self.processes.len() as u32;
        let (now, it) = (instant(self.now), &mut self.processes[process]);
        it.slots.begin_alone(now, pace);
        it.slots.make_up(now, pace);
        it.was_alone = true;
    }

    fn told(&mut self, process: usize, reply: &Reply) {
        let times = [instant(reply.asked), instant(self.now)];
        let it = &mut self.processes[process];
        it.slots.granted(&reply.grant, times).unwrap();
        (it.is_known, it.was_alone) = (true, false);
    }

    fn send(&mut self, process: usize, is_late: bool) {
        let it = &mut self.processes[process];
        let slot = it.slots.take_due(instant(self.now)).unwrap();
        (it.since, it.sent) = (None, true);
        let late = slot.until - instant(self.now) + WAY;
        let at = self.now + if is_late { late } else { Duration::ZERO };
        self.arrivals.push(at);
        self.arrivals.sort();
        let within = |(place, first): (usize, &Duration)| {
            let rest = self.arrivals[place..].iter();
            rest.take_while(|at| **at - *first < MINUTE).count()
        };
        let most = self.arrivals.iter().enumerate().map(within).max();
        self.most = self.most.max(most.unwrap_or(0));
    }

    /// Returns the time of the next event, if every process acts as soon as it
    /// can.
    fn next(&self) -> Duration {
        let running = self.processes.iter().filter(|it| !it.has_stopped);
        let next = running.filter_map(|it| it.slots.at(0)).min();
        let next = next.map(|at| at - instant(Duration::ZERO));
        let next = next.filter(|next| *next > self.now);
        // A book counts in microseconds.
        let next = next.unwrap_or(self.now + PAUSE).as_nanos().div_ceil(1000);
        Duration::from_micros(u64::try_from(next).unwrap())
    }

    fn pass(&mut self, to: Duration, fleet: &Fleet) {
        let longest = fleet.longest(self);
        self.now = to;
        self.arrivals.retain(|at| to.saturating_sub(*at) < MINUTE);
        for it in &mut self.processes {
            let missed = it.slots.at(0);
            it.slots.expire(instant(to));
            let frozen = missed != it.slots.at(0) || it.reply.is_some() || it.has_stopped;
            if frozen || !it.has_asked && it.slots.is_empty() {
                it.since = None;
            }
            it.has_asked = false;
            let waited = it.since.map(|since| to - since).unwrap_or_default();
            self.has_waited_too_long |= waited > longest;
        }
    }
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            processes: vec![Process::default(); self.processes],
            ..State::default()
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let may_fail = state.faults < self.faults;
        let mut has_due = false;
        for (process, it) in state.processes.iter().enumerate() {
            if it.has_stopped {
                continue;
            }
            let is_due = it.slots.clone().take_due(instant(state.now)).is_some();
            has_due |= is_due;
            if is_due {
                actions.extend([false, true].map(|is_late| Action::Send { process, is_late }));
            }
            if it.reply.is_some() {
                actions.push(Action::Receive(process));
            } else if it.slots.is_empty() && !it.has_asked {
                for answer in [Answer::Told, Answer::Late, Answer::Lost] {
                    if may_fail || answer == Answer::Told {
                        actions.push(Action::Reserve { process, answer });
                    }
                }
            }
            if may_fail {
                actions.push(Action::Stop(process));
                if it.sent {
                    actions.push(Action::Refuse(process));
                }
            }
        }
        if may_fail && !state.has_lost {
            actions.push(Action::LoseState);
        }
        match has_due {
            false => actions.push(Action::Pass),
            true if may_fail => actions.push(Action::Freeze),
            true => {}
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Reserve { process, answer } => state.reserve(process, answer),
            Action::Receive(process) => {
                let reply = state.processes[process].reply.take()?;
                state.told(process, &reply);
            }
            Action::Send { process, is_late } => state.send(process, is_late),
            Action::Refuse(process) => {
                state.faults += 1;
                let refusal = Refusal::new(TERMS, RETRY_AFTER);
                state.book.refuse(&refusal, START + state.now);
                state.closed_until = state.now + RETRY_AFTER;
                let until = instant(state.closed_until);
                state.processes[process].slots.close(until);
            }
            Action::Stop(process) => {
                (state.faults, state.stops) = (state.faults + 1, state.stops + 1);
                state.processes[process] = Process {
                    has_stopped: true,
                    ..Process::default()
                };
            }
            Action::LoseState => {
                state.faults += 1;
                state.has_lost = true;
                state.book = Book::default();
                (state.last_slot, state.closed_until) = (0, Duration::ZERO);
            }
            Action::Pass => state.pass(state.next(), self),
            Action::Freeze => {
                state.faults += 1;
                state.pass(state.now + PAUSE, self);
            }
        }
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.now <= self.end
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no minute has more sends than the limit",
                |_, state: &State| state.has_lost || state.most <= LIMIT as usize,
            ),
            Property::always(
                "a store that lost its state costs a burst, once",
                |fleet: &Self, state: &State| state.most <= fleet.most_after_a_loss(),
            ),
            Property::always("slots grow", |_, state: &State| !state.is_out_of_order),
            Property::always(
                "no slot begins before a 429's time is over",
                |_, state: &State| !state.begins_while_closed,
            ),
            Property::always(
                "nobody waits for longer than a window and the others",
                |_, state: &State| !state.has_waited_too_long,
            ),
            Property::sometimes("the limit is used up", |_, state: &State| {
                state.arrivals.len() == LIMIT as usize
            }),
            Property::sometimes("all wait at once", |_, state: &State| {
                state.processes.iter().all(|it| it.since.is_some())
            }),
            Property::sometimes(
                "one goes on after the other has stopped",
                |_, state: &State| state.stops == 1 && state.arrivals.len() == LIMIT as usize,
            ),
        ]
    }
}

fn explore(processes: usize, faults: u8, seconds: u64) -> usize {
    let end = Duration::from_secs(seconds);
    let fleet = Fleet {
        processes,
        faults,
        end,
    };
    let checker = fleet.checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

/// Two faults in one and a half windows, one in two and a half, and the same
/// for three processes in less time.
#[test]
fn no_order_of_events_breaks_the_limit() {
    let runs = [(2, 2, 100), (2, 1, 150), (3, 1, 100)];
    let states = runs.map(|(processes, faults, seconds)| explore(processes, faults, seconds));
    println!("slots: {states:?} states");
    assert!(states.iter().all(|states| *states > 100_000));
}
