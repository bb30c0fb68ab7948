use super::{
    Answer, Ask, Machine, RenewalId, Renewing, Start,
    held::{Age, closed},
};
use crate::token::{Reason, TokenError, TokenErrorKind, cache::clock::Moment};

impl Machine {
    /// A caller wants a token.
    ///
    /// A renewal that is past its deadline counts as gone: its task is on a runtime that nobody
    /// drives, and the next caller starts another one under a new id.
    pub(in crate::token::cache) fn ask(
        &mut self,
        ask: Ask,
        now: Moment,
    ) -> (Answer, Option<Start>) {
        self.renewing = self.renewing.filter(|renewing| !renewing.is_overdue(now));
        if let Some(error) = self.failed_since(ask.waited) {
            return (Answer::Fail(error), None);
        }
        if self.remaining(now).is_some_and(|left| left < ask.lasting) {
            return self.ask_for_longer(ask, now);
        }
        if self.closed {
            return (self.serve_or_fail(now, closed()), None);
        }
        let Some(reason) = self.wants_renewal(now) else {
            return (self.serve_or_wait(now), None);
        };
        let start = self.start(reason, now);
        (self.serve_or_wait(now), Some(start))
    }

    /// The token is good, but not for as long as the caller needs it.
    fn ask_for_longer(&mut self, ask: Ask, now: Moment) -> (Answer, Option<Start>) {
        let Some(held) = &self.held else {
            return (self.wait(), None);
        };
        if self.closed {
            return (Answer::Fail(closed()), None);
        }
        let generation = held.token.generation();
        // One that others have used is followed by one of its own.
        let brought = ask
            .since
            .is_some_and(|since| match held.came_used(ask.lasting) {
                true => since.next() < generation,
                false => since < generation,
            });
        let damped = held.refused && self.damper.damped_until(now.mono).is_some();
        if brought {
            // Whoever asks again shall not mint one token after the other, all too short.
            let pause = held.background_pause();
            self.gate.rest(now.mono, pause);
        }
        if brought || damped || held.whole < ask.lasting {
            return (Answer::Fail(too_short()), None);
        }
        if self.renewing.is_some() {
            return (self.wait(), None);
        }
        if let Some(error) = self.gate.error(now.mono) {
            return (Answer::Fail(error.clone()), None);
        }
        if self.rests(now) {
            return (Answer::Fail(too_short()), None);
        }
        let start = self.start(Reason::Due, now);
        (self.wait(), Some(start))
    }

    /// Why a renewal should be started now, if one should and may.
    fn wants_renewal(&self, now: Moment) -> Option<Reason> {
        if self.renewing.is_some() {
            return None;
        }
        let gated = self.gate.error(now.mono).is_some();
        let Some(held) = &self.held else {
            return (!gated).then_some(Reason::Missing);
        };
        let damped = self.damper.damped_until(now.mono).is_some();
        let age = held.age(now);
        if age == Age::Expired {
            return (!gated).then_some(Reason::Expired);
        }
        if held.refused {
            return (!gated && !damped).then_some(Reason::Rejected);
        }
        let reason = match age {
            _ if held.unwanted && !damped => Reason::Forced,
            Age::Due => Reason::Due,
            Age::Fresh if held.wants_check(now) => Reason::Check,
            _ => return None,
        };
        (!self.rests(now)).then_some(reason)
    }

    /// Whether renewals for which nobody waits pause.
    pub(super) fn rests(&self, now: Moment) -> bool {
        let opens = self.gate.opens_for_background();
        opens.is_some_and(|opens| now.mono < opens)
    }

    fn wait(&self) -> Answer {
        match self.renewing {
            Some(Renewing { id, overdue_at, .. }) => {
                let held = self.generation();
                Answer::Wait {
                    id,
                    overdue_at,
                    held,
                }
            }
            // Nothing was started, so the gate is shut.
            None => Answer::Fail(self.gate.last_error().cloned().unwrap_or_else(closed)),
        }
    }

    fn serve_or_wait(&self, now: Moment) -> Answer {
        match self.unexpired(now) {
            Some(held) if !held.refused || self.renewing.is_none() => {
                Answer::Serve(held.token.clone())
            }
            _ => self.wait(),
        }
    }

    fn serve_or_fail(&self, now: Moment, error: TokenError) -> Answer {
        match self.unexpired(now) {
            Some(held) => Answer::Serve(held.token.clone()),
            None => Answer::Fail(error),
        }
    }

    fn failed_since(&self, waited: Option<RenewalId>) -> Option<TokenError> {
        let (id, error) = self.last_failure.as_ref()?;
        (waited? <= *id).then(|| error.clone())
    }
}

fn too_short() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        "a fresh token does not live for as long as was asked for; ask for less, or have the OAuth \
         client give out tokens that live longer",
    )
}
