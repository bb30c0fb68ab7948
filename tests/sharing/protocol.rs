//! The protocol under any order of operations and of failures of the store.

use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use tower_genesys::{
    store::{Claim, Entry, Fence, Lease, Lookup, MemoryStore, Owner, Publication, TokenStore},
    token::Fingerprint,
};

use crate::setup::key;

const LEASE: Duration = Duration::from_secs(10);
const LIFE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
enum Event {
    Claim(usize),
    Publish(usize),
    Abandon(usize, Option<u64>),
    /// The API refuses the token of this process.
    Refuse(usize),
    Wait(u64),
    Flush,
}

#[derive(Clone, Debug)]
struct Process {
    owner: Owner,
    held: Option<Entry>,
    rejected: Option<Fingerprint>,
    /// A lease, and the time until which no other process may have one.
    lease: Option<(Lease, Duration)>,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let who = 0..4_usize;
    let event = prop_oneof![
        8 => who.clone().prop_map(Event::Claim),
        5 => who.clone().prop_map(Event::Publish),
        2 => (who.clone(), prop::option::of(0..30_u64)).prop_map(|(who, wait)| Event::Abandon(who, wait)),
        3 => who.prop_map(Event::Refuse),
        5 => (0..12_000_u64).prop_map(Event::Wait),
        1 => Just(Event::Flush),
    ];
    prop::collection::vec(event, 1..150)
}

struct Driver {
    store: MemoryStore,
    processes: Vec<Process>,
    now: Duration,
    cooldown_until: Duration,
    highest_lease: Fence,
    tokens: u64,
}

impl Driver {
    fn new() -> Self {
        let process = |_| Process {
            owner: Owner::random().expect("randomness"),
            held: None,
            rejected: None,
            lease: None,
        };
        Self {
            store: MemoryStore::new(),
            processes: (0..4).map(process).collect(),
            now: Duration::ZERO,
            cooldown_until: Duration::ZERO,
            highest_lease: Fence::NONE,
            tokens: 0,
        }
    }

    async fn apply(&mut self, event: Event) {
        match event {
            Event::Claim(who) => self.claim(who),
            Event::Publish(who) => self.publish(who),
            Event::Abandon(who, wait) => self.abandon(who, wait.map(Duration::from_secs)),
            Event::Refuse(who) => {
                let process = &mut self.processes[who];
                process.rejected = process.held.as_ref().map(|held| held.fingerprint);
            }
            Event::Wait(ms) => {
                self.now += Duration::from_millis(ms);
                tokio::time::advance(Duration::from_millis(ms)).await;
            }
            Event::Flush => {
                self.store.flush();
                self.cooldown_until = Duration::ZERO;
                // A process with a lease does not know that the lease is lost,
                // and another process may get one.
                self.processes.iter_mut().for_each(|process| {
                    process.lease = process
                        .lease
                        .take()
                        .map(|(lease, _)| (lease, Duration::ZERO));
                });
                // Fences begin with the clock's milliseconds, and the leases so
                // far took no time on this clock.
                tokio::time::advance(Duration::from_millis(500)).await;
                self.now += Duration::from_millis(500);
            }
        }
    }

    fn claim(&mut self, who: usize) {
        let process = &self.processes[who];
        let mut claim = Claim::new(process.owner, LEASE);
        claim.rejected = process.rejected;
        claim.at_least = process
            .held
            .as_ref()
            .map_or(Fence::NONE, |held| held.fence.next());
        let found = self.store.get_or_lease(&key(), &claim).now_or_never();
        match found.expect("memory is fast").expect("no fault") {
            Lookup::Token(entry) => {
                let process = &mut self.processes[who];
                assert_ne!(
                    process.rejected,
                    Some(entry.fingerprint),
                    "a rejected token was adopted"
                );
                if let Some(held) = &process.held {
                    assert!(entry.fence > held.fence, "an older token was adopted");
                }
                process.held = Some(entry);
            }
            Lookup::Leased(lease) => {
                for (other, process) in self.processes.iter().enumerate() {
                    let holds = process.lease.is_some_and(|(_, until)| self.now < until);
                    assert!(other == who || !holds, "two leases at a time");
                }
                assert!(lease.fence >= self.highest_lease, "fences grow");
                assert!(
                    self.now >= self.cooldown_until,
                    "no lease during a cooldown"
                );
                self.highest_lease = lease.fence;
                self.processes[who].lease = Some((lease, self.now + LEASE));
            }
            Lookup::Busy(left) => assert!(left <= LEASE && !left.is_zero()),
            Lookup::Cooldown(left) => assert!(self.now + left <= self.cooldown_until),
            other => panic!("no rule for {other:?}"),
        }
    }

    fn publish(&mut self, who: usize) {
        let Some((lease, _)) = self.processes[who].lease.take() else {
            return;
        };
        self.tokens += 1;
        let token = format!("token-{}", self.tokens);
        let entry = Entry::new(lease.fence, Fingerprint::of(&token), token, LIFE);
        let published = self.store.publish(&key(), &lease, &entry).now_or_never();
        let held = match published.expect("memory is fast").expect("no fault") {
            Publication::Published => entry,
            Publication::Superseded(winner) => {
                assert!(winner.fence >= entry.fence, "the newer one stays");
                winner
            }
            other => panic!("no rule for {other:?}"),
        };
        self.processes[who].held = Some(held);
    }

    fn abandon(&mut self, who: usize, cooldown: Option<Duration>) {
        let Some((lease, until)) = self.processes[who].lease.take() else {
            return;
        };
        let abandoned = self.store.abandon(&key(), &lease, cooldown).now_or_never();
        abandoned.expect("memory is fast").expect("no fault");
        if let Some(cooldown) = cooldown.filter(|_| self.now < until) {
            self.cooldown_until = self.cooldown_until.max(self.now + cooldown);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_events_breaks_the_protocol(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut driver = Driver::new();
            for event in events {
                driver.apply(event).await;
            }
        });
    }
}
