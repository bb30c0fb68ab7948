//! Each cell of the table in the docs of [`token`](crate::token): what a caller
//! gets, and whether it starts a renewal, by the states of token and cache.

use super::*;
use crate::token::cache::{
    clock::tests::wall,
    machine::{Ask, Decision, Machine, Start},
    moment::Moment,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    None,
    Fresh,
    Due,
    Expired,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    Nothing,
    Renewing,
    CoolingDown,
    Damped,
}

/// A machine and a time, which only the steps of a test advance.
pub(super) struct Cell {
    pub(super) machine: Machine,
    pub(super) now: Moment,
}

impl Cell {
    pub(super) fn new() -> Self {
        let settings = CacheSettings::new().without_jitter();
        let mono = Instant::now();
        let machine = Machine::new(settings, fastrand::Rng::with_seed(7));
        Self {
            machine,
            now: Moment {
                mono,
                wall: wall(mono),
            },
        }
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now.mono += Duration::from_secs(seconds);
        self.now.wall += Duration::from_secs(seconds);
    }

    pub(super) fn ask_for(&mut self, lasting: Duration) -> (Decision, Option<Start>) {
        self.machine.ask(
            Ask {
                lasting,
                ..Ask::default()
            },
            self.now,
        )
    }

    fn refuse(&mut self) -> Option<Start> {
        let generation = self.machine.token().unwrap().generation();
        self.machine.refuse(generation, self.now).1
    }

    pub(super) fn succeed(&mut self, start: Option<Start>, life: u64) {
        let id = start.as_ref().map_or(0, |start| start.id);
        let token = IssuedToken::new(format!("token-{id}"), Duration::from_secs(life));
        self.adopt(start, token);
    }

    pub(super) fn adopt(&mut self, start: Option<Start>, token: IssuedToken) {
        let id = start.expect("a renewal was started").id;
        self.machine
            .finish(id, Ok((token, self.now)), self.now)
            .unwrap()
            .unwrap();
    }

    pub(super) fn fail(&mut self, start: Option<Start>) {
        let id = start.expect("a renewal was started").id;
        let error = TokenError::new(TokenErrorKind::Denied, "scripted");
        self.machine
            .finish(id, Err(error), self.now)
            .unwrap()
            .unwrap_err();
    }

    /// Creates a cell with a token in this state, and an idle cache or an
    /// active damper.
    ///
    /// The token lasts for 100 seconds: it is due after 75, and expires after 90.
    /// With an active damper (10 seconds), all times are a tenth of that.
    fn with_token(token: Token, damped: bool) -> Self {
        let mut cell = Self::new();
        if token == Token::None {
            return cell;
        }
        let life = if damped && token != Token::Refused {
            10
        } else {
            100
        };
        let (_, start) = cell.ask_for(Duration::ZERO);
        cell.succeed(start, if damped { 100 } else { life });
        if damped {
            for last in [false, false, true] {
                let start = cell.refuse();
                cell.succeed(start, if last { life } else { 100 });
            }
        }
        match token {
            Token::Due => cell.wait(life * 8 / 10),
            Token::Expired => cell.wait(life * 95 / 100),
            Token::Refused if damped => assert!(cell.refuse().is_none()),
            Token::Refused => {
                // Refused during the cooldown, which is over now.
                let start = cell.refuse();
                cell.fail(start);
                cell.wait(5);
            }
            Token::None | Token::Fresh => {}
        }
        cell
    }

    fn at(token: Token, going: Going) -> Self {
        let mut cell = Self::with_token(token, going == Going::Damped);
        let start = |cell: &mut Self| match token {
            // Only a caller that needs the token for longer starts a renewal of
            // a fresh one.
            Token::Fresh => {
                cell.wait(10);
                cell.ask_for(Duration::from_secs(85)).1
            }
            _ => cell.ask_for(Duration::ZERO).1,
        };
        match going {
            Going::Nothing | Going::Damped => {}
            Going::Renewing => assert!(start(&mut cell).is_some()),
            Going::CoolingDown => {
                let start = start(&mut cell);
                cell.fail(start);
            }
        }
        cell
    }
}

#[test]
fn each_cell_is_as_the_docs_have_it() {
    use {Going::*, Token::*};
    let (served, waits, fails) = ("served", "waits", "fails");
    for (token, going, expected, starts) in [
        (None, Nothing, waits, true),
        (None, Renewing, waits, false),
        (None, CoolingDown, fails, false),
        (Expired, Nothing, waits, true),
        (Expired, Renewing, waits, false),
        (Expired, CoolingDown, fails, false),
        (Expired, Damped, waits, true),
        (Fresh, Nothing, served, false),
        (Fresh, Renewing, served, false),
        (Fresh, CoolingDown, served, false),
        (Fresh, Damped, served, false),
        (Due, Nothing, served, true),
        (Due, Renewing, served, false),
        (Due, CoolingDown, served, false),
        (Due, Damped, served, true),
        (Refused, Nothing, waits, true),
        (Refused, Renewing, waits, false),
        (Refused, CoolingDown, served, false),
        (Refused, Damped, served, false),
    ] {
        let mut cell = Cell::at(token, going);
        let view = cell
            .machine
            .view(cell.now)
            .filter(|view| cell.now.mono < view.until);
        let (got, start) = cell.ask_for(Duration::ZERO);
        let got = match got {
            Decision::Serve(_) => served,
            Decision::Wait { .. } => waits,
            Decision::Fail(_) => fails,
        };
        assert_eq!(
            (got, start.is_some()),
            (expected, starts),
            "{token:?}, {going:?}"
        );
        // A call that needs no decision finds the token in view, without the
        // lock.
        let decided = expected != served || starts;
        assert_eq!(view.is_none(), decided, "{token:?}, {going:?}: view");
    }
}
