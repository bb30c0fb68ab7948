//! The cell under the orders in which threads can take its lock, as explored by
//! the model checker.
//!
//! `make model` runs it with the checker's lock (`--cfg shuttle`), which
//! switches threads at each lock and unlock, and reports a deadlock if no
//! thread can continue, for example after a lost wake-up.

use std::{
    sync::Arc,
    task::{Wake, Waker},
    time::{Duration, SystemTime},
};

use shuttle::{
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio::time::Instant;

use super::*;
use crate::token::{
    IssuedToken,
    cache::{
        cell::Cell,
        machine::{Ask, Decision, Machine, Start},
        moment::{Moment, Stamp},
    },
};

const ORDERS: usize = 3_000;

/// A cell, with the work of its shell.
#[derive(Clone)]
struct Model {
    cell: Arc<Cell>,
    now: Moment,
    starts: Arc<Mutex<Vec<Reason>>>,
}

/// Parks a thread until it is woken.
#[derive(Default)]
struct Parked {
    woken: Mutex<bool>,
    wake: Condvar,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.wake.notify_one();
    }
}

impl Parked {
    fn park(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !std::mem::take(&mut *woken) {
            woken = self.wake.wait(woken).unwrap();
        }
    }
}

impl Model {
    fn new() -> Self {
        let now = Moment {
            mono: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + DAY,
        };
        let machine = Machine::new(CacheSettings::new(), fastrand::Rng::with_seed(7));
        Self {
            cell: Arc::new(Cell::new(machine, now)),
            now,
            starts: Arc::default(),
        }
    }

    fn with_token() -> Self {
        let model = Self::new();
        let (_, start) = model.cell.ask(Ask::default(), model.now);
        model.succeed(&start.unwrap());
        model
    }

    fn succeed(&self, start: &Start) {
        let token = IssuedToken::new(format!("token-{}", start.id), DAY);
        self.cell.finish(start.id, Ok((token, self.now)), self.now);
    }

    /// Runs a renewal on a separate thread, which ends it with `end`.
    fn renew(&self, start: Option<Start>, end: fn(&Self, &Start)) {
        let Some(start) = start else { return };
        self.starts.lock().unwrap().push(start.reason);
        let model = self.clone();
        thread::spawn(move || end(&model, &start));
    }

    /// Waits as a caller until the cell serves a token.
    fn token(&self, end: fn(&Self, &Start)) -> AccessToken {
        let parked = Arc::new(Parked::default());
        let waker = Waker::from(parked.clone());
        let (mut ask, mut waiter) = (Ask::default(), None);
        loop {
            if let Some(token) = self.cell.hit(Stamp::of(self.now)) {
                return token;
            }
            let (answer, start) = self.cell.ask_or_wait(ask, &mut waiter, &waker, self.now);
            self.renew(start, end);
            match answer {
                Decision::Serve(token) => return token,
                Decision::Wait { id, .. } => ask.waited = Some(id),
                Decision::Fail(error) => panic!("{error}"),
            }
            parked.park();
        }
    }

    fn refuse(&self, token: &AccessToken, end: fn(&Self, &Start)) -> Rejection {
        let generation = token.generation();
        let (rejection, start) = self.cell.refuse(generation, self.now);
        self.renew(start, end);
        rejection
    }

    fn starts(&self) -> Vec<Reason> {
        self.starts.lock().unwrap().clone()
    }
}

