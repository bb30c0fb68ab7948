use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(1_800_000_000);
const TERMS: Terms = Terms::new(300, 75);

fn owner(number: u8) -> crate::store::Owner {
    crate::store::Owner::from_bytes([number; 16])
}

fn ask(number: u8, want: u32) -> Reservation {
    Reservation::new(owner(number), Some(TERMS), want)
}

fn at(seconds: f64) -> Duration {
    NOW + Duration::from_secs_f64(seconds)
}

fn waits(grant: &Grant) -> Vec<f64> {
    let waits = grant.slots.iter().map(|slot| grant.wait(*slot));
    waits.map(|wait| wait.as_secs_f64()).collect()
}

fn take(book: &mut Book, number: u8, want: u32, seconds: f64) -> Grant {
    let grant = book.reserve(&ask(number, want), at(seconds));
    grant.expect("a limit is stated")
}

/// Reserves more slots than a share, and returns how many begin at once.
fn at_once(book: &mut Book, seconds: f64) -> usize {
    let waits = waits(&take(book, 1, 100, seconds));
    waits.iter().filter(|wait| **wait < 0.001).count()
}

#[test]
fn a_lone_job_of_the_burst_is_not_slowed() {
    let mut book = Book::default();
    let grant = take(&mut book, 1, 75, 0.0);
    assert_eq!(grant.slots.len(), 75);
    assert!(waits(&grant).iter().all(|wait| *wait < 0.001));
}

#[test]
fn after_a_burst_the_rest_of_the_window_is_spread_without_a_silence() {
    let mut book = Book::default();
    let mut last = 0.0;
    for _ in 0..2000 {
        let grant = take(&mut book, 1, 1, last);
        let wait = waits(&grant)[0];
        assert!(wait < 0.3, "{wait} after {last}");
        last += wait;
    }
}

#[test]
fn a_book_that_was_lost_or_left_grants_no_burst() {
    for (is_known, was_alone) in [(true, false), (false, true)] {
        let mut book = Book::default();
        let mut reservation = ask(1, 9);
        (reservation.is_known, reservation.was_alone) = (is_known, was_alone);
        let grant = book.reserve(&reservation, NOW).expect("a limit");
        assert_eq!(waits(&grant)[0], 0.0);
        assert!(waits(&grant)[1] > 0.2, "{:?}", waits(&grant));
    }
}

#[test]
fn owners_get_equal_shares_of_two_seconds_and_at_least_one() {
    let mut book = Book::default();
    let mut reservation = ask(1, 100);
    reservation.is_known = true;
    let alone = book.reserve(&reservation, NOW).expect("a limit");
    assert_eq!((alone.slots.len(), alone.owners), (9, 1));
    let second = take(&mut book, 2, 100, 0.0);
    assert_eq!((second.slots.len(), second.owners), (4, 2));
    for number in 3..50 {
        let next = take(&mut book, number, 100, 0.0);
        assert_eq!(
            next.slots.len(),
            (9 / usize::from(number)).max(1),
            "{number}"
        );
    }
    // It has some to come, and so none besides.
    assert_eq!(take(&mut book, 3, 100, 0.0).slots.len(), 0);
}

/// Reserves up to nine slots, and returns their waits.
fn wait_for(book: &mut Book, terms: Terms, seconds: f64) -> Vec<f64> {
    let reservation = Reservation::new(owner(1), Some(terms), 9);
    let grant = book.reserve(&reservation, at(seconds));
    waits(&grant.expect("a limit is stated"))
}

#[test]
fn an_owner_gets_one_slot_at_a_time_if_its_share_has_none() {
    // One slot in 61 seconds, and shares are of two seconds.
    let (mut book, terms) = (Book::default(), Terms::new(1, 0));
    assert_eq!(wait_for(&mut book, terms, 0.0), [0.0]);
    // A slot that begins now is not one to come.
    assert_eq!(wait_for(&mut book, terms, 0.0), [61.0]);
    assert!(wait_for(&mut book, terms, 0.0).is_empty());
    assert!(wait_for(&mut book, terms, 60.999_999).is_empty());
    assert_eq!(wait_for(&mut book, terms, 61.0), [61.0]);
}

