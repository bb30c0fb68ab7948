//! The rules of the machine under any order of events, at any times.

use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::token::cache::{
    machine::{Ask, Decision, Machine, Start},
    moment::Moment,
};

#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    Sleep(u64),
    Ask {
        lasting: u64,
    },
    Refuse {
        age: u64,
    },
    Invalidate,
    Succeed {
        life: u64,
        same: bool,
        check: Option<u64>,
    },
    Fail(TokenErrorKind, Option<u64>),
    FinishLate,
    Abort,
    Close,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let kind = prop_oneof![
        Just(TokenErrorKind::Denied),
        Just(TokenErrorKind::Throttled),
        Just(TokenErrorKind::Unavailable),
    ];
    let event = prop_oneof![
        4 => (0..2_000_000_u64).prop_map(Event::Wait),
        1 => (0..200_000_u64).prop_map(Event::Sleep),
        8 => prop_oneof![3 => Just(0), 1 => 0..100_000_u64].prop_map(|lasting| Event::Ask { lasting }),
        4 => (0..3_u64).prop_map(|age| Event::Refuse { age }),
        1 => Just(Event::Invalidate),
        4 => (0..90_000_u64, prop::bool::weighted(0.2), prop::option::of(0..2_000_u64))
            .prop_map(|(life, same, check)| Event::Succeed { life, same, check }),
        2 => (kind, prop::option::of(0..10_000_u64)).prop_map(|(kind, wait)| Event::Fail(kind, wait)),
        1 => Just(Event::FinishLate),
        1 => Just(Event::Abort),
    ];
    let close = prop::option::weighted(0.2, Just(Event::Close));
    (prop::collection::vec(event, 1..120), close).prop_map(|(mut events, close)| {
        let middle = events.len() / 2;
        close
            .into_iter()
            .for_each(|close| events.insert(middle, close));
        events
    })
}

/// Margins of any size, even larger than the token's lifetime.
fn settings() -> impl Strategy<Value = CacheSettings> {
    let margin = || (0..100_000_u64).prop_map(Duration::from_secs);
    (margin(), margin(), any::<bool>()).prop_map(|(before, margin, jitter)| {
        let settings = CacheSettings::new()
            .with_renew_before(before)
            .with_expiry_margin(margin);
        if jitter {
            settings
        } else {
            settings.without_jitter()
        }
    })
}

/// Drives a machine as its shell does, and checks the invariants after each
/// event.
struct Driver {
    machine: Machine,
    now: Moment,
    running: Option<(Start, Moment)>,
    started: Vec<u64>,
    secret: u64,
    /// When the token adopted last expires, on either clock.
    dies: Option<(Instant, SystemTime)>,
    closed: bool,
}

impl Driver {
    fn new(seed: u64, settings: CacheSettings) -> Self {
        let mono = Instant::now();
        Self {
            machine: Machine::new(settings, fastrand::Rng::with_seed(seed)),
            now: Moment {
                mono,
                wall: SystemTime::UNIX_EPOCH + DAY * 365,
            },
            running: None,
            started: Vec::new(),
            secret: 0,
            dies: None,
            closed: false,
        }
    }

    fn start(&mut self, start: Option<Start>) {
        let Some(start) = start else { return };
        assert!(!self.closed, "a closed cache renews nothing");
        if let Some((running, since)) = &self.running {
            let overdue = since.mono + Duration::from_secs(15);
            assert!(
                self.now.mono >= overdue,
                "{running:?} is under way, and {start:?} started"
            );
        }
        assert!(
            self.started.last().is_none_or(|last| *last < start.id),
            "ids grow"
        );
        self.started.push(start.id);
        self.running = Some((start, self.now));
    }

    fn is_dead(&self) -> bool {
        let dead = |(mono, wall)| self.now.mono >= mono || self.now.wall >= wall;
        self.dies.is_none_or(dead)
    }

    fn ask(&mut self, lasting: u64) {
        let ask = Ask {
            lasting: Duration::from_secs(lasting),
            ..Ask::default()
        };
        let hit = self
            .machine
            .view(self.now)
            .filter(|view| self.now.mono < view.until && self.now.wall < view.wall_until);
        assert!(
            hit.is_none() || !self.is_dead(),
            "an expired token is in view"
        );
        let (answer, start) = self.machine.ask(ask, self.now);
        if lasting == 0 && hit.is_some() {
            assert!(start.is_none(), "what is in view needs no decision");
            assert!(matches!(answer, Decision::Serve(_)));
        }
        self.start(start);
        match answer {
            Decision::Serve(_) => assert!(!self.is_dead(), "an expired token is never served"),
            Decision::Wait { id, overdue_at, .. } => {
                let (running, _) = self.running.as_ref().expect("somebody waits for nothing");
                assert_eq!(running.id, id);
                assert!(overdue_at > self.now.mono, "a wait that is over");
            }
            Decision::Fail(_) => {}
        }
    }

