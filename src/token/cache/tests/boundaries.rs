//! Decisions of the machine at the edge of a rule, each at an exact time.

use super::{table::Cell, *};
use crate::token::{
    Rejection,
    cache::machine::{Ask, Decision, Start},
};

/// A machine with a token of 100 seconds, which is due after 75 and expires
/// after 90.
fn with_token() -> Cell {
    let mut cell = Cell::new();
    let (_, start) = cell.ask_for(Duration::ZERO);
    cell.succeed(start, 100);
    cell
}

/// A token that other processes have used for half of its lifetime.
fn used(secret: &str) -> IssuedToken {
    let half = Duration::from_secs(50);
    IssuedToken::new(secret, half * 2).with_remaining(half)
}

/// Asks for a token that lasts this long, after a wait since `since`.
fn ask_since(
    cell: &mut Cell,
    seconds: u64,
    since: Option<Generation>,
) -> (Decision, Option<Start>) {
    let ask = Ask {
        lasting: Duration::from_secs(seconds),
        since,
        ..Ask::default()
    };
    cell.machine.ask(ask, cell.now)
}

fn generation(cell: &Cell) -> Generation {
    cell.machine.token().unwrap().generation()
}

/// Refuses tokens until the damper is active, and leaves a fresh one.
fn damp(cell: &mut Cell) {
    for _ in 0..3 {
        let (_, start) = cell.machine.refuse(generation(cell), cell.now);
        cell.succeed(start, 100);
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
    let mut cell = with_token();
    cell.wait(40);
    assert!(matches!(
        ask_since(&mut cell, 50, None),
        (Decision::Serve(_), None)
    ));
    assert!(waits(&ask_since(&mut cell, 51, None)));
}

#[test]
fn an_ask_for_all_of_a_lifetime_renews_and_one_for_more_fails_at_once() {
    let mut cell = with_token();
    cell.wait(1);
    assert!(waits(&ask_since(&mut cell, 90, None)));
    let mut cell = with_token();
    cell.wait(1);
    let kind = fails(&ask_since(&mut cell, 91, None));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
}

#[test]
fn after_a_renewal_a_token_that_is_too_short_is_an_error_and_not_another_renewal() {
    let mut cell = with_token();
    cell.wait(1);
    let kind = fails(&ask_since(&mut cell, 90, Some(Generation::NONE)));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
    // The generation of the wait is the current one: nothing came yet.
    let since = generation(&cell);
    cell.wait(60);
    assert!(waits(&ask_since(&mut cell, 90, Some(since))));
}

#[test]
fn a_token_that_came_used_allows_one_more_renewal_and_no_third() {
    let mut cell = Cell::new();
    let (_, start) = cell.ask_for(Duration::ZERO);
    cell.adopt(start, used("used-1"));
    // The first token after the wait began was used before; it does not count.
    let (_, start) = ask_since(&mut cell, 90, Some(Generation::NONE));
    cell.adopt(start, used("used-2"));
    let kind = fails(&ask_since(&mut cell, 90, Some(Generation::NONE)));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable));
}

#[test]
fn the_damper_stops_asks_for_longer_only_while_the_token_is_refused() {
    let mut cell = with_token();
    damp(&mut cell);
    cell.wait(1);
    assert!(
        waits(&ask_since(&mut cell, 90, None)),
        "the token is not refused"
    );

    let mut cell = with_token();
    let (rejection, start) = cell.machine.refuse(generation(&cell), cell.now);
    assert_eq!(rejection, Rejection::Renewing);
    cell.fail(start);
    cell.wait(6);
    assert!(
        waits(&ask_since(&mut cell, 90, None)),
        "the damper is not active"
    );

    let mut cell = with_token();
    damp(&mut cell);
    cell.wait(1);
    let (rejection, _) = cell.machine.refuse(generation(&cell), cell.now);
    assert_eq!(rejection, Rejection::Damped);
    let kind = fails(&ask_since(&mut cell, 90, None));
    assert_eq!(kind, Some(TokenErrorKind::NotRenewable), "both");
}

#[test]
fn a_report_of_a_discarded_token_is_superseded_and_of_one_never_had_it_is_not() {
    let mut cell = with_token();
    let first = generation(&cell);
    assert!(cell.machine.discard(first.next()).is_none());
    let discarded = cell.machine.discard(first);
    assert_eq!(discarded.unwrap().expose(), "token-1");
    let mut refuse = |generation| cell.machine.refuse(generation, cell.now).0;
    assert_eq!(refuse(first), Rejection::Superseded);
    assert_eq!(refuse(Generation::NONE), Rejection::CannotRenew);
    assert_eq!(refuse(first.next()), Rejection::CannotRenew);
    cell.machine.close();
    let (rejection, start) = cell.machine.refuse(first, cell.now);
    assert_eq!(rejection, Rejection::CannotRenew, "nothing comes any more");
    assert!(start.is_none());
}

#[test]
fn a_report_of_another_caches_newer_token_renews_nothing() {
    let mut cell = with_token();
    let (rejection, start) = cell.machine.refuse(generation(&cell).next(), cell.now);
    assert_eq!(rejection, Rejection::CannotRenew);
    assert!(start.is_none() && !cell.machine.is_refused());
}

#[test]
fn the_owners_request_names_the_strongest_reason() {
    let reason = |cell: &mut Cell| {
        let (_, start) = cell.machine.invalidate(cell.now);
        start.map(|start| start.reason)
    };
    assert_eq!(reason(&mut Cell::new()), Some(Reason::Missing));
    assert_eq!(reason(&mut with_token()), Some(Reason::Forced));
    let mut cell = with_token();
    cell.wait(90);
    assert_eq!(reason(&mut cell), Some(Reason::Expired));
    // Refused, and the renewal that followed has failed.
    let mut cell = with_token();
    let (_, start) = cell.machine.refuse(generation(&cell), cell.now);
    cell.fail(start);
    assert_eq!(reason(&mut cell), Some(Reason::Rejected));
    let mut cell = with_token();
    let (_, start) = cell.machine.refuse(generation(&cell), cell.now);
    cell.fail(start);
    cell.wait(90);
    assert_eq!(
        reason(&mut cell),
        Some(Reason::Expired),
        "expired matters more"
    );
}

#[test]
fn the_next_look_is_never_at_a_time_that_has_come() {
    let mut cell = with_token();
    let due = cell.now.mono + Duration::from_secs(75);
    assert_eq!(cell.machine.looks_again_at(cell.now), Some(due));
    cell.wait(75);
    assert_eq!(cell.machine.looks_again_at(cell.now), None);
}
