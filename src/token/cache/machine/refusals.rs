use super::{Machine, Start, current::Age};
use crate::token::{
    AccessToken, Generation, Reason, Rejection,
    cache::{Invalidation, moment::Moment},
};

impl Machine {
    /// Records that the API refused the token of this generation.
    pub(in crate::token::cache) fn refuse(
        &mut self,
        generation: Generation,
        now: Moment,
    ) -> (Rejection, Option<Start>) {
        let is_renewing = self.is_renewing(now);
        let Some(current) = &mut self.current else {
            let was_discarded = generation <= self.generation && !self.closed;
            return match was_discarded && generation != Generation::NONE {
                // The next caller gets another token.
                true => (Rejection::Superseded, None),
                false => (Rejection::CannotRenew, None),
            };
        };
        // A report counts only for the current token: an older one already has
        // a successor, and a newer one belongs to another cache.
        if generation < current.token.generation() {
            return (Rejection::Superseded, None);
        }
        if generation > current.token.generation() || self.closed {
            return (Rejection::CannotRenew, None);
        }
        // The mark stays whether or not a renewal may begin now: the next one
        // passes it to the source.
        current.refused = true;
        self.damper.refused(current.adopted, now.mono);
        if is_renewing {
            return (Rejection::Renewing, None);
        }
        // The cooldown is reported before the damper: a failing endpoint tells
        // the caller more than the number of refusals.
        if self.cooldown.error(now.mono).is_some() {
            return (Rejection::Cooldown, None);
        }
        if self.damper.damped_until(now.mono).is_some() {
            return (Rejection::Damped, None);
        }
        let start = self.start(Reason::Rejected, now);
        (Rejection::Renewing, Some(start))
    }

    /// Removes the token of this generation, which its owner has revoked, so
    /// that no caller gets it.
    pub(in crate::token::cache) fn discard(
        &mut self,
        generation: Generation,
    ) -> Option<AccessToken> {
        let current = self
            .current
            .take_if(|current| current.token.generation() == generation);
        current.map(|current| current.token)
    }

    /// Handles the owner's request for another token, for example after a
    /// change of roles or of the secret.
    ///
    /// A past failure does not delay the request, because its cause may be
    /// corrected. A pause that the endpoint asked for does, and so does the
    /// damper: without it, a loop of calls would mint tokens.
    pub(in crate::token::cache) fn invalidate(
        &mut self,
        now: Moment,
    ) -> (Invalidation, Option<Start>) {
        if self.closed {
            return (Invalidation::Closed, None);
        }
        let age = self.current.as_ref().map(|current| current.age(now));
        let is_valid = age.is_some_and(|age| age != Age::Expired);
        if let Some(current) = self.current.as_mut().filter(|_| is_valid) {
            current.unwanted = true;
            self.damper.refused(current.adopted, now.mono);
        }
        if self.is_renewing(now) {
            return (Invalidation::Renewing, None);
        }
        if let Some(until) = self.cooldown.rests_until(now.mono) {
            return (Invalidation::Resting { until }, None);
        }
        let failed = self.cooldown.error(now.mono).is_some();
        // Without a valid token and without a failure, the next caller would
        // send a request anyway.
        let damped = self.damper.damped_until(now.mono);
        if let Some(until) = damped.filter(|_| is_valid || failed) {
            return (Invalidation::Damped { until }, None);
        }
        if failed {
            self.damper.pushed(now.mono);
            self.cooldown.cut_short(now.mono);
        }
        // The source gets the strongest reason: one that shares tokens must not
        // return a refused token, and may return the same token only for a
        // check.
        let reason = match &self.current {
            Some(current) if is_valid && current.refused => Reason::Rejected,
            Some(_) if is_valid => Reason::Forced,
            Some(_) => Reason::Expired,
            None => Reason::Missing,
        };
        let start = self.start(reason, now);
        (Invalidation::Renewing, Some(start))
    }

    /// Returns whether a renewal is in flight and before its deadline.
    fn is_renewing(&self, now: Moment) -> bool {
        let renewing = self.renewing.as_ref();
        renewing.is_some_and(|renewing| !renewing.is_overdue(now))
    }
}
