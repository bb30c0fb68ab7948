use super::{
    Ask, Decision, Machine, RenewalId, Renewing, Start,
    current::{Age, closed},
};
use crate::token::{Reason, TokenError, TokenErrorKind, cache::moment::Moment};

impl Machine {
    /// A caller wants a token.
    ///
    /// A renewal that is past its deadline counts as gone: its task is on a runtime that nobody
    /// drives, and the next caller starts another one under a new id.
    pub(in crate::token::cache) fn ask(
        &mut self,
        ask: Ask,
        now: Moment,
    ) -> (Decision, Option<Start>) {
        self.renewing = self.renewing.filter(|renewing| !renewing.is_overdue(now));
        // Callers that waited for a renewal share its failure, even if another one may begin by now: a
        // crowd would ask the endpoint once for each of its members otherwise.
        if let Some(error) = self.failed_since(ask.waited) {
            return (Decision::Fail(error), None);
        }
        // A token that is too short for this caller suits all others, so only this caller's ask
        // renews it.
        if self.remaining(now).is_some_and(|left| left < ask.lasting) {
            return self.ask_for_longer(ask, now);
        }
        // A closed cache serves what it has, and starts nothing.
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
    fn ask_for_longer(&mut self, ask: Ask, now: Moment) -> (Decision, Option<Start>) {
        let Some(current) = &self.current else {
            return (self.wait(), None);
        };
        if self.closed {
            return (Decision::Fail(closed()), None);
        }
        let generation = current.token.generation();
        // One that others have used is followed by one of its own.
        let brought = ask
            .since
            .is_some_and(|since| match current.came_used(ask.lasting) {
                true => since.next() < generation,
                false => since < generation,
            });
        let damped = current.refused && self.damper.damped_until(now.mono).is_some();
        if brought {
            // Whoever asks again shall not mint one token after the other, all too short.
            let pause = current.background_pause();
            self.cooldown.rest(now.mono, pause);
        }
        // A renewal that cannot bring a longer life fails at once: one was just made, the damper holds, or
        // no token lives that long.
        if brought || damped || current.whole < ask.lasting {
            return (Decision::Fail(too_short()), None);
        }
        if self.renewing.is_some() {
            return (self.wait(), None);
        }
        // An endpoint that has just failed is not asked for a longer life either.
        if let Some(error) = self.cooldown.error(now.mono) {
            return (Decision::Fail(error.clone()), None);
        }
        if self.rests(now) {
            return (Decision::Fail(too_short()), None);
        }
        let start = self.start(Reason::Due, now);
        (self.wait(), Some(start))
    }

    /// Why a renewal should be started now, if one should and may.
    fn wants_renewal(&self, now: Moment) -> Option<Reason> {
        if self.renewing.is_some() {
            return None;
        }
        // Without a token that may be served, only the cooldown holds a renewal back: the damper
        // limits renewals that 401s force. While a token is served, background renewals rest
        // longer.
        let cooling = self.cooldown.error(now.mono).is_some();
        let Some(current) = &self.current else {
            return (!cooling).then_some(Reason::Missing);
        };
        let damped = self.damper.damped_until(now.mono).is_some();
        let age = current.age(now);
        if age == Age::Expired {
            return (!cooling).then_some(Reason::Expired);
        }
        if current.refused {
            return (!cooling && !damped).then_some(Reason::Rejected);
        }
        // The owner's wish goes before the age, so that the source learns why it is asked.
        let reason = match age {
            _ if current.unwanted && !damped => Reason::Forced,
            Age::Due => Reason::Due,
            Age::Fresh if current.wants_check(now) => Reason::Check,
            _ => return None,
        };
        (!self.rests(now)).then_some(reason)
    }

    /// Whether renewals for which nobody waits pause.
    pub(super) fn rests(&self, now: Moment) -> bool {
        let opens = self.cooldown.background_ends();
        opens.is_some_and(|opens| now.mono < opens)
    }

    fn wait(&self) -> Decision {
        match self.renewing {
            Some(Renewing { id, overdue_at, .. }) => {
                let current = self.generation();
                Decision::Wait {
                    id,
                    overdue_at,
                    current,
                }
            }
            // Nothing was started, so the cooldown lasts.
            None => Decision::Fail(self.cooldown.last_error().cloned().unwrap_or_else(closed)),
        }
    }

    fn serve_or_wait(&self, now: Moment) -> Decision {
        // A refused token is served while no renewal is under way: its callers then get the
        // server's 401. An expired token is never served.
        match self.unexpired(now) {
            Some(current) if !current.refused || self.renewing.is_none() => {
                Decision::Serve(current.token.clone())
            }
            _ => self.wait(),
        }
    }

    fn serve_or_fail(&self, now: Moment, error: TokenError) -> Decision {
        // Expiry is the only limit of a closed cache's token.
        match self.unexpired(now) {
            Some(current) => Decision::Serve(current.token.clone()),
            None => Decision::Fail(error),
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
