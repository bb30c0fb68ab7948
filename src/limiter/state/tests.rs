use super::*;

const PATIENCE: Duration = Duration::from_millis(300);
const FAR: Duration = Duration::from_secs(10_000);

struct Process {
    state: State,
    start: Instant,
    effects: Effects,
}

impl Process {
    fn new(limit: Limit) -> Self {
        Self {
            state: State::new(limit, PATIENCE),
            start: Instant::now(),
            effects: Effects::default(),
        }
    }

    fn stated() -> Self {
        Self::new(Limit::per_minute(300))
    }

    /// A process whose first send has used its slot.
    fn granted() -> Self {
        let mut process = Self::stated();
        process.join(0.0);
        let ask = process.asked().expect("one");
        process.answer(ask.id, grant(&[0.0], 1, 300), 0.0);
        process
    }

    fn at(&self, seconds: f64) -> Instant {
        self.start + Duration::from_secs_f64(seconds)
    }

    fn join(&mut self, seconds: f64) -> Joined {
        let (now, deadline) = (self.at(seconds), self.start + FAR);
        self.state.join(now, deadline, &mut self.effects)
    }

    /// The reservation that was begun.
    fn asked(&mut self) -> Option<Ask> {
        self.effects.ask.take()
    }

    fn events(&mut self) -> Vec<&'static str> {
        let events = std::mem::take(&mut self.effects.events);
        events.iter().map(LimitEvent::as_str).collect()
    }

    fn answer(&mut self, id: u64, grant: Option<Grant>, seconds: f64) {
        let times = [self.at(seconds); 2];
        self.state
            .replied(id, grant.as_ref(), times, &mut self.effects);
    }

    fn fail(&mut self, id: u64, seconds: f64) {
        let now = self.at(seconds);
        let kind = StoreErrorKind::Unavailable;
        self.state.failed(id, kind, now, &mut self.effects);
    }

    fn refused(&mut self, until: f64, named: Option<u32>) -> Option<(Terms, Duration)> {
        let (until, now) = (self.at(until), self.start);
        self.state.refused(until, named, now, &mut self.effects)
    }
}

/// Returns a grant of slots that begin this many seconds later.
fn grant(waits: &[f64], owners: u32, limit: u32) -> Option<Grant> {
    let now = Duration::from_secs(1_800_000_000);
    let begin = |wait: &f64| (now + Duration::from_secs_f64(*wait)).as_micros() as u64;
    Some(Grant {
        now,
        slots: waits.iter().map(begin).collect(),
        share: 9,
        owners,
        limit,
        closed: Duration::ZERO,
        replaces: None,
    })
}

#[test]
fn one_reservation_is_made_at_a_time_until_patience_is_over() {
    let mut process = Process::stated();
    assert!(matches!(process.join(0.0), Joined::Queued(..)));
    let first = process.asked().expect("one");
    assert_eq!(
        (first.want, first.is_known, first.was_alone),
        (1, false, false)
    );
    process.join(0.299_999);
    assert!(process.asked().is_none());
    process.join(0.3);
    let second = process.asked().expect("the first one counts as lost");
    assert_eq!(second.want, 3);
    // The first reservation counts as lost, so its reply is ignored.
    process.answer(first.id, grant(&[0.0], 1, 300), 0.4);
    process.fail(first.id, 0.4);
    assert!(process.events().is_empty());
    process.answer(second.id, grant(&[0.0, 0.0, 0.0], 1, 300), 0.4);
    assert_eq!(process.events(), ["reserved"]);
    assert!(process.asked().is_none());
}

#[test]
fn one_who_waits_looks_again_when_patience_is_over() {
    let mut process = Process::stated();
    let Joined::Queued(ticket, _) = process.join(0.0) else {
        panic!("there is no slot");
    };
    let (now, far) = (process.at(0.1), process.start + FAR);
    let waker = Waker::noop();
    let turn = process
        .state
        .poll(ticket, far, now, waker, &mut process.effects);
    let over = process.start + PATIENCE;
    assert!(matches!(turn, Turn::Look(at, _) if at == over), "{turn:?}");
}

