use super::{Machine, Start, current::Age};
use crate::token::{
    AccessToken, Generation, Reason, Rejection,
    cache::{Invalidation, moment::Moment},
};

impl Machine {
    /// The API refused the token of this generation.
    pub(in crate::token::cache) fn refuse(
        &mut self,
        generation: Generation,
        now: Moment,
    ) -> (Rejection, Option<Start>) {
        let is_renewing = self.is_renewing(now);
        let Some(current) = &mut self.current else {
            let was_discarded = generation <= self.generation && !self.closed;
            return match was_discarded && generation != Generation::NONE {
                // Whoever asks next gets another one.
                true => (Rejection::Superseded, None),
                false => (Rejection::CannotRenew, None),
            };
        };
        // A report counts only for the token that is held: an older one has its successor, and a newer one
        // is not of this cache.
        if generation < current.token.generation() {
            return (Rejection::Superseded, None);
        }
        if generation > current.token.generation() || self.closed {
            return (Rejection::CannotRenew, None);
        }
        // The mark stays whether or not a renewal may begin now: the next one passes it to the
        // source.
        current.refused = true;
        self.damper.refused(current.adopted, now.mono);
        if is_renewing {
            return (Rejection::Renewing, None);
        }
        // What holds a renewal back is named in the order in which it would: a failure that is being waited
        // out says more than how often tokens were refused.
        if self.cooldown.error(now.mono).is_some() {
            return (Rejection::Cooldown, None);
        }
        if self.damper.damped_until(now.mono).is_some() {
            return (Rejection::Damped, None);
        }
        let start = self.start(Reason::Rejected, now);
        (Rejection::Renewing, Some(start))
    }

    /// The owner has ended the token of this generation: nobody shall be served it any more.
    pub(in crate::token::cache) fn discard(
        &mut self,
        generation: Generation,
    ) -> Option<AccessToken> {
        let current = self
            .current
            .take_if(|current| current.token.generation() == generation);
        current.map(|current| current.token)
    }

    /// The owner wants another token, or has changed what it takes to get one.
    ///
    /// A failure of the past does not keep the endpoint from being asked: it may be mended. The
    /// endpoint's own wish does, and the damper does, without which this could be called in a loop.
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
        // The endpoint's own wish goes before everything, the owner's included.
        if let Some(until) = self.cooldown.rests_until(now.mono) {
            return (Invalidation::Resting { until }, None);
        }
        let failed = self.cooldown.error(now.mono).is_some();
        // Without a valid token and a failure, whoever asks next has the endpoint asked.
        let damped = self.damper.damped_until(now.mono);
        if let Some(until) = damped.filter(|_| is_valid || failed) {
            return (Invalidation::Damped { until }, None);
        }
        if failed {
            self.damper.pushed(now.mono);
            self.cooldown.cut_short(now.mono);
        }
        // The strongest reason is told: a source that shares tokens must not return a refused one, and may
        // return the same one for no reason but a check.
        let reason = match &self.current {
            Some(current) if is_valid && current.refused => Reason::Rejected,
            Some(_) if is_valid => Reason::Forced,
            Some(_) => Reason::Expired,
            None => Reason::Missing,
        };
        let start = self.start(reason, now);
        (Invalidation::Renewing, Some(start))
    }

    /// Whether a renewal is under way that still has time.
    fn is_renewing(&self, now: Moment) -> bool {
        let renewing = self.renewing.as_ref();
        renewing.is_some_and(|renewing| !renewing.is_overdue(now))
    }
}