#[test]
fn an_owner_gets_the_rest_of_its_share() {
    // After the first slot, the other 60 are spread over 61 seconds.
    let (mut book, terms) = (Book::default(), Terms::new(61, 0));
    assert_eq!(wait_for(&mut book, terms, 0.0), [0.0, 1.016_666]);
    // The two seconds from now reach the third slot after a moment.
    assert!(wait_for(&mut book, terms, 0.033_331).is_empty());
    assert_eq!(wait_for(&mut book, terms, 0.033_332), [2.0]);
}

#[test]
fn a_slot_that_the_limit_delays_costs_no_saved_time() {
    // The first slot of the burst cost nothing, so the time of one is left.
    let (mut book, terms) = (Book::default(), Terms::new(2, 2));
    assert_eq!(wait_for(&mut book, terms, 0.0), [0.0, 0.000_001]);
    assert_eq!(wait_for(&mut book, terms, 0.0), [61.0]);
    // It is spent on a slot that begins at once.
    assert_eq!(wait_for(&mut book, terms, 61.0), [0.000_001]);
}

#[test]
fn the_rest_of_a_window_is_spread_without_the_slots_before_it() {
    let (mut book, terms) = (Book::default(), Terms::new(61, 0));
    assert_eq!(wait_for(&mut book, terms, 0.0), [0.0, 1.016_666]);
    book.refuse(&Refusal::new(terms, Duration::from_secs(100)), at(2.0));
    assert_eq!(wait_for(&mut book, terms, 2.0), [100.0]);
    // The slot after the closure is the first of its window, as above.
    assert_eq!(wait_for(&mut book, terms, 102.0), [1.016_666]);
}

#[test]
fn a_burst_is_divided_by_the_owners() {
    let mut book = Book::default();
    take(&mut book, 1, 1, 0.0);
    let grant = take(&mut book, 2, 100, 0.0);
    assert_eq!(grant.slots.len(), 75 / 2);
}

#[test]
fn an_owner_has_left_two_seconds_after_its_last_slot() {
    let mut book = Book::default();
    take(&mut book, 1, 1, 0.0);
    for (at, owners) in [(1.999_999, 2), (2.0, 1)] {
        let mut later = book.clone();
        assert_eq!(take(&mut later, 2, 1, at).owners, owners, "{at}");
    }
}

#[test]
fn no_slot_begins_while_the_server_wants_to_be_left_alone() {
    let mut book = Book::default();
    take(&mut book, 1, 1, 0.0);
    book.refuse(&Refusal::new(TERMS, Duration::from_secs(40)), at(1.0));
    let grant = take(&mut book, 1, 3, 2.0);
    assert!(waits(&grant)[0] >= 39.0);
    assert!(waits(&grant)[1] > 39.2, "no burst after it");
    assert_eq!(grant.closed, Duration::from_secs(39));
    // A shorter one changes nothing.
    book.refuse(&Refusal::new(TERMS, Duration::from_secs(1)), at(3.0));
    assert_eq!(take(&mut book, 2, 0, 3.0).closed, Duration::from_secs(38));
}

#[test]
fn slots_that_come_back_are_free_for_others() {
    let mut book = Book::default();
    let first = take(&mut book, 1, 75, 0.0);
    assert!(
        waits(&take(&mut book, 2, 2, 0.1))[1] > 0.1,
        "the burst is used up"
    );
    let mut back = ask(1, 0);
    back.returned = first.slots[..50].to_vec();
    book.reserve(&back, at(0.2));
    let grant = take(&mut book, 3, 10, 5.0);
    assert!(
        waits(&grant).iter().all(|wait| *wait < 0.001),
        "{:?}",
        waits(&grant)
    );
    // A second return, and a slot that was never granted, change nothing.
    let mut page = book.clone();
    back.returned.extend([1, u64::MAX]);
    page.reserve(&back, at(5.1));
    book.reserve(&ask(1, 0), at(5.1));
    assert_eq!(page, book);
}

#[test]
fn the_lowest_limit_counts_as_long_as_a_process_states_it() {
    let mut book = Book::default();
    let low = Reservation::new(owner(1), Some(Terms::new(200, 0)), 1);
    assert_eq!(book.reserve(&low, NOW).expect("a limit").limit, 200);
    assert_eq!(take(&mut book, 2, 1, 1.0).limit, 200);
    assert_eq!(take(&mut book, 2, 1, 121.0).limit, 200);
    assert_eq!(take(&mut book, 2, 1, 122.0).limit, 300);
}

