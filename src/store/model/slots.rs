//! Processes that reserve, send late, give slots back, die and lose replies; a server that answers 429; a store that loses
//! its state.

use std::time::Duration;

use stateright::{Checker, Model, Property};

use crate::store::{
    Owner,
    book::{Book, Refusal, Reservation, Terms},
};

const LIMIT: usize = 2;
const TERMS: Terms = Terms::new(2, 1);
const PROCESSES: usize = 2;
const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
/// Until when anything happens: two windows and a half.
const END: u64 = 150 * SECOND;
const STEP: u64 = 20 * SECOND;
/// What the server's 429 asks for.
const CLOSED: u64 = 30 * SECOND;
/// A slot may be used for 0.9 s, and what is sent takes up to 0.1 s to the server.
const LATEST: u64 = SECOND;

struct Fleet;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    book: Book,
    now: u64,
    processes: Vec<Process>,
    /// When what was sent reached the server.
    arrived: Vec<u64>,
    losses: u8,
    refusals: u8,
    /// The longest that anybody was told to wait.
    longest: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Process {
    slots: Vec<u64>,
    is_known: bool,
    /// Processes that took this one's place.
    lives: u8,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Reserve { process: usize, is_told: bool },
    Send { process: usize, late: u64 },
    GiveBack(usize),
    Die(usize),
    Refuse,
    LoseState,
    Pass,
}

impl State {
    fn ask(&self, process: usize, want: u32) -> Reservation {
        let it = &self.processes[process];
        let number = u8::try_from(process).unwrap() * 16 + it.lives;
        let owner = Owner::from_bytes([number; 16]);
        let mut ask = Reservation::new(owner, Some(TERMS), want);
        ask.is_known = it.is_known;
        ask
    }

    fn reserve(&mut self, ask: &Reservation) -> Vec<u64> {
        let now = Duration::from_micros(self.now);
        let grant = self.book.reserve(ask, now).expect("a limit is stated");
        grant.slots
    }

    /// How many reached the server in the fullest minute.
    fn most_in_a_minute(&self) -> usize {
        let mut arrived = self.arrived.clone();
        arrived.sort_unstable();
        let within = |at: &u64| {
            arrived
                .iter()
                .filter(|other| (*at..at + MINUTE).contains(other))
        };
        arrived
            .iter()
            .map(|at| within(at).count())
            .max()
            .unwrap_or(0)
    }
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            book: Book::default(),
            now: 1000 * SECOND,
            processes: vec![Process::default(); PROCESSES],
            arrived: Vec::new(),
            losses: 0,
            refusals: 0,
            longest: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (process, it) in state.processes.iter().enumerate() {
            match it.slots.first() {
                None => actions
                    .extend([true, false].map(|is_told| Action::Reserve { process, is_told })),
                Some(slot) => {
                    actions.push(Action::GiveBack(process));
                    if *slot <= state.now {
                        actions.extend([0, LATEST].map(|late| Action::Send { process, late }));
                    }
                }
            }
            if it.lives == 0 {
                actions.push(Action::Die(process));
            }
        }
        if state.refusals == 0 {
            actions.push(Action::Refuse);
        }
        if state.losses == 0 {
            actions.push(Action::LoseState);
        }
        actions.push(Action::Pass);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Reserve { process, is_told } => {
                let slots = state.reserve(&last.ask(process, 2));
                let wait = slots
                    .first()
                    .map_or(0, |slot| slot.saturating_sub(state.now));
                state.longest = state.longest.max(wait);
                if is_told {
                    let it = &mut state.processes[process];
                    (it.slots, it.is_known) = (slots, true);
                }
            }
            Action::Send { process, late } => {
                let slot = state.processes[process].slots.remove(0);
                state.arrived.push(slot + late);
            }
            Action::GiveBack(process) => {
                let mut ask = last.ask(process, 0);
                ask.returned = std::mem::take(&mut state.processes[process].slots);
                state.reserve(&ask);
            }
            Action::Die(process) => {
                let lives = state.processes[process].lives + 1;
                let successor = Process {
                    lives,
                    ..Process::default()
                };
                state.processes[process] = successor;
            }
            Action::Refuse => {
                state.refusals += 1;
                let refusal = Refusal::new(TERMS, Duration::from_micros(CLOSED));
                state
                    .book
                    .refuse(&refusal, Duration::from_micros(state.now));
            }
            Action::LoseState => {
                state.losses += 1;
                state.book = Book::default();
            }
            Action::Pass => {
                let slots = state.processes.iter().flat_map(|it| it.slots.first());
                let next = slots.copied().filter(|slot| *slot > state.now).min();
                state.now = next.unwrap_or(u64::MAX).min(state.now + STEP);
                // What was not used in time is of no use any more.
                for it in &mut state.processes {
                    it.slots.retain(|slot| slot + LATEST > state.now);
                }
            }
        }
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.now <= 1000 * SECOND + END && state.arrived.len() <= 3 * LIMIT
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "never more than the limit in a minute",
                |_, state: &State| state.losses > 0 || state.most_in_a_minute() <= LIMIT,
            ),
            Property::always(
                "a lost book costs one more limit at most",
                |_, state: &State| state.most_in_a_minute() <= 2 * LIMIT,
            ),
            // A window for each round of the processes, and what the server asked for.
            Property::always(
                "nobody waits for longer than a bound",
                |_, state: &State| state.longest <= CLOSED + 3 * MINUTE,
            ),
            Property::sometimes("the limit is used up", |_, state: &State| {
                state.most_in_a_minute() == LIMIT
            }),
            Property::sometimes("the next window is used", |_, state: &State| {
                state.arrived.len() > LIMIT
            }),
        ]
    }
}

#[test]
fn no_order_of_events_breaks_the_limit() {
    let checker = Fleet.checker().threads(2).spawn_bfs().join();
    println!("slots: {} states", checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() > 10_000);
}
