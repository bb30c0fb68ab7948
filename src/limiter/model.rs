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

/// The limit of the fleet, in requests a minute.
const LIMIT: u32 = 3;
/// The requests that may be sent at once after a pause.
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

/// The extent of one exploration.
struct Fleet {
    /// The number of processes.
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

/// One state of the fleet, its store and the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    book: Book,
    /// The time since the start.
    now: Duration,
    processes: Vec<Process>,
    /// The times at which the server received the sends of the last minute.
    arrivals: Vec<Duration>,
    /// The number of faults so far.
    faults: u8,
    /// Whether the store or a reply was lost, so that the limit may be exceeded
    /// once.
    has_lost: bool,
    /// The number of processes that have stopped.
    stops: u8,
    /// The last slot that the book granted.
    last_slot: u64,
    /// The end of the server's last `Retry-After`.
    closed_until: Duration,
    /// The most sends in a minute so far.
    most: usize,
    /// Whether a process waited for longer than [`Fleet::longest`].
    has_waited_too_long: bool,
    /// Whether the book granted a slot before an earlier one.
    is_out_of_order: bool,
    /// Whether the book granted a slot that begins during a `Retry-After`.
    begins_while_closed: bool,
}

/// One process, with the crate's own rules for its slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Process {
    slots: Slots,
    /// A late reply to its reservation.
    reply: Option<Reply>,
    /// Whether the process has reserved since the last jump of time.
    has_asked: bool,
    /// Whether the process has had a grant.
    is_known: bool,
    /// Whether the process has made slots up since its last grant.
    was_alone: bool,
    has_stopped: bool,
    /// Since when the process wants to send and has taken every step that it
    /// could.
    since: Option<Duration>,
    /// Whether the process has sent a request, to which a 429 can come.
    sent: bool,
}

/// A reply on its way to a frozen process.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    /// When the process reserved.
    asked: Duration,
    grant: Grant,
}

impl Hash for Reply {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.asked, self.grant.now, &self.grant.slots).hash(hasher);
    }
}

/// One step from a state to the next one.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// A process without a slot reserves.
    Reserve { process: usize, reply: Delivery },
    /// A late reply arrives.
    Receive(usize),
    /// A send at the start of a slot, or in its last moment.
    Send { process: usize, is_late: bool },
    /// A process gets a 429.
    Refuse(usize),
    /// A process is killed, with its slots.
    Stop(usize),
    /// The store loses the book.
    LoseState,
    /// Time jumps to the next event.
    Pass,
    /// All processes pause until the slots that have begun are over.
    Freeze,
}

/// When the reply to a reservation arrives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Delivery {
    /// At once.
    AtOnce,
    /// Some steps later.
    Late,
    /// Never: the process goes alone.
    Never,
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
    /// A process reserves, and the properties of the granted slots are noted.
    fn reserve(&mut self, process: usize, reply: Delivery) {
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
        match reply {
            Delivery::AtOnce => self.told(process, &Reply { asked: now, grant }),
            Delivery::Late => {
                self.faults += 1;
                self.processes[process].reply = Some(Reply { asked: now, grant });
            }
            Delivery::Never => self.go_alone(process),
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

    /// A process receives a grant.
    fn told(&mut self, process: usize, reply: &Reply) {
        let times = [instant(reply.asked), instant(self.now)];
        let it = &mut self.processes[process];
        it.slots.granted(&reply.grant, times).unwrap();
        (it.is_known, it.was_alone) = (true, false);
    }

    /// A process sends in its first slot, and the most sends in a minute are
    /// counted.
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

    /// Time jumps, slots end, and waits that are too long are noted.
    fn pass(&mut self, to: Duration, fleet: &Fleet) {
        let longest = fleet.longest(self);
        self.now = to;
        self.arrivals.retain(|at| to.saturating_sub(*at) < MINUTE);
        for it in &mut self.processes {
            let missed = it.slots.at(0);
            it.slots.expire(instant(to));
            // A frozen or stopped process does not count as waiting: nothing
            // could serve it.
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
                for reply in [Delivery::AtOnce, Delivery::Late, Delivery::Never] {
                    if may_fail || reply == Delivery::AtOnce {
                        actions.push(Action::Reserve { process, reply });
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
        // Time passes only when no slot is due: a process that lets its slot
        // pass unused is a fault.
        match has_due {
            false => actions.push(Action::Pass),
            true if may_fail => actions.push(Action::Freeze),
            true => {}
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Reserve { process, reply } => state.reserve(process, reply),
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
                "no process waits for longer than a window and the others",
                |_, state: &State| !state.has_waited_too_long,
            ),
            Property::sometimes("the limit is used up", |_, state: &State| {
                state.arrivals.len() == LIMIT as usize
            }),
            Property::sometimes("all wait at once", |_, state: &State| {
                state.processes.iter().all(|it| it.since.is_some())
            }),
            Property::sometimes(
                "one uses the limit up after the other has stopped",
                |_, state: &State| state.stops == 1 && state.arrivals.len() == LIMIT as usize,
            ),
        ]
    }
}

/// Explores all states, and returns their number.
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
