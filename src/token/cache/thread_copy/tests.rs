use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::token::{
    Generation, IssuedToken,
    cache::{CacheSettings, cell::Cell, machine::Machine, moment::Moment},
};

const HOUR: Duration = Duration::from_secs(3600);

fn cell(secret: &str, now: Moment) -> (Cell, Generation) {
    let mut machine = Machine::new(CacheSettings::new(), fastrand::Rng::with_seed(7));
    let issued = IssuedToken::new(secret.to_owned(), HOUR);
    let generation = machine.start_from(&issued, now).unwrap();
    (Cell::new(machine, now), generation)
}

fn hit(cell: &Cell, now: Moment) -> Option<String> {
    let token = cell.hit(Stamp::of(now))?;
    Some(token.expose().to_owned())
}

/// Returns the token that this thread has copied.
fn copied() -> Option<String> {
    LAST.with(|last| {
        let last = last.borrow();
        let token = &last.copy.as_ref()?.visible;
        let token = token.serve(Stamp::of(Moment::now()))?;
        Some(token.expose().to_owned())
    })
}

#[test]
fn a_thread_copies_the_token_that_it_goes_on_using() {
    let now = Moment::now();
    let (one, _) = cell("one", now);
    let original = one.hit(Stamp::of(now)).unwrap();
    for _ in 1..HITS_FOR_A_COPY {
        assert_eq!(copied(), None);
        assert_eq!(hit(&one, now).as_deref(), Some("one"));
    }
    assert_eq!(copied().as_deref(), Some("one"));
    let copy = one.hit(Stamp::of(now)).unwrap();
    assert_ne!(copy.expose().as_ptr(), original.expose().as_ptr());
}

#[test]
fn a_thread_that_serves_several_in_turn_copies_none() {
    let now = Moment::now();
    let ((one, _), (two, _)) = (cell("one", now), cell("two", now));
    for _ in 0..10 * HITS_FOR_A_COPY {
        assert_eq!(hit(&one, now).as_deref(), Some("one"));
        assert_eq!(hit(&two, now).as_deref(), Some("two"));
    }
    assert_eq!(copied(), None);
    for _ in 0..HITS_FOR_A_COPY {
        assert_eq!(hit(&one, now).as_deref(), Some("one"));
    }
    for _ in 0..10 * HITS_FOR_A_COPY {
        assert_eq!(hit(&one, now).as_deref(), Some("one"));
        assert_eq!(hit(&two, now).as_deref(), Some("two"));
        assert_eq!(copied().as_deref(), Some("one"), "it stays");
    }
}

#[test]
fn a_copy_ends_with_its_token_on_either_clock() {
    let now = Moment::now();
    let (one, _) = cell("one", now);
    for _ in 0..=HITS_FOR_A_COPY {
        hit(&one, now);
    }
    let (mono, wall) = (now.mono + HOUR, now.wall + HOUR);
    assert_eq!(hit(&one, Moment { mono, ..now }), None);
    assert_eq!(hit(&one, Moment { wall, ..now }), None);
    assert_eq!(hit(&one, now).as_deref(), Some("one"));
}

#[test]
fn a_copy_is_gone_with_the_next_hit_after_its_token_was_replaced() {
    let now = Moment::now();
    let (one, generation) = cell("one", now);
    for _ in 0..=HITS_FOR_A_COPY {
        hit(&one, now);
    }
    let (_, start) = one.refuse(generation, now);
    assert_eq!(hit(&one, now), None);
    let fresh = IssuedToken::new("fresh".to_owned(), HOUR);
    one.finish(start.unwrap().id, Ok((fresh, now)), now);
    assert_eq!(hit(&one, now).as_deref(), Some("fresh"));
    assert_eq!(copied(), None);
}

/// A step on one of three cells.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hit(u8),
    Renew,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        8 => (1_u8..20).prop_map(Step::Hit),
        2 => Just(Step::Renew),
        1 => Just(Step::Close),
    ];
    proptest::collection::vec((0_usize..3, step), 1..60)
}

proptest! {
    #[test]
    fn a_thread_serves_what_the_cell_shows_whatever_it_has_served_before(steps in steps()) {
        let now = Moment::now();
        let mut cells = [0, 1, 2].map(|n| (cell(&format!("{n}-1"), now), 1, false));
        for (n, step) in steps {
            let ((cell, generation), tokens, closed) = &mut cells[n];
            match step {
                Step::Hit(times) => for _ in 0..times {
                    prop_assert_eq!(hit(cell, now), Some(format!("{n}-{tokens}")));
                },
                Step::Renew => {
                    let (_, start) = cell.refuse(*generation, now);
                    let Some(start) = start else { continue };
                    prop_assert_eq!(hit(cell, now), None);
                    *tokens += 1;
                    let fresh = IssuedToken::new(format!("{n}-{tokens}"), HOUR);
                    let finished = cell.finish(start.id, Ok((fresh, now)), now);
                    *generation = finished.unwrap().unwrap();
                }
                Step::Close => {
                    cell.close(now);
                    *closed = true;
                }
            }
            if *closed {
                // The copy is served until it expires, even when due, because
                // a closed cache renews nothing.
                let due = Moment { mono: now.mono + HOUR - Duration::from_secs(61), ..now };
                prop_assert!(hit(cell, due).is_some());
            }
        }
    }
}
