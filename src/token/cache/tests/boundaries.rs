//! Decisions of the machine at the edge of a rule, each at an exact time.

use super::*;
use crate::token::{
    Rejection,
    cache::{
        clock::tests::wall,
        machine::{Ask, Decision, Machine, Start},
        moment::Moment,
    },
};

/// A machine whose clock moves only when a test says so. Its tokens last for
/// 100 seconds: they are due after 75, and expire after 90.
struct Bench {
    machine: Machine,
    now: Moment,
}

impl Bench {
    fn new() -> Self {
        let settings = CacheSettings::new().without_jitter();
        let mono = Instant::now();
        Self {
            machine: Machine::new(settings, fastrand::Rng::with_seed(7)),
            now: Moment {
                mono,
                wall: wall(mono),
            },
        }
    }

    fn with_token() -> Self {
        let mut bench = Self::new();
        let (_, start) = bench.ask(Ask::default());
        bench.succeed(start);
        bench
    }

    fn wait(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += time;
    }

    fn ask(&mut self, ask: Ask) -> (Decision, Option<Start>) {
        self.machine.ask(ask, self.now)
    }

    /// Asks for a token that lasts this long, after a wait since `since`.
    fn ask_for(&mut self, seconds: u64, since: Option<Generation>) -> (Decision, Option<Start>) {
        self.ask(Ask {
            lasting: Duration::from_secs(seconds),
            since,
            ..Ask::default()
        })
    }

    fn finish(&mut self, start: Option<Start>, issued: IssuedToken) {
        let id = start.expect("a renewal was started").id;
        let result = Ok((issued, self.now));
        self.machine.finish(id, result, self.now).unwrap().unwrap();
    }

    fn succeed(&mut self, start: Option<Start>) {
        let id = start.as_ref().map_or(0, |start| start.id);
        self.finish(
            start,
            IssuedToken::new(format!("token-{id}"), Duration::from_secs(100)),
        );
    }

    fn fail(&mut self, start: Option<Start>) {
        let id = start.expect("a renewal was started").id;
        let error = TokenError::new(TokenErrorKind::Denied, "scripted");
        self.machine
            .finish(id, Err(error), self.now)
            .unwrap()
            .unwrap_err();
    }

    fn generation(&self) -> Generation {
        self.machine.token().unwrap().generation()
    }

    /// Refuses tokens until the damper is active, and leaves a fresh one.
    fn damp(&mut self) {
        for _ in 0..3 {
            let (_, start) = self.machine.refuse(self.generation(), self.now);
            self.succeed(start);
        }
    }
}

fn fails(decision: &(Decision, Option<Start>)) -> Option<TokenErrorKind> {
    match decision {
        (Decision::Fail(error), None) => Some(error.kind()),
        _ => None,
    }
}

fn waits(decision: &(Decision, Option<Start>)) -> bool {
    matches!(decision, (Decision::Wait { .. }, Some(_)))
}

#[test]
fn a_token_that_lasts_exactly_as_long_as_the_ask_is_served() {
    let mut bench = Bench::with_token();
    bench.wait(Duration::from_secs(40));
    assert!(matches!(
        bench.ask_for(50, None),
        (Decision::Serve(_), None)
    ));
    assert!(waits(&bench.ask_for(51, None)));
}

#[test]
fn an_ask_for_all_of_a_lifetime_renews_and_one_for_more_fails_at_once() {
    let mut bench = Bench::with_token();
    bench.wait(Duration::from_secs(1));
    assert!(waits(&bench.ask_for(90, None)));
    let mut bench = Bench::with_token();
    bench.wait(Duration::from_secs(1));
    let kind = fails(&bench.ask_for(91, None));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
}

#[test]
fn after_a_renewal_a_token_that_is_too_short_is_an_error_and_not_another_renewal() {
    let mut bench = Bench::with_token();
    bench.wait(Duration::from_secs(1));
    let kind = fails(&bench.ask_for(90, Some(Generation::NONE)));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
    // The generation of the wait is the current one: nothing came yet.
    let since = bench.generation();
    bench.wait(Duration::from_secs(60));
    assert!(waits(&bench.ask_for(90, Some(since))));
}