#[test]
fn a_process_that_knows_no_limit_sends_and_asks_for_one_about_once_a_minute() {
    let mut process = Process::new(Limit::learned());
    for _ in 0..3 {
        assert_eq!(process.join(0.0), Joined::Go);
    }
    let look = process.asked().expect("one");
    assert_eq!((look.terms, look.want), (None, 0));
    process.answer(look.id, None, 0.0);
    assert_eq!(process.join(44.0), Joined::Go);
    assert!(process.asked().is_none());
    assert_eq!(process.join(61.0), Joined::Go);
    let look = process.asked().expect("a minute later");
    process.answer(look.id, grant(&[], 1, 200), 61.0);
    assert_eq!(process.events(), ["learned"]);
    assert!(matches!(process.join(61.0), Joined::Queued(..)));
    let ask = process.asked().expect("for a slot");
    assert_eq!(ask.terms, Some(Limit::learned().terms(200)));
}

#[test]
fn a_book_that_was_never_reached_holds_nothing_up_and_is_looked_for_after_ten_seconds() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.fail(ask.id, 0.15);
    assert_eq!(process.events(), ["failed", "went_alone"]);
    assert_eq!(process.state.line.waiting(), 0, "all go");
    assert_eq!(process.join(10.0), Joined::Go);
    assert!(process.asked().is_none());
    assert_eq!(process.join(12.2), Joined::Go);
    let again = process.asked().expect("after 10 to 12 seconds");
    assert!(again.was_alone && !again.is_known);
    process.fail(again.id, 12.3);
    assert_eq!(process.events(), ["failed"], "it was alone already");
    process.join(30.0);
    let again = process.asked().expect("and so on");
    process.answer(again.id, grant(&[0.0], 1, 300), 30.0);
    assert_eq!(process.events(), ["rejoined", "reserved"]);
    assert!(matches!(process.join(30.0), Joined::Go));
}

#[test]
fn without_the_book_a_process_keeps_to_its_share() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[0.0], 20, 300), 0.0);
    process.join(0.0);
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.fail(ask.id, 0.1);
    // 61 s / 300 for each of twenty is a slot in 4.07 s; the first one comes
    // within that.
    let pace = Terms::WINDOW / 300 * 20;
    let first = process.state.line.slots.last_at().expect("a slot") - process.at(0.1);
    assert!(first <= pace, "{first:?}");
    assert_eq!(process.state.pace(), pace);
    assert!(process.asked().is_none(), "the book is left alone for now");
}

#[test]
fn an_answer_that_no_book_gives_is_none() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[3601.0], 1, 300), 0.0);
    let corrupt = LimitEvent::Failed {
        operation: Operation::Reserve,
        kind: StoreErrorKind::Corrupt,
    };
    assert_eq!(process.effects.events[0], corrupt);
    assert_eq!(process.events(), ["failed", "went_alone"]);
}

#[test]
fn a_book_that_gives_nothing_is_asked_four_times_a_second_at_most() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[], 1, 300), 0.0);
    process.join(0.2);
    assert!(process.asked().is_none());
    process.join(0.26);
    assert!(process.asked().is_some());
}

#[test]
fn a_book_that_gave_nothing_to_a_send_that_left_is_asked_for_the_next_at_once() {
    let mut process = Process::stated();
    let Joined::Queued(ticket, _) = process.join(0.0) else {
        panic!("there is no slot");
    };
    let (ask, now) = (process.asked().expect("one"), process.start);
    process.state.leave(ticket, now, &mut process.effects);
    process.answer(ask.id, grant(&[], 1, 300), 0.0);
    process.join(0.1);
    assert!(process.asked().is_some());
}

