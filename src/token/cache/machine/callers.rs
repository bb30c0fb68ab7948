use super::{
    Ask, Decision, Machine, RenewalId, Renewing, Start,
    current::{Age, closed},
};
use crate::token::{Reason, TokenError, TokenErrorKind, cache::moment::Moment};

impl Machine {
    /// Decides about a caller that asks for a token.
    ///
    /// A renewal past its deadline counts as lost, because its runtime may
    /// have stopped. The next caller starts another one under a new id.
    pub(in crate::token::cache) fn ask(
        &mut self,
        ask: Ask,
        now: Moment,
    ) -> (Decision, Option<Start>) {
        self.renewing = self.renewing.filter(|renewing| !renewing.is_overdue(now));
        // Callers that waited for a renewal share its failure, even if another
        // one may start by now: otherwise a crowd would send the endpoint one
        // request for each of its members.
        if let Some(error) = self.failed_since(ask.waited) {
            return (Decision::Fail(error), None);
        }
        // A token that expires too early for this caller suits all others, so
        // only this ask renews it.
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

    /// Decides about a caller that needs the valid token for longer than it
    /// lasts.
    fn ask_for_longer(&mut self, ask: Ask, now: Moment) -> (Decision, Option<Start>) {
        let Some(current) = &self.current else {
            return (self.wait(), None);
        };
        if self.closed {
            return (Decision::Fail(closed()), None);
        }
        let generation = current.token.generation();
        // A token that other processes have used for some time does not count:
        // this caller may fetch another one.
        let brought = ask
            .since
            .is_some_and(|since| match current.came_used(ask.lasting) {
                true => since.next() < generation,
                false => since < generation,
            });
        let damped = current.refused && self.damper.damped_until(now.mono).is_some();
        if brought {
            // Repeated asks must not mint one too short token after another.
            let pause = current.background_pause();
            self.cooldown.pause_background(now.mono, pause);
        }
        // A renewal that cannot bring a longer lifetime fails at once: one has
        // just ended, the damper is active, or no token lasts that long.
        if brought || damped || current.whole < ask.lasting {
            return (Decision::Fail(too_short()), None);
        }
        if self.renewing.is_some() {
            return (self.wait(), None);
        }
        if let Some(error) = self.cooldown.error(now.mono) {
            return (Decision::Fail(error.clone()), None);
        }
        if self.pauses_background(now) {
            return (Decision::Fail(too_short()), None);
        }
        let start = self.start(Reason::Due, now);
        (self.wait(), Some(start))
    }

    /// Returns why a renewal should start now, if one should and may.
    fn wants_renewal(&self, now: Moment) -> Option<Reason> {
        if self.renewing.is_some() {
            return None;
        }
        // Without a valid token, only the cooldown delays a renewal, because
        // the damper limits renewals that 401s force. While the cache serves a
        // token, background renewals pause longer.
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
        // The owner's request takes precedence over the age, so that the source
        // learns the reason.
        let reason = match age {
            _ if current.unwanted && !damped => Reason::Forced,
            Age::Due => Reason::Due,
            Age::Fresh if current.wants_check(now) => Reason::Check,
            _ => return None,
        };
        (!self.pauses_background(now)).then_some(reason)
    }

    /// Returns whether background renewals pause.
    pub(super) fn pauses_background(&self, now: Moment) -> bool {
        let opens = self.cooldown.background_ends();
        opens.is_some_and(|opens| now.mono < opens)
    }

    /// Lets a caller wait for the renewal in flight, or fail with the cooldown.
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
            // No renewal started, so the cooldown is active.
            None => Decision::Fail(self.cooldown.last_error().cloned().unwrap_or_else(closed)),
        }
    }

    /// Serves the token if the cache may, otherwise lets the caller wait.
    fn serve_or_wait(&self, now: Moment) -> Decision {
        // Without a renewal in flight, a refused token is served, and its
        // callers get the server's 401. An expired token is never served.
        match self.unexpired(now) {
            Some(current) if !current.refused || self.renewing.is_none() => {
                Decision::Serve(current.token.clone())
            }
            _ => self.wait(),
        }
    }

    /// Serves the token of a closed cache until it expires.
    fn serve_or_fail(&self, now: Moment, error: TokenError) -> Decision {
        match self.unexpired(now) {
            Some(current) => Decision::Serve(current.token.clone()),
            None => Decision::Fail(error),
        }
    }

    /// Returns the failure of the renewal that a caller waited for, or of a
    /// later one.
    fn failed_since(&self, waited: Option<RenewalId>) -> Option<TokenError> {
        let (id, error) = self.last_failure.as_ref()?;
        (waited? <= *id).then(|| error.clone())
    }
}

fn too_short() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRenewable,
        "no token is valid for the requested time: fresh tokens expire earlier; request less time, or \
         raise the token duration of the OAuth client",
    )
}
