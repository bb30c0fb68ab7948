use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::Wake,
};

use super::*;
use crate::limiter::slots::LONGEST_WAIT;

/// The store's clock.
const NOW: Duration = Duration::from_secs(1_800_000_000);
const GAP: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

struct Process {
    line: Line,
    start: Instant,
    woken: Vec<Waker>,
}

impl Process {
    fn new() -> Self {
        Self {
            line: Line::default(),
            start: Instant::now(),
            woken: Vec::new(),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// Grants slots that begin this many milliseconds later. The request was
    /// sent and its reply arrived at these times.
    fn grant(&mut self, waits: &[u64], [asked, now]: [u64; 2]) -> Option<Duration> {
        let times = [self.at(asked), self.at(now)];
        let grant = granted(waits, Duration::ZERO);
        self.line.granted(&grant, times, &mut self.woken)
    }

    fn queue(&mut self, ms: u64) -> u64 {
        match self.join(ms, 1_000_000) {
            Joined::Queued(ticket, _) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, ms: u64, deadline: u64) -> Joined {
        let (now, deadline) = (self.at(ms), self.at(deadline));
        self.line.join(now, deadline, GAP, &mut self.woken)
    }

    /// When to look again; `None`: it goes.
    fn look(&mut self, ticket: u64, ms: u64) -> Option<u128> {
        self.look_until(ticket, ms, 1_000_000, Waker::noop())
    }

    fn look_until(&mut self, ticket: u64, ms: u64, end: u64, waker: &Waker) -> Option<u128> {
        let (now, end) = (self.at(ms), self.at(end));
        match self.line.poll(ticket, now, end, waker, &mut self.woken) {
            Turn::Go => None,
            Turn::Look(at, _) => Some((at - self.start).as_millis()),
            Turn::GoWithout => panic!("it fits"),
        }
    }

    fn take(&mut self, ms: u64) -> bool {
        self.line.take(self.at(ms))
    }
}

fn granted(waits: &[u64], closed: Duration) -> Grant {
    let begin = |ms: &u64| NOW + Duration::from_millis(*ms);
    let slots = waits.iter().map(|ms| begin(ms).as_micros() as u64);
    Grant {
        now: NOW,
        slots: slots.collect(),
        share: 9,
        owners: 1,
        limit: 300,
        closed,
        replaces: None,
    }
}

fn name(wait: u64) -> u64 {
    (NOW + Duration::from_millis(wait)).as_micros() as u64
}

#[test]
fn slots_go_to_those_who_wait_in_the_order_in_which_they_came() {
    let mut process = Process::new();
    let [first, second, third] = [(); 3].map(|()| process.queue(0));
    assert_eq!(process.grant(&[0, 200, 400], [0, 1]), Some(GAP * 2));
    // The last one looks first, and gets no slot of the others.
    assert_eq!(process.look(third, 1), Some(401));
    assert_eq!(process.look(second, 1), Some(201));
    assert_eq!(process.look(first, 1), None);
    assert_eq!(process.look(third, 250), Some(401));
    assert_eq!(process.look(second, 250), None);
    assert_eq!(process.look(third, 401), None);
    assert_eq!(process.line.waiting(), 0);
}

#[test]
fn a_send_passes_nobody_who_waits() {
    let mut process = Process::new();
    let first = process.queue(0);
    process.grant(&[100, 100], [0, 0]);
    assert!(!process.take(100), "one waits");
    assert_eq!(process.look(first, 100), None);
    assert!(process.take(100));
    assert!(!process.take(100));
}

#[test]
fn the_slot_of_one_who_leaves_goes_to_the_next_whether_it_has_looked_or_not() {
    let mut process = Process::new();
    let [first, second, third] = [(); 3].map(|()| process.queue(0));
    process.grant(&[100], [0, 0]);
    let now = process.at(0);
    process.line.leave(first, now, &mut process.woken);
    assert_eq!(process.look(second, 0), Some(100));
    // The second has been given the slot, and did not look.
    assert!(process.look(third, 150).is_some());
    let now = process.at(150);
    process.line.leave(second, now, &mut process.woken);
    assert_eq!(process.look(third, 150), None);
}

#[test]
fn one_who_looks_too_late_keeps_its_place_and_its_slot_goes_back() {
    let mut process = Process::new();
    let [first, second] = [(); 2].map(|()| process.queue(0));
    process.grant(&[100, 1900], [0, 0]);
    // The second looks in time, which gives the first its slot.
    assert_eq!(process.look(second, 200), Some(1900));
    assert!(process.look(first, 1001).is_some());
    assert_eq!(process.line.slots.take_returned(), [name(100)]);
    assert_eq!(process.look(first, 1900), None);
    assert!(process.look(second, 1900).is_some());
}

#[test]
fn a_slot_is_good_for_nine_tenths_of_a_second_and_goes_back_after_that() {
    let mut process = Process::new();
    process.grant(&[0, 1], [0, 0]);
    assert!(!process.line.is_short(process.at(900), 0));
    assert!(process.take(900));
    assert!(!process.take(902));
    assert_eq!(process.line.slots.take_returned(), [name(1)]);
    assert!(process.line.slots.take_returned().is_empty(), "once");
}

/// The store granted at some time between the two, and the process does not
/// know when.
#[test]
fn a_slot_of_a_late_answer_begins_later_and_ends_no_later() {
    let mut process = Process::new();
    process.grant(&[100], [0, 500]);
    assert!(!process.take(599));
    assert!(process.take(600));
    process.grant(&[100], [1000, 1950]);
    assert!(!process.take(2050), "it was over at 2000");
}

#[test]
fn only_what_is_certain_counts_against_a_deadline() {
    let mut process = Process::new();
    // Without a grant, the process cannot predict a wait.
    assert!(matches!(process.join(0, 10), Joined::Queued(..)));
    process.grant(&[2000, 2200], [0, 0]);
    // The second send gets the second slot. The third may get one at the same
    // time, and each further one a gap later at best.
    assert_eq!(process.join(0, 2200), Joined::TooLong);
    assert!(matches!(process.join(0, 2201), Joined::Queued(..)));
    assert_eq!(process.join(0, 2200), Joined::TooLong);
    assert!(matches!(process.join(0, 2201), Joined::Queued(..)));
    assert_eq!(process.join(0, 2400), Joined::TooLong);
    assert!(matches!(process.join(0, 2401), Joined::Queued(..)));
}

#[test]
fn one_whose_slot_moves_past_its_deadline_goes_without_and_leaves_its_slot() {
    let mut process = Process::new();
    let [first, second] = [(); 2].map(|()| process.queue(0));
    process.grant(&[3000], [0, 0]);
    let (now, end, woken) = (process.at(1), process.at(3000), &mut process.woken);
    let turn = process.line.poll(first, now, end, Waker::noop(), woken);
    assert!(matches!(turn, Turn::GoWithout));
    assert_eq!(process.look(second, 1), Some(3000));
}

#[test]
fn as_many_are_wanted_ahead_as_were_used_in_the_last_moment() {
    let mut process = Process::new();
    process.grant(&[0, 1, 2, 1000], [0, 0]);
    assert!(process.take(0) && process.take(2) && process.take(2));
    let want = |process: &mut Process, ms| process.line.want(process.at(ms));
    assert_eq!(want(&mut process, 2), 0, "one is there");
    process.queue(1);
    process.queue(1);
    assert_eq!(want(&mut process, 2), 1, "the second has none");
    process.line.slots.close(process.at(2000));
    assert_eq!(
        want(&mut process, 2),
        5,
        "two who wait and three that were used"
    );
    assert_eq!(want(&mut process, 901), 4, "the first use is over");
    assert_eq!(want(&mut process, 903), 2);
}

#[test]
fn no_more_than_64_are_taken_ahead() {
    let mut process = Process::new();
    process.grant(&[0; 200], [0, 0]);
    assert!((0..200).all(|_| process.take(0)));
    assert_eq!(process.line.want(process.at(0)), 64);
}

#[test]
fn a_grant_that_no_book_would_make_is_refused_whole() {
    let mut process = Process::new();
    let hour = LONGEST_WAIT.as_millis() as u64;
    assert_eq!(process.grant(&[2, 1], [0, 0]), None);
    assert_eq!(process.grant(&[0, hour + 1], [0, 0]), None);
    let closed = granted(&[], LONGEST_WAIT + GAP);
    let times = [process.start; 2];
    assert_eq!(
        process.line.granted(&closed, times, &mut process.woken),
        None
    );
    assert!(process.line.slots.is_empty());
    assert_eq!(process.grant(&[hour], [0, 0]), Some(LONGEST_WAIT));
}

#[test]
fn no_slot_begins_while_the_server_wants_to_be_left_alone() {
    let mut process = Process::new();
    process.grant(&[0, 100, 5000], [0, 0]);
    process.line.slots.close(process.at(1000));
    assert_eq!(process.line.slots.take_returned(), [name(0), name(100)]);
    // A slot that is granted later and begins before goes back too.
    process.grant(&[999, 1000], [0, 0]);
    assert_eq!(process.line.slots.take_returned(), [name(999)]);
    // The book says it too.
    let closed = granted(&[], Duration::from_secs(4));
    process
        .line
        .granted(&closed, [process.start; 2], &mut process.woken);
    assert_eq!(process.line.slots.take_returned(), [name(1000)]);
    assert_eq!(process.line.slots.last_at(), Some(process.at(5000)));
}

#[test]
fn slots_that_the_process_made_up_end_with_the_next_grant_and_never_go_back() {
    let mut process = Process::new();
    let now = process.start;
    process.line.begin_alone(now, GAP);
    for _ in 0..3 {
        process.line.make_up(now, GAP, &mut process.woken);
    }
    // One in each gap, a tenth sooner or later, and the first within one.
    let last = process.line.slots.last_at().expect("three") - now;
    assert!(
        (GAP * 9 / 5..=GAP * 3 + GAP / 5).contains(&last),
        "{last:?}"
    );
    // A send that waits for a made-up slot also needs one of the book.
    process.queue(0);
    assert_eq!(process.line.want(now), 1);
    process.grant(&[5000], [0, 0]);
    assert_eq!(process.line.slots.len(), 1);
    assert!(process.line.slots.take_returned().is_empty());
}

#[test]
fn a_grant_wakes_as_many_as_have_a_slot_and_each_that_becomes_first() {
    let mut process = Process::new();
    let wakers = [(); 3].map(|()| Arc::new(Count::default()));
    let tickets = wakers.each_ref().map(|count| {
        let ticket = process.queue(0);
        let waker = Waker::from(count.clone());
        assert!(process.look_until(ticket, 0, 1_000_000, &waker).is_some());
        ticket
    });
    let woken = |process: &mut Process| {
        process.woken.drain(..).for_each(Waker::wake);
        wakers.each_ref().map(|count| count.0.load(SeqCst))
    };
    assert_eq!(woken(&mut process), [0, 0, 0]);
    process.grant(&[100], [0, 0]);
    assert_eq!(woken(&mut process), [1, 0, 0]);
    // Its slot is there, and now the second sets its timer for the next one.
    assert_eq!(process.look(tickets[0], 100), None);
    assert_eq!(woken(&mut process), [1, 1, 0]);
}

#[test]
fn a_limit_is_used_up_when_a_slot_begins_more_than_a_quarter_second_later() {
    for (last, second) in [(250, 0), (251, 251)] {
        let mut process = Process::new();
        process.grant(&[last], [0, 0]);
        assert_eq!(process.join(0, 1000), Joined::Queued(0, process.at(last)));
        // Its slot is unknown: at best now, or no earlier than the last one.
        let at = process.at(second);
        assert_eq!(process.join(0, 1000), Joined::Queued(1, at), "{last}");
    }
}

#[test]
fn a_process_reserves_more_if_a_send_lacks_a_slot_and_the_book_has_one_to_spare() {
    let mut process = Process::new();
    let now = process.start;
    assert!(!process.line.is_short(now, 1), "no send waits");
    process.queue(0);
    assert!(process.line.is_short(now, 0), "it has no slot at all");
    process.grant(&[100], [0, 0]);
    assert!(
        !process.line.is_short(now, 1),
        "the send has a slot to come"
    );
    process.queue(0);
    assert!(!process.line.is_short(now, 0), "the book has none to spare");
    assert!(process.line.is_short(now, 1));
}

#[test]
fn a_send_that_looks_again_replaces_its_waker_only_by_another_one() {
    let mut process = Process::new();
    let ticket = process.queue(0);
    let wakers = [(); 2].map(|()| Waker::from(Arc::new(Count::default())));
    let mut replaced = |waker: &Waker| {
        let (now, end) = (process.start, process.at(1_000_000));
        let turn = process
            .line
            .poll(ticket, now, end, waker, &mut process.woken);
        match turn {
            Turn::Look(_, old) => old,
            other => panic!("it waits: {other:?}"),
        }
    };
    assert!(replaced(&wakers[0]).is_none(), "the first one");
    assert!(replaced(&wakers[0]).is_none(), "the same one");
    let old = replaced(&wakers[1]).expect("the first one");
    assert!(old.will_wake(&wakers[0]));
    process.grant(&[0], [0, 0]);
    assert_eq!(process.woken.len(), 1);
    assert!(process.woken[0].will_wake(&wakers[1]));
}

#[test]
fn at_most_1024_unused_slots_are_kept_for_their_return() {
    let mut process = Process::new();
    let waits: Vec<u64> = (0..1025).collect();
    process.grant(&waits, [0, 0]);
    process.line.slots.close(process.at(1025));
    assert!(process.line.slots.is_empty());
    let kept: Vec<u64> = (0..1024).map(name).collect();
    assert_eq!(process.line.slots.take_returned(), kept);
}

#[test]
fn no_send_is_turned_away_before_a_grant_shows_that_the_limit_is_used_up() {
    let mut process = Process::new();
    let now = process.start;
    // The grant can bring any number of slots, all of them due.
    assert_eq!(process.join(0, 1), Joined::Queued(0, now));
    assert_eq!(process.join(0, 1), Joined::Queued(1, now));
}

#[test]
fn a_slot_that_begins_when_a_closure_ends_is_used() {
    let mut process = Process::new();
    process.grant(&[999, 1000], [0, 0]);
    process.line.slots.close(process.at(1000));
    assert_eq!(process.line.slots.take_returned(), [name(999)]);
    assert!(process.take(1000));
}
