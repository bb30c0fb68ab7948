//! A model of processes that share a token, for a model checker.
//!
//! The processes ask, lead, publish late, freeze, stop and lose replies; the
//! API refuses tokens; the store loses its state. Each transition calls the
//! rules that the stores keep, in `record.rs`.
//!
//! `make model` runs it (`--cfg stateright`). If a rule is broken, a property
//! fails with the events that led there.

use std::time::Duration;

use stateright::{Checker, Model, Property};

use crate::{
    store::{
        Claim, Entry, Fence, Lease, Lookup, Owner, Publication,
        record::{Record, Span},
    },
    token::Fingerprint,
};

/// Two suffice for each race, and three would multiply the states.
const PROCESSES: usize = 2;
/// How far [`Action::Pass`] moves the clock. A lease and a cooldown end within
/// two ticks, a token within four.
const TICK: Duration = Duration::from_secs(6);
/// The number of ticks that the checker explores.
const TICKS: u32 = 3;
const LEASE: Duration = Duration::from_secs(10);
const LIFETIME: Duration = Duration::from_secs(20);
const COOLDOWN: Duration = Duration::from_secs(9);

/// The model: some processes and their store.
struct Fleet;

/// Everything at one moment, and what has happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    store: Store,
    /// The time, in ticks.
    tick: u32,
    processes: Vec<Process>,
    /// How often the store has lost its state: at most once.
    losses: u8,
    /// How many processes have stopped: at most one.
    stops: u8,
    /// How many tokens the API has refused: at most one.
    refusals: u8,
    /// The highest fence that was published since the store last lost anything.
    published: u64,
    /// A process took an older token than it had.
    went_back: bool,
    /// A lower fence has replaced a higher one.
    was_replaced: bool,
    /// The longest time that the store told a process to wait.
    longest: Duration,
}

/// A [`Record`], in a form that can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Store {
    token: Option<(u64, [Duration; 2])>,
    lease: Option<(u8, u64, [Duration; 2])>,
    cooldown: Option<[Duration; 2]>,
    last: u64,
}

/// What a process knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Process {
    /// The fence of its token; zero without one.
    token: u64,
    /// The fence of its lease, and the end of the lease.
    lease: Option<(u64, Duration)>,
    is_refused: bool,
    has_stopped: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// A process asks for a token. If it is not told, the answer is lost.
    Ask { process: usize, is_told: bool },
    /// A process publishes the token that it fetched under its lease.
    Publish { process: usize, is_told: bool },
    /// A process ends its lease with a cooldown.
    Abandon { process: usize },
    /// The API refuses the token of a process.
    Refuse(usize),
    /// A process ends for good.
    Stop(usize),
    /// The store loses everything.
    LoseState,
    /// Time passes.
    Pass,
}

const fn span(times: [Duration; 2]) -> Span {
    Span {
        from: times[0],
        until: times[1],
    }
}

fn entry(fence: u64) -> Entry {
    let text = fence.to_string();
    Entry::new(Fence::new(fence), Fingerprint::of(&text), text, LIFETIME)
}

fn owner(process: usize) -> Owner {
    Owner::from_bytes([u8::try_from(process).unwrap(); 16])
}

impl Store {
    /// Returns the record to apply a rule to.
    fn open(&self) -> Record {
        Record {
            entry: self.token.map(|(fence, times)| (entry(fence), span(times))),
            lease: self.lease.map(|(process, fence, times)| {
                let lease = Lease::new(owner(process.into()), Fence::new(fence));
                (lease, span(times))
            }),
            cooldown: self.cooldown.map(span),
            last: Fence::new(self.last),
        }
    }

    /// Returns the state of a record after a rule.
    fn close(record: &Record) -> Self {
        let times = |span: Span| [span.from, span.until];
        Self {
            token: { record.entry.as_ref() }.map(|(entry, span)| (entry.fence.get(), times(*span))),
            lease: record.lease.map(|(lease, span)| {
                let process = lease.owner.as_bytes()[0];
                (process, lease.fence.get(), times(span))
            }),
            cooldown: record.cooldown.map(times),
            last: record.last.get(),
        }
    }
}

impl State {
    fn now(&self) -> Duration {
        Duration::from_secs(1000) + TICK * self.tick
    }

    /// Applies a rule to the store, at the present time.
    fn with<T>(&mut self, change: impl FnOnce(&mut Record, Duration) -> T) -> T {
        let mut record = self.store.open();
        let result = change(&mut record, self.now());
        self.store = Store::close(&record);
        result
    }

    /// Lets a process use the token of this fence.
    fn take(&mut self, process: usize, fence: u64) {
        let it = &mut self.processes[process];
        self.went_back |= fence < it.token;
        it.is_refused &= fence == it.token;
        it.token = fence;
    }

