//! Any order of polls, clones, drops and revocations, compared with a model
//! that a reader can check.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::script::{Script, Step, trailers};
use bytes::Bytes;
use http_body::Body;
use proptest::{collection::vec, prelude::*};
use tower::{Layer, Service, service_fn};
use tower_genesys::{
    ReplayBody, ReplayLayer,
    replay::{CloneBody, ReplayBodyError, ReplayBodyErrorKind as Kind},
};

const CAP: usize = 8;

#[derive(Clone, Copy, Debug)]
enum Op {
    Poll(usize),
    Clone(usize),
    Drop(usize),
    Revoke(usize),
}

/// The result of a poll, in a form that can be compared.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Pending,
    Data(Bytes),
    Trailers,
    End,
    Error(Kind),
}

/// One clone, as the rules in the docs of `CloneBody` describe it.
#[derive(Debug)]
struct Clone_ {
    number: usize,
    next: usize,
    done: bool,
    got: Vec<u8>,
}

/// The caller's body and the state that its clones share.
struct Model {
    steps: Vec<Step>,
    tells_end: bool,
    at: usize,
    frames: Vec<Seen>,
    ended: Option<Option<Kind>>,
    told: bool,
    /// How many of the first frames are forgotten.
    lost: usize,
    over: bool,
    floor: usize,
    made: usize,
    live: Vec<usize>,
}

impl Model {
    fn poll(&mut self, clone: &mut Clone_) -> Seen {
        if clone.done {
            return Seen::End;
        }
        if clone.number < self.floor {
            return Seen::Error(Kind::Revoked);
        }
        if self.ended == Some(Some(Kind::Gone)) || clone.next < self.lost {
            return Seen::Error(Kind::Gone);
        }
        self.revoke(clone.number);
        loop {
            self.forget(clone.next);
            if let Some(frame) = self.frames.get(clone.next) {
                let frame = frame.clone();
                clone.next += 1;
                clone.done = self.told && clone.next == self.frames.len();
                self.forget(clone.next);
                return frame;
            }
            match self.ended {
                Some(None) => {
                    clone.done = true;
                    return Seen::End;
                }
                Some(Some(kind)) => {
                    self.ended = Some(Some(Kind::Gone));
                    return Seen::Error(kind);
                }
                None => {}
            }
            if !self.pull() {
                return Seen::Pending;
            }
        }
    }

    fn forget(&mut self, read: usize) {
        if self.over || self.live.len() == 1 {
            self.lost = self.lost.max(read);
        }
    }

    /// Takes the next frame. False if the caller's body is pending.
    fn pull(&mut self) -> bool {
        let step = self.steps.get(self.at).cloned();
        self.at += 1;
        match step {
            None => self.ended = Some(None),
            Some(Step::Pending) => return false,
            Some(Step::Fail) => self.ended = Some(Some(Kind::Body)),
            Some(Step::Trailers(_)) => self.frames.push(Seen::Trailers),
            Some(Step::Data(data)) if data.is_empty() => {}
            Some(Step::Data(data)) => self.frames.push(Seen::Data(data)),
            Some(Step::Panic) => unreachable!(),
        }
        if self.ended.is_none() && self.tells_end && self.at >= self.steps.len() {
            self.ended = Some(None);
            self.told = true;
        }
        // Frames that the only clone has read are forgotten, and do not count.
        let bytes: usize = self.frames[self.lost..].iter().map(length).sum();
        self.over |= bytes > CAP;
        true
    }

    fn revoke(&mut self, number: usize) {
        self.floor = self.floor.max(number);
        self.live.retain(|live| *live >= self.floor);
    }

    fn try_clone(&mut self) -> Option<Clone_> {
        let failed = matches!(self.ended, Some(Some(_)));
        if self.lost > 0 || self.over || failed || self.live.is_empty() {
            return None;
        }
        self.made += 1;
        self.live.push(self.made);
        Some(Clone_ {
            number: self.made,
            next: 0,
            done: false,
            got: Vec::new(),
        })
    }