#[test]
fn who_knows_no_limit_is_told_the_one_there_is() {
    let mut book = Book::default();
    let look = Reservation::new(owner(1), None, 0);
    assert_eq!(book.reserve(&look, NOW), None);
    take(&mut book, 2, 1, 0.0);
    let told = book.reserve(&look, at(1.0)).expect("a limit");
    assert_eq!((told.limit, told.slots.len()), (300, 0));
    let over = NOW + Terms::WINDOW * 2;
    let before = over - Duration::from_micros(1);
    assert!(!book.is_over(before) && book.is_over(over));
    assert!(book.reserve(&look, before).is_some());
    assert_eq!(book.reserve(&look, over), None, "all state expires");
}

#[test]
fn a_clock_that_was_set_back_locks_no_process_out() {
    let mut book = Book::default();
    take(&mut book, 1, 10, 3600.0);
    assert!(waits(&take(&mut book, 1, 1, 0.0))[0] < 0.5);
}

#[test]
fn a_clock_may_be_slewed_back_by_a_second() {
    let mut book = Book::default();
    take(&mut book, 1, 1, 1.0);
    assert!(!book.is_over(NOW));
    assert!(book.is_over(NOW - Duration::from_micros(1)));
}

#[test]
fn a_pause_is_saved_up_for_a_burst_and_never_for_more() {
    let mut book = Book::default();
    take(&mut book, 1, 75, 0.0);
    // The first slot cost nothing, so the time of one is left. The next one is
    // due after 271 ms, so 9.729 s more are saved: 48 slots of 203 ms in all.
    let mut later = book.clone();
    assert_eq!(at_once(&mut later, 10.0), 48);
    assert_eq!(at_once(&mut book, 100.0), 75);
}

#[test]
fn a_slot_comes_back_until_it_leaves_the_window() {
    let mut book = Book::default();
    let slots = take(&mut book, 1, 1, 0.0).slots;
    // Nothing is saved up until then.
    book.refuse(&Refusal::new(TERMS, Duration::from_secs(69)), at(1.0));
    for (seconds, bursts) in [(60.999_999, 1), (61.0, 0)] {
        let mut book = book.clone();
        let mut back = ask(1, 0);
        back.returned.clone_from(&slots);
        book.reserve(&back, at(seconds));
        // The slot at 70 s, and one for the time of the unused slot.
        assert_eq!(at_once(&mut book, 70.0), 1 + bursts, "{seconds}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { owner: u8, want: u32, alone: bool },
    Return(u8),
    Refuse(u64),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, 0..40_u32, proptest::bool::weighted(0.05))
            .prop_map(|(owner, want, alone)| Step::Reserve { owner, want, alone }),
        1 => (0..6_u8).prop_map(Step::Return),
        1 => (0..20_000_u64).prop_map(Step::Refuse),
        6 => (0..3_000_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn no_window_has_more_slots_than_the_limit_and_slots_grow(
        limit in 1..40_u32,
        burst in 0..40_u32,
        steps in proptest::collection::vec(step(), 1..400),
    ) {
        let terms = Terms::new(limit, burst);
        let (mut book, mut now) = (Book::default(), NOW);
        let mut all: Vec<u64> = Vec::new();
        let mut of: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        let mut returned = BTreeSet::new();
        for step in steps {
            match step {
                Step::Reserve { owner: number, want, alone } => {
                    let mut ask = Reservation::new(owner(number), Some(terms), want);
                    ask.was_alone = alone;
                    let grant = book.reserve(&ask, now).expect("a limit");
                    prop_assert!(grant.slots.len() <= want as usize);
                    for slot in grant.slots {
                        prop_assert!(Some(&slot) > all.last());
                        prop_assert!(slot >= micros(now));
                        all.push(slot);
                        of.entry(number).or_default().push(slot);
                    }
                }
                Step::Return(number) => {
                    let mut ask = Reservation::new(owner(number), Some(terms), 0);
                    ask.returned = of.remove(&number).unwrap_or_default();
                    returned.extend(ask.returned.iter().copied());
                    book.reserve(&ask, now);
                }
                Step::Refuse(wait) => {
                    book.refuse(&Refusal::new(terms, Duration::from_millis(wait)), now);
                }
                Step::Pass(wait) => now += Duration::from_millis(wait),
            }
        }
        // What went back was not used, and does not count.
        all.retain(|slot| !returned.contains(slot));
        for (place, slot) in all.iter().enumerate() {
            let last = place + limit as usize;
            if let Some(later) = all.get(last) {
                prop_assert!(later - slot >= WINDOW, "{} within a window", limit + 1);
            }
        }
    }
}