    /// Asks the store. A lost answer changes the store and not the process,
    /// which is the case that the model is for.
    fn ask(&mut self, process: usize, is_told: bool) {
        let it = &self.processes[process];
        let mut claim = Claim::new(owner(process), LEASE);
        claim.at_least = Fence::new(it.token);
        claim.rejected = it.is_refused.then(|| entry(it.token).fingerprint);
        let lookup = self.with(|record, now| record.get_or_lease(&claim, now));
        let until = self.now() + LEASE;
        match lookup {
            Lookup::Busy(left) | Lookup::Cooldown(left) => self.longest = self.longest.max(left),
            Lookup::Token(entry) if is_told => self.take(process, entry.fence.get()),
            Lookup::Leased(lease) if is_told => {
                self.processes[process].lease = Some((lease.fence.get(), until));
            }
            Lookup::Token(_) | Lookup::Leased(_) => {}
        }
    }

    fn publish(&mut self, process: usize, is_told: bool) {
        let Some((fence, _)) = self.processes[process].lease.take() else {
            return;
        };
        let (lease, token) = (Lease::new(owner(process), Fence::new(fence)), entry(fence));
        let publication = self.with(|record, now| record.publish(&lease, &token, now));
        match publication {
            Publication::Published => {
                let alive = self.published > fence;
                self.was_replaced |= alive;
                self.published = self.published.max(fence);
                // A process that is not told still has the token that it
                // fetched.
                self.take(process, fence.max(self.processes[process].token));
            }
            Publication::Superseded(newer) if is_told => self.take(process, newer.fence.get()),
            Publication::Superseded(_) => {}
        }
    }

    /// Returns the number of processes that believe to have a lease.
    fn leaders(&self) -> usize {
        let now = self.now();
        let leads = |it: &&Process| it.lease.is_some_and(|(_, until)| until > now);
        self.processes.iter().filter(leads).count()
    }
}

impl Model for Fleet {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            processes: vec![Process::default(); PROCESSES],
            ..State::default()
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (process, it) in state.processes.iter().enumerate() {
            if it.has_stopped {
                continue;
            }
            // A frozen process needs no action: it does nothing for a while.
            for is_told in [true, false] {
                match it.lease {
                    None => actions.push(Action::Ask { process, is_told }),
                    Some(_) => actions.push(Action::Publish { process, is_told }),
                }
            }
            if it.lease.is_some() {
                actions.push(Action::Abandon { process });
            }
            if it.token > 0 && !it.is_refused && state.refusals == 0 {
                actions.push(Action::Refuse(process));
            }
            if state.stops == 0 {
                actions.push(Action::Stop(process));
            }
        }
        if state.losses == 0 {
            actions.push(Action::LoseState);
        }
        actions.push(Action::Pass);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Ask { process, is_told } => state.ask(process, is_told),
            Action::Publish { process, is_told } => state.publish(process, is_told),
            Action::Abandon { process } => {
                let (fence, _) = state.processes[process].lease.take()?;
                let lease = Lease::new(owner(process), Fence::new(fence));
                state.with(|record, now| record.abandon(&lease, Some(COOLDOWN), now));
            }
            Action::Refuse(process) => {
                state.refusals += 1;
                state.processes[process].is_refused = true;
            }
            Action::Stop(process) => {
                state.stops += 1;
                state.processes[process].has_stopped = true;
            }
            Action::LoseState => {
                state.losses += 1;
                state.published = 0;
                state.store = Store::default();
            }
            Action::Pass => state.tick += 1,
        }
        Some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.tick <= TICKS
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no process goes back to an older token",
                |_, state: &State| !state.went_back,
            ),
            Property::always("no older token replaces a newer one", |_, state: &State| {
                !state.was_replaced
            }),
            Property::always("one leads at a time", |_, state: &State| {
                state.losses > 0 || state.leaders() <= 1
            }),
            Property::always(
                "no process waits for longer than a lease",
                |_, state: &State| state.longest <= LEASE.max(COOLDOWN),
            ),
            Property::sometimes("a refused token is replaced for all", |_, state: &State| {
                let newest = state.processes.iter().map(|it| it.token).max();
                let all = state.processes.iter().all(|it| Some(it.token) == newest);
                state.refusals > 0 && all && !state.processes.iter().any(|it| it.is_refused)
            }),
            Property::sometimes(
                "another one takes over from one that stopped",
                |_, state: &State| {
                    let stopped = state.processes.iter().find(|it| it.has_stopped);
                    stopped.is_some_and(|it| it.lease.is_some() && state.published > 0)
                },
            ),
        ]
    }
}

#[test]
fn no_order_of_events_breaks_the_protocol() {
    let checker = Fleet.checker().threads(2).spawn_bfs().join();
    println!("tokens: {} states", checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() > 1_000);
}