#[test]
fn one_who_waits_asks_a_book_that_gave_nothing_again() {
    let mut process = Process::stated();
    let Joined::Queued(ticket, _) = process.join(0.0) else {
        panic!("there is no slot");
    };
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[], 1, 300), 0.0);
    let (far, waker) = (process.start + FAR, Waker::noop());
    let again = process.at(0.25);
    for (seconds, asks) in [(0.1, false), (0.25, true)] {
        let now = process.at(seconds);
        let effects = &mut process.effects;
        let turn = process.state.poll(ticket, far, now, waker, effects);
        assert_eq!(process.asked().is_some(), asks, "{seconds}");
        let looks = again.max(now + PATIENCE * u32::from(asks));
        assert!(matches!(turn, Turn::Look(at, _) if at == looks), "{turn:?}");
    }
}

#[test]
fn a_warning_comes_once_until_nobody_has_waited_for_a_minute() {
    let mut process = Process::stated();
    let mut wait = |seconds: f64, wait: f64| {
        process.state.line = Line::default();
        process.join(seconds);
        let ask = process.asked().expect("one");
        process.answer(ask.id, grant(&[wait], 2, 300), seconds);
        process.events().contains(&"waiting_began")
    };
    assert!(!wait(0.0, 0.9), "too short");
    assert!(wait(1.0, 1.0));
    assert!(!wait(60.9, 5.0));
    assert!(!wait(120.8, 5.0));
    assert!(wait(180.9, 5.0));
}

#[test]
fn a_429_is_told_once_and_the_longer_one_after_it() {
    let mut process = Process::stated();
    let told = process.refused(30.0, None);
    let terms = Limit::per_minute(300).terms(300);
    assert_eq!(told, Some((terms, Duration::from_secs(30))));
    assert_eq!(process.refused(31.0, None), None, "about the same time");
    assert_eq!(process.refused(5.0, None), None);
    assert!(process.refused(31.1, None).is_some());
    let (_, longest) = process.refused(1e6, None).expect("longer");
    assert_eq!(longest, LONGEST_CLOSURE);
    let mut unknown = Process::new(Limit::learned());
    assert_eq!(
        unknown.refused(30.0, None),
        None,
        "there is no limit to tell of"
    );
}

#[test]
fn a_429_that_the_book_knows_of_is_told_only_with_a_lower_limit() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    let mut answer = grant(&[31.0], 2, 300).expect("slots");
    answer.closed = Duration::from_secs(30);
    process.answer(ask.id, Some(answer), 0.0);
    assert_eq!(process.refused(31.0, Some(300)), None);
    let (terms, _) = process.refused(31.0, Some(200)).expect("it is told");
    assert_eq!(terms.limit(), 200);
    assert_eq!(process.refused(31.0, Some(200)), None);
}

#[test]
fn a_limit_that_a_429_names_lowers_the_stated_one_and_never_raises_it() {
    let mut process = Process::stated();
    for named in [0, 300, 301, Terms::MAX_LIMIT + 1, u32::MAX] {
        process.refused(30.0, Some(named));
        assert_eq!(process.state.agreed.in_use(), 300, "{named}");
    }
    assert_eq!(process.events(), ["refused"]);
    let (terms, _) = process.refused(60.0, Some(100)).expect("it is told");
    assert_eq!((terms.limit(), terms.burst()), (100, 25));
    assert_eq!(process.events(), ["lowered", "refused"]);
    // A later one may be higher again, as high as stated.
    process.refused(60.0, Some(200));
    process.refused(60.0, Some(200));
    assert_eq!(process.events(), ["lowered"]);
    process.refused(60.0, Some(300));
    assert_eq!(process.state.agreed.terms(), Some(Terms::new(300, 75)));
    assert_eq!(
        process.events(),
        [""; 0],
        "the stated limit is no lower one"
    );
}