#[test]
fn a_token_that_came_used_allows_one_more_renewal_and_no_third() {
    let mut bench = Bench::new();
    let used = || {
        IssuedToken::new("used-1", Duration::from_secs(100)).with_remaining(Duration::from_secs(50))
    };
    let (_, start) = bench.ask(Ask::default());
    bench.finish(start, used());
    // The first token after the wait began was used before; it does not count.
    let (_, start) = bench.ask_for(90, Some(Generation::NONE));
    bench.finish(
        start,
        IssuedToken::new("used-2", Duration::from_secs(100))
            .with_remaining(Duration::from_secs(50)),
    );
    let kind = fails(&bench.ask_for(90, Some(Generation::NONE)));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
}

#[test]
fn the_damper_stops_asks_for_longer_only_while_the_token_is_refused() {
    let mut bench = Bench::with_token();
    bench.damp();
    bench.wait(Duration::from_secs(1));
    assert!(waits(&bench.ask_for(90, None)), "the token is not refused");

    let mut bench = Bench::with_token();
    let (rejection, start) = bench.machine.refuse(bench.generation(), bench.now);
    assert_eq!(rejection, Rejection::Renewing);
    bench.fail(start);
    bench.wait(Duration::from_secs(6));
    assert!(waits(&bench.ask_for(90, None)), "the damper is not active");

    let mut bench = Bench::with_token();
    bench.damp();
    bench.wait(Duration::from_secs(1));
    let (rejection, _) = bench.machine.refuse(bench.generation(), bench.now);
    assert_eq!(rejection, Rejection::Damped);
    let kind = fails(&bench.ask_for(90, None));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable), "both");
}

#[test]
fn a_report_of_a_discarded_token_is_superseded_and_of_one_never_had_it_is_not() {
    let mut bench = Bench::with_token();
    let first = bench.generation();
    assert!(bench.machine.discard(first.next()).is_none());
    let discarded = bench.machine.discard(first);
    assert_eq!(discarded.unwrap().expose(), "token-1");
    let mut refuse = |generation| bench.machine.refuse(generation, bench.now).0;
    assert_eq!(refuse(first), Rejection::Superseded);
    assert_eq!(refuse(Generation::NONE), Rejection::CannotRenew);
    assert_eq!(refuse(first.next()), Rejection::CannotRenew);
    bench.machine.close();
    let (rejection, start) = bench.machine.refuse(first, bench.now);
    assert_eq!(rejection, Rejection::CannotRenew, "nothing comes any more");
    assert!(start.is_none());
}

#[test]
fn a_report_of_another_caches_newer_token_renews_nothing() {
    let mut bench = Bench::with_token();
    let (rejection, start) = bench.machine.refuse(bench.generation().next(), bench.now);
    assert_eq!(rejection, Rejection::CannotRenew);
    assert!(start.is_none() && !bench.machine.is_refused());
}

#[test]
fn the_owners_request_names_the_strongest_reason() {
    let reason = |bench: &mut Bench| {
        let (_, start) = bench.machine.invalidate(bench.now);
        start.map(|start| start.reason)
    };
    assert_eq!(reason(&mut Bench::new()), Some(Reason::Missing));
    assert_eq!(reason(&mut Bench::with_token()), Some(Reason::Forced));
    let mut bench = Bench::with_token();
    bench.wait(Duration::from_secs(90));
    assert_eq!(reason(&mut bench), Some(Reason::Expired));
    // Refused, and the renewal that followed has failed.
    let mut bench = Bench::with_token();
    let (_, start) = bench.machine.refuse(bench.generation(), bench.now);
    bench.fail(start);
    assert_eq!(reason(&mut bench), Some(Reason::Rejected));
    let mut bench = Bench::with_token();
    let (_, start) = bench.machine.refuse(bench.generation(), bench.now);
    bench.fail(start);
    bench.wait(Duration::from_secs(90));
    assert_eq!(
        reason(&mut bench),
        Some(Reason::Expired),
        "expired matters more"
    );
}

#[test]
fn the_next_look_is_never_at_a_time_that_has_come() {
    let mut bench = Bench::with_token();
    let due = bench.now.mono + Duration::from_secs(75);
    assert_eq!(bench.machine.looks_again_at(bench.now), Some(due));
    bench.wait(Duration::from_secs(75));
    assert_eq!(bench.machine.looks_again_at(bench.now), None);
}