    fn is_replayable(&self, clone: &Clone_) -> bool {
        let failed = matches!(self.ended, Some(Some(_)));
        let untouched = clone.next == 0 && !clone.done;
        untouched && self.lost == 0 && !failed && clone.number >= self.floor
    }
}

fn length(frame: &Seen) -> usize {
    match frame {
        Seen::Data(data) => data.len(),
        _ => 0,
    }
}

fn poll(body: &mut ReplayBody<Script>) -> Seen {
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(body).poll_frame(&mut cx) {
        Poll::Pending => Seen::Pending,
        Poll::Ready(None) => Seen::End,
        Poll::Ready(Some(Err(error))) => Seen::Error(ReplayBodyError::kind(&error)),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => Seen::Data(data),
            Err(_) => Seen::Trailers,
        },
    }
}

/// A body that the layer has wrapped, because only the layer can set the caps.
fn wrap(script: Script) -> ReplayBody<Script> {
    let layer = ReplayLayer::new().with_unknown_cap(CAP).with_known_cap(CAP);
    let mut taken = None;
    let keep = service_fn(|request: http::Request<ReplayBody<Script>>| {
        taken = Some(request.into_body());
        std::future::ready(Ok::<_, ()>(()))
    });
    drop(layer.layer(keep).call(http::Request::new(script)));
    taken.unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_usize..5, any::<u8>())
            .prop_map(|(length, fill)| Step::Data(Bytes::from(vec![fill; length]))),
        2 => Just(Step::Pending),
    ];
    let end = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Step::Fail)),
        1 => Just(Some(trailers("x"))),
    ];
    (vec(step, 0..8), end).prop_map(|(mut steps, end)| {
        steps.extend(end);
        steps
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0_usize..6).prop_map(Op::Poll),
        3 => (0_usize..6).prop_map(Op::Clone),
        1 => (0_usize..6).prop_map(Op::Drop),
        1 => (0_usize..6).prop_map(Op::Revoke),
    ];
    vec(op, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_of_operations_agrees_with_the_model(
        steps in steps(),
        tells_end in any::<bool>(),
        ops in ops(),
    ) {
        let data = steps.iter().map(|step| match step {
            Step::Data(data) => data.as_ref(),
            _ => &[],
        });
        let whole = data.collect::<Vec<_>>().concat();
        let script = Script::new(steps.clone());
        let script = if tells_end { script.telling_end() } else { script };
        let remote = script.remote();
        let first = Clone_ { number: 1, next: 0, done: false, got: vec![] };
        let mut model = Model {
            steps, tells_end, at: 0, frames: vec![], ended: None, told: false, lost: 0,
            over: false, floor: 1, made: 1, live: vec![1],
        };
        let mut clones = vec![(wrap(script), first)];
        for op in ops {
            if clones.is_empty() {
                break;
            }
            let (Op::Poll(at) | Op::Clone(at) | Op::Drop(at) | Op::Revoke(at)) = op;
            let at = at % clones.len();
            let (body, clone) = &mut clones[at];
            match op {
                Op::Poll(_) => {
                    let seen = poll(body);
                    prop_assert_eq!(&seen, &model.poll(clone));
                    match seen {
                        Seen::Data(data) => clone.got.extend_from_slice(&data),
                        Seen::End => prop_assert_eq!(&clone.got, &whole),
                        _ => {}
                    }
                }
                Op::Clone(_) => {
                    let (copy, expected) = (body.try_clone(), model.try_clone());
                    prop_assert_eq!(copy.is_some(), expected.is_some());
                    clones.extend(copy.zip(expected));
                }
                Op::Drop(_) => {
                    let (_, clone) = clones.remove(at);
                    model.live.retain(|live| *live != clone.number);
                }
                Op::Revoke(_) => {
                    let takes_over = body.revoke_others();
                    prop_assert_eq!(takes_over, model.is_replayable(clone));
                    if takes_over {
                        model.revoke(clone.number);
                    }
                }
            }
            for (body, clone) in &clones {
                prop_assert_eq!(body.is_replayable(), model.is_replayable(clone));
                prop_assert_eq!(body.is_end_stream(), clone.done);
            }
        }
        drop(clones);
        prop_assert_eq!(remote.drops(), 1);
    }
}