#[test]
fn a_limit_that_is_learned_follows_each_429_that_names_one() {
    let mut process = Process::new(Limit::learned());
    let (terms, _) = process.refused(30.0, Some(300)).expect("it is told");
    assert_eq!((terms.limit(), terms.burst()), (300, 75));
    process.refused(30.0, Some(300));
    process.refused(30.0, Some(0));
    let (terms, _) = process.refused(60.0, Some(400)).expect("it is told");
    assert_eq!(terms.limit(), 400);
    let events = process.events();
    assert_eq!(events, ["learned", "refused", "learned", "refused"]);
}

#[test]
fn the_lower_limit_of_another_process_counts_and_is_told_once() {
    let mut process = Process::stated();
    for at in [0.0, 1.0] {
        process.join(at);
        let ask = process.asked().expect("one");
        assert_eq!(ask.terms.expect("stated").limit(), 300, "it states its own");
        process.answer(ask.id, grant(&[0.0], 2, 100), at);
        process.state.take(process.at(at), &mut process.effects);
        assert_eq!(process.state.pace(), Terms::WINDOW / 100 * 2);
    }
    assert_eq!(process.events(), ["lowered", "reserved", "reserved"]);
    // The other process has left, and the stated limit is in use again.
    process.join(2.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[0.0], 1, 300), 2.0);
    assert_eq!(process.state.pace(), Terms::WINDOW / 300);
    assert_eq!(process.events(), ["reserved"]);
}

#[test]
fn a_book_that_could_not_be_read_is_told_and_its_slots_are_used() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    let mut answer = grant(&[0.0], 1, 300).expect("slots");
    answer.replaces = Some(StoreErrorKind::Incompatible);
    process.answer(ask.id, Some(answer), 0.0);
    assert_eq!(process.events(), ["replaced", "reserved"]);
    assert_eq!(process.state.line.waiting(), 0);
}

#[test]
fn a_send_of_a_free_process_takes_no_slot_and_asks_for_the_limit() {
    let mut process = Process::new(Limit::learned());
    let now = process.start;
    assert!(process.state.take(now, &mut process.effects));
    assert!(process.asked().is_some());
    let mut process = Process::stated();
    assert!(
        !process.state.take(now, &mut process.effects),
        "no slot yet"
    );
}

#[test]
fn a_process_that_learns_a_limit_after_the_book_knew_none_reserves_at_once() {
    let mut process = Process::new(Limit::learned());
    process.join(0.0);
    let look = process.asked().expect("one");
    process.answer(look.id, None, 0.0);
    process.refused(0.0, Some(300));
    process.join(0.0);
    let ask = process.asked().expect("the look has ended");
    assert_eq!((ask.want, ask.terms), (1, Some(Terms::new(300, 75))));
}

#[test]
fn a_book_knows_a_process_for_two_windows_after_its_last_grant() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[0.0], 1, 300), 1.0);
    let over = process.at(1.0) + Terms::WINDOW * 2;
    let contact = &process.state.contact;
    assert!(contact.is_known(over - Duration::from_nanos(1)));
    assert!(!contact.is_known(over));
}

#[test]
fn a_process_that_is_alone_tries_the_book_when_its_pause_ends() {
    let mut process = alone();
    let until = process.state.contact.alone_until().expect("alone");
    let far = process.start + FAR;
    for (now, asks) in [(until - Duration::from_nanos(1), false), (until, true)] {
        // The sends that join have no slot, and each gets one made up.
        process.state.line = Line::default();
        process.state.join(now, far, &mut process.effects);
        assert_eq!(process.asked().is_some(), asks);
    }
}

#[test]
fn a_grant_without_a_closure_hides_no_later_429_from_the_others() {
    let mut process = Process::granted();
    let (_, wait) = process.refused(0.5, None).expect("it is told");
    assert_eq!(wait, Duration::from_millis(500));
}