fn together(threads: Vec<thread::JoinHandle<()>>) {
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn callers_without_a_token_start_one_renewal_and_all_are_served() {
    shuttle::check_pct(
        || {
            let model = Model::new();
            let callers = (0..3).map(|_| {
                let model = model.clone();
                thread::spawn(move || {
                    assert_eq!(model.token(Model::succeed).expose(), "token-1");
                })
            });
            together(callers.collect());
            assert_eq!(model.starts(), [Reason::Missing]);
        },
        ORDERS,
        3,
    );
}

#[test]
fn reports_of_one_token_start_one_renewal_whenever_they_come() {
    shuttle::check_pct(
        || {
            let model = Model::with_token();
            let refused = model.token(Model::succeed);
            let callers = (0..3).map(|_| {
                let (model, refused) = (model.clone(), refused.clone());
                thread::spawn(move || {
                    let rejection = model.refuse(&refused, Model::succeed);
                    assert!(rejection.is_renewable(), "{rejection:?}");
                    let token = model.token(Model::succeed);
                    assert!(
                        token.generation() > refused.generation(),
                        "a refused token is served"
                    );
                })
            });
            together(callers.collect());
            assert_eq!(model.starts(), [Reason::Rejected]);
        },
        ORDERS,
        3,
    );
}

#[test]
fn a_renewal_whose_task_is_dropped_is_started_again_by_one_of_those_who_wait() {
    fn abort_the_first(model: &Model, start: &Start) {
        match start.id {
            1 => model.cell.abort(start.id, model.now),
            _ => model.succeed(start),
        }
    }

    shuttle::check_pct(
        || {
            let model = Model::new();
            let callers = (0..3).map(|_| {
                let model = model.clone();
                thread::spawn(move || {
                    assert_eq!(model.token(abort_the_first).expose(), "token-2");
                })
            });
            together(callers.collect());
            assert_eq!(model.starts(), [Reason::Missing, Reason::Missing]);
        },
        ORDERS,
        3,
    );
}

#[test]
fn a_result_that_comes_after_it_was_given_up_changes_nothing() {
    shuttle::check_pct(
        || {
            let model = Model::new();
            let (_, start) = model.cell.ask(Ask::default(), model.now);
            let first = start.unwrap();
            let late = Moment {
                mono: model.now.mono + Duration::from_secs(15),
                ..model.now
            };
            let taker = Model {
                now: late,
                ..model.clone()
            };
            let callers = vec![
                thread::spawn({
                    let model = model.clone();
                    move || model.succeed(&first)
                }),
                thread::spawn(move || {
                    let token = taker.token(Model::succeed);
                    assert!(["token-1", "token-2"].contains(&token.expose()));
                }),
            ];
            together(callers);
            let generation = model
                .cell
                .inspect(|machine| machine.token().unwrap().generation());
            assert_eq!(generation.get(), 1, "one of the two was adopted");
        },
        ORDERS,
        3,
    );
}

/// No reader that starts after the change has ended gets the old token, even
/// from its thread's copy.
fn served_by_no_thread_after(change: fn(&Model, &AccessToken)) {
    shuttle::check_pct(
        move || {
            let model = Model::with_token();
            let given_up = model.token(Model::succeed);
            let done = Arc::new(AtomicBool::new(false));
            let look = |model: Model, given_up: AccessToken, done: Arc<AtomicBool>| {
                for _ in 0..6 {
                    let after = done.load(Ordering::SeqCst);
                    let token = model.cell.hit(Stamp::of(model.now));
                    let older = |token: AccessToken| token.generation() <= given_up.generation();
                    assert!(
                        !after || !token.is_some_and(older),
                        "an old token is served"
                    );
                }
            };
            let mut threads: Vec<_> = (0..2)
                .map(|_| {
                    let (model, given_up, done) = (model.clone(), given_up.clone(), done.clone());
                    thread::spawn(move || look(model, given_up, done))
                })
                .collect();
            threads.push(thread::spawn(move || {
                change(&model, &given_up);
                done.store(true, Ordering::SeqCst);
            }));
            together(threads);
        },
        ORDERS,
        3,
    );
}

#[test]
fn a_refused_token_is_served_by_no_thread() {
    served_by_no_thread_after(|model, token| {
        model.refuse(token, Model::succeed);
    });
}

#[test]
fn a_token_that_was_given_up_is_served_by_no_thread_once_the_new_one_is_there() {
    served_by_no_thread_after(|model, _| {
        let (_, start) = model.cell.invalidate(model.now);
        model.succeed(&start.unwrap());
    });
}

#[test]
fn a_discarded_token_is_served_by_no_thread() {
    served_by_no_thread_after(|model, token| model.cell.discard(token.generation(), model.now));
}

#[test]
fn a_token_whose_renewal_was_given_up_too_is_served_by_no_thread_until_there_is_a_new_one() {
    served_by_no_thread_after(|model, token| {
        let (_, start) = model.cell.refuse(token.generation(), model.now);
        model.cell.abort(start.unwrap().id, model.now);
    });
}

#[test]
fn after_close_every_thread_serves_the_token_to_its_end_and_not_past_it() {
    shuttle::check_pct(
        || {
            let model = Model::with_token();
            let done = Arc::new(AtomicBool::new(false));
            let at = |age| Moment {
                mono: model.now.mono + age,
                ..model.now
            };
            let (due, expired) = (at(DAY - Duration::from_secs(61)), at(DAY));
            let looks = (0..2).map(|_| {
                let (model, done) = (model.clone(), done.clone());
                thread::spawn(move || {
                    for _ in 0..6 {
                        let after = done.load(Ordering::SeqCst);
                        assert!(model.cell.hit(Stamp::of(model.now)).is_some());
                        let served = model.cell.hit(Stamp::of(due)).is_some();
                        assert!(served || !after, "it is not renewed any more");
                        assert!(model.cell.hit(Stamp::of(expired)).is_none());
                    }
                })
            });
            let mut threads: Vec<_> = looks.collect();
            threads.push(thread::spawn(move || {
                model.cell.close(model.now);
                done.store(true, Ordering::SeqCst);
            }));
            together(threads);
        },
        ORDERS,
        3,
    );
}
