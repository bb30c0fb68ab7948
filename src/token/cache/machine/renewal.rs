use std::time::Duration;

use super::{
    Current, Machine, RenewalId, Renewing, Start,
    current::{Age, expired_on_arrival},
};
use crate::token::{
    AccessToken, Fingerprint, Generation, IssuedToken, Reason, TokenError,
    cache::{cooldown::later, moment::Moment},
};

impl Machine {
    /// Begins a renewal, in place of one that counts as lost.
    pub(super) fn start(&mut self, reason: Reason, now: Moment) -> Start {
        self.last_id += 1;
        let id = self.last_id;
        let overdue_at = later(now.mono, self.settings.deadline);
        self.renewing = Some(Renewing {
            id,
            reason,
            overdue_at,
            knows_refusal: self.current.as_ref().is_some_and(Current::is_given_up),
        });
        let refused = self.current.as_ref().filter(|current| current.refused);
        let rejected = refused.map(|current| Fingerprint::of(current.token.expose()));
        Start {
            id,
            reason,
            rejected,
            follows_failure: self.cooldown.failures() > 0,
        }
    }

    /// Records the end of a renewal. Returns its result, or `None` if it was
    /// given up before.
    pub(in crate::token::cache) fn finish(
        &mut self,
        id: RenewalId,
        result: Result<(IssuedToken, Moment), TokenError>,
        now: Moment,
    ) -> Option<Result<Generation, TokenError>> {
        // A late result of a renewal that was taken over must not replace a
        // newer one.
        let ended = self.renewing.filter(|renewing| renewing.id == id)?;
        self.renewing = None;
        let adopted =
            result.and_then(|(issued, sent)| self.adopt(&issued, sent, ended.knows_refusal, now));
        Some(adopted.map_err(|error| {
            let pause = self
                .current
                .as_ref()
                .map_or(Duration::ZERO, Current::background_pause);
            let error = self.cooldown.begin(error, now.mono, pause, &mut self.rng);
            self.last_failure = Some((id, error.clone()));
            error
        }))
    }

    /// Records that the task of a renewal ended without a result. The token
    /// endpoint did not fail, so a waiting caller starts another renewal at
    /// once.
    pub(in crate::token::cache) fn abort(&mut self, id: RenewalId) {
        if self.renewing.is_some_and(|renewing| renewing.id == id) {
            self.renewing = None;
        }
    }

    /// Adopts a token obtained elsewhere, as if it had been fetched now.
    pub(in crate::token::cache) fn start_from(
        &mut self,
        issued: &IssuedToken,
        now: Moment,
    ) -> Result<Generation, TokenError> {
        self.adopt(issued, now, false, now)
    }

    /// Starts nothing from now on, and ignores the renewal in flight.
    pub(in crate::token::cache) fn close(&mut self) {
        self.closed = true;
        self.renewing = None;
    }

    /// Adopts a token, unless it has expired on arrival. `knows_refusal`: its
    /// renewal started after the old token was given up.
    fn adopt(
        &mut self,
        issued: &IssuedToken,
        sent: Moment,
        knows_refusal: bool,
        now: Moment,
    ) -> Result<Generation, TokenError> {
        let token = AccessToken::new(issued.expose(), self.generation().next())?;
        let mut new = Current::new(
            token,
            issued,
            sent,
            now.mono,
            &self.settings,
            self.rng.f64(),
        );
        if new.age(now) == Age::Expired {
            return Err(expired_on_arrival());
        }
        // A token proves that the endpoint works. Whether the API accepts it is
        // the damper's decision.
        self.cooldown.clear();
        self.last_failure = None;
        if let Some(current) = &self.current {
            let same = current.token.expose() == new.token.expose();
            // The same token keeps its generation, so that a late 401 still
            // refers to it.
            if same {
                new.token = current.token.clone();
                new.refused = current.refused;
                // The owner's request counts as done after one try.
                new.unwanted = current.unwanted && !knows_refusal;
                self.cooldown
                    .pause_background(now.mono, new.pause_after_same());
            }
            match current.is_given_up() {
                // The API refused the token during the renewal. A waiting
                // caller starts a renewal that reports the refusal.
                true if same && !knows_refusal => {}
                true if same => self.damper.same_token(now.mono),
                true => self.damper.renewed(now.mono),
                false => {}
            }
        }
        let generation = new.token.generation();
        self.current = Some(new);
        self.generation = generation;
        Ok(generation)
    }
}