#[test]
fn waiting_does_not_begin_if_no_send_waits() {
    for (stays, begins) in [(true, true), (false, false)] {
        let mut process = Process::stated();
        let Joined::Queued(ticket, _) = process.join(0.0) else {
            panic!("there is no slot");
        };
        let (ask, now) = (process.asked().expect("one"), process.start);
        if !stays {
            process.state.leave(ticket, now, &mut process.effects);
        }
        process.answer(ask.id, grant(&[5.0], 1, 300), 0.0);
        assert_eq!(process.events().contains(&"waiting_began"), begins);
    }
}

#[test]
fn a_limit_that_a_429_names_during_a_look_holds_no_send_up() {
    for answer in [None, grant(&[], 1, 300)] {
        let mut process = Process::new(Limit::learned());
        process.join(0.0);
        let look = process.asked().expect("one");
        process.refused(0.0, Some(300));
        assert!(matches!(process.join(0.0), Joined::Queued(..)));
        assert!(process.asked().is_none(), "the look is in flight");
        process.answer(look.id, answer, 0.1);
        let ask = process.asked().expect("for the send that waits");
        assert_eq!((ask.want, ask.terms), (1, Some(Terms::new(300, 75))));
    }
}

#[test]
fn a_book_that_forgets_the_limit_which_was_stated_counts_as_failed() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.answer(ask.id, None, 0.0);
    assert_eq!(process.events(), ["failed", "went_alone"]);
}

/// A process that goes alone, with a pace of 0.2 seconds.
fn alone() -> Process {
    let mut process = Process::granted();
    process.join(0.0);
    let ask = process.asked().expect("one");
    process.fail(ask.id, 0.0);
    process.state.line = Line::default();
    process
}

#[test]
fn a_send_that_waits_alone_for_the_end_of_a_429_looks_twice() {
    let mut process = alone();
    process.refused(60.0, None);
    let Joined::Queued(ticket, _) = process.join(0.0) else {
        panic!("no slot begins now");
    };
    let (now, far) = (process.start, process.start + FAR);
    let waker = Waker::noop();
    let mut looks = 0;
    loop {
        looks += 1;
        process.effects.woken.clear();
        let effects = &mut process.effects;
        let turn = process.state.poll(ticket, far, now, waker, effects);
        if effects.woken.is_empty() {
            assert!(matches!(turn, Turn::Look(at, _) if at == now + Duration::from_secs(60)));
            break;
        }
    }
    assert!(looks <= 2, "{looks}");
}

#[test]
fn the_longest_closure_is_kept_and_slots_may_begin_after_it() {
    let mut process = Process::stated();
    process.join(0.0);
    let ask = process.asked().expect("one");
    let mut answer = grant(&[3600.2], 1, 300).expect("slots");
    answer.closed = LONGEST_CLOSURE;
    process.answer(ask.id, Some(answer), 0.0);
    assert_eq!(process.events(), ["reserved", "waiting_began"]);
}

/// A send may be dropped outside of a runtime, where no reservation can start.
#[test]
fn the_next_send_reserves_after_one_that_was_dropped() {
    let mut process = Process::stated();
    let tickets = [0.0; 2].map(|at| match process.join(at) {
        Joined::Queued(ticket, _) => ticket,
        other => panic!("{other:?}"),
    });
    let ask = process.asked().expect("one");
    process.answer(ask.id, grant(&[5.0, 6.0], 1, 300), 0.0);
    let far = process.start + FAR;
    let look = |process: &mut Process, ticket, seconds| {
        let (now, effects) = (process.at(seconds), &mut process.effects);
        let turn = process.state.poll(ticket, far, now, Waker::noop(), effects);
        assert!(matches!(turn, Turn::Look(..)), "{turn:?}");
    };
    look(&mut process, tickets[1], 0.0);
    // Nothing has polled them, and the slots are over.
    process.effects.woken.clear();
    let now = process.at(8.0);
    process.state.leave(tickets[0], now, &mut process.effects);
    assert!(process.asked().is_none());
    assert_eq!(process.effects.woken.len(), 1);
    look(&mut process, tickets[1], 8.0);
    assert_eq!(process.asked().expect("one").want, 1);
}
