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
        if self
            .renewing
            .is_some_and(|renewing| renewing.overdue_at <= now.mono)
        {
            self.renewing = None;
        }
        if let Some(error) = self.failed_since(ask.waited) {
            return (Answer::Fail(error), None);
        }
        if self.remaining(now).is_some_and(|left| left < ask.lasting) {
            return self.ask_for_longer(ask, now);
        }
        let Some(reason) = self.wants_renewal(now) else {
            return (self.serve_or_wait(now), None);
        };
        if self.closed {
            return (self.serve_or_fail(now, closed()), None);
        }
        let start = self.start(reason, now);
        (self.serve_or_wait(now), Some(start))
    }

    /// The token is good, but not for as long as the caller needs it.
    fn ask_for_longer(&mut self, ask: Ask, now: Moment) -> (Answer, Option<Start>) {
        let start = match (self.renewing, self.gate.error(now.mono)) {
            (Some(_), _) => None,
            (None, _) if ask.waited.is_some() => return (Answer::Fail(too_short()), None),
            (None, _) if self.closed => return (Answer::Fail(closed()), None),
            (None, Some(error)) => return (Answer::Fail(error.clone()), None),
            (None, None) => Some(self.start(Reason::Due, now)),
        };
        (self.wait(), start)
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
        match (held.age(now), held.refused) {
            (Age::Expired, _) => (!gated).then_some(Reason::Expired),
            (_, Some(reason)) if !gated && self.damper.damped_until(now.mono).is_none() => {
                Some(reason)
            }
            (Age::Due, _) => {
                let rests = self
                    .gate
                    .opens_for_background()
                    .is_some_and(|opens| now.mono < opens);
                (!rests && !self.closed).then_some(Reason::Due)
            }
            _ => None,
        }
    }

    fn wait(&self) -> Answer {
        match self.renewing {
            Some(Renewing { id, overdue_at, .. }) => Answer::Wait { id, overdue_at },
            // Nothing was started, so the gate is shut.
            None => Answer::Fail(self.gate.last_error().cloned().unwrap_or_else(closed)),
        }
    }

    fn serve_or_wait(&self, now: Moment) -> Answer {
        let held = self
            .held
            .as_ref()
            .filter(|held| held.age(now) != Age::Expired);
        match held {
            Some(held) if held.refused.is_none() || self.renewing.is_none() => {
                Answer::Serve(held.token.clone())
            }
            _ => self.wait(),
        }
    }

    fn serve_or_fail(&self, now: Moment, error: TokenError) -> Answer {
        match &self.held {
            Some(held) if held.age(now) != Age::Expired => Answer::Serve(held.token.clone()),
            _ => Answer::Fail(error),
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