    fn finish(&mut self, result: Result<IssuedToken, TokenError>) {
        let Some((start, sent)) = self.running.take() else {
            return;
        };
        let life = result
            .as_ref()
            .ok()
            .map(|token| token.lifetime().max(Duration::from_secs(2)));
        let result = result.map(|token| (token, sent));
        let finished = self.machine.finish(start.id, result, self.now);
        if let (Some(Ok(_)), Some(life)) = (&finished, life) {
            self.dies = Some((sent.mono + life, sent.wall + life));
        }
        let again = self.machine.finish(
            start.id,
            Err(TokenError::new(TokenErrorKind::Denied, "")),
            self.now,
        );
        assert!(again.is_none(), "a renewal ends once");
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Wait(ms) => {
                self.now.mono += Duration::from_millis(ms);
                self.now.wall += Duration::from_millis(ms);
            }
            Event::Sleep(seconds) => self.now.wall += Duration::from_secs(seconds),
            Event::Ask { lasting } => self.ask(lasting),
            Event::Refuse { age } => self.refuse(age),
            Event::Invalidate => {
                let valid = self.machine.remaining(self.now).is_some();
                let served = valid && !self.machine.is_refused();
                let (answer, start) = self.machine.invalidate(self.now);
                self.start(start);
                assert_eq!(answer == Invalidation::Closed, self.closed);
                assert!(!answer.is_renewing() || self.machine.renewing().is_some());
                let (answer, start) = self.machine.ask(Ask::default(), self.now);
                self.start(start);
                assert!(!served || matches!(answer, Decision::Serve(_)));
            }
            Event::Succeed { life, same, check } => {
                self.secret += u64::from(!same);
                let secret = format!("token-{}", self.secret);
                let issued = IssuedToken::new(secret, Duration::from_secs(life));
                let check = check.map(Duration::from_secs);
                self.finish(Ok(check
                    .into_iter()
                    .fold(issued, IssuedToken::with_check_in)));
            }
            Event::Fail(kind, wait) => {
                let error = TokenError::new(kind, "scripted");
                let wait = wait.map(Duration::from_secs);
                self.finish(Err(wait
                    .into_iter()
                    .fold(error, TokenError::with_retry_after)));
            }
            Event::FinishLate => {
                let late = Ok((IssuedToken::new("late", DAY), self.now));
                assert!(self.machine.finish(u64::MAX, late, self.now).is_none());
            }
            Event::Abort => {
                if let Some((start, _)) = self.running.take() {
                    self.machine.abort(start.id);
                }
            }
            Event::Close => {
                self.machine.close();
                self.closed = true;
                self.running = None;
            }
        }
    }

    fn refuse(&mut self, age: u64) {
        let Some(held) = self.machine.token().map(AccessToken::generation) else {
            return;
        };
        let mut generation = Generation::NONE;
        for _ in age..held.get() {
            generation = generation.next();
        }
        let (rejection, start) = self.machine.refuse(generation, self.now);
        if generation < held {
            assert_eq!((rejection, start.is_none()), (Rejection::Superseded, true));
            return;
        }
        assert!(start.is_none() || rejection == Rejection::Renewing);
        self.start(start);
        if rejection == Rejection::Renewing {
            assert!(
                self.machine.view(self.now).is_none(),
                "a refused token is not in view"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_events_breaks_a_rule(seed: u64, settings in settings(), events in events()) {
        let mut driver = Driver::new(seed, settings);
        for event in events {
            driver.apply(event);
            driver.ask(0);
        }
    }

    /// For any failures: a renewal makes at most three requests, and one after
    /// a failed renewal.
    #[test]
    fn without_a_token_24_requests_in_five_minutes_are_the_most(
        seed: u64,
        failures in prop::collection::vec((0..5_u8, prop::option::of(0..20_u64)), 1..9),
    ) {
        let mut driver = Driver::new(seed, CacheSettings::new());
        let end = driver.now.mono + Duration::from_secs(300);
        let mut requests = 0;
        for (kind, wait) in failures.into_iter().cycle() {
            let kind = [
                TokenErrorKind::Denied,
                TokenErrorKind::Throttled,
                TokenErrorKind::Unavailable,
                TokenErrorKind::TimedOut,
                TokenErrorKind::LoginRequired,
            ][usize::from(kind)];
            while driver.running.is_none() && driver.now.mono < end {
                driver.apply(Event::Ask { lasting: 0 });
                driver.apply(Event::Wait(10));
            }
            let Some((start, _)) = &driver.running else { break };
            requests += if start.follows_failure { 1 } else { 3 };
            driver.apply(Event::Fail(kind, wait));
        }
        prop_assert!(requests <= 24, "{requests}");
    }

    /// The cooldown bounds the requests of endless callers to an endpoint that
    /// always fails.
    #[test]
    fn an_endpoint_that_always_fails_is_asked_ever_less(seed: u64) {
        let mut driver = Driver::new(seed, CacheSettings::new());
        let end = driver.now.mono + Duration::from_secs(3600);
        while driver.now.mono < end {
            driver.apply(Event::Ask { lasting: 0 });
            driver.apply(Event::Fail(TokenErrorKind::Denied, None));
            driver.apply(Event::Wait(500));
        }
        // 5, 10, 20, 40, 80, 160, then every 300 seconds.
        prop_assert!(driver.started.len() <= 18, "{} in an hour", driver.started.len());
    }
}
