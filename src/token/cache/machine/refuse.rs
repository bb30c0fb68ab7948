use super::{Machine, Start};
use crate::token::{Generation, Reason, Rejection, cache::clock::Moment};

impl Machine {
    /// The API refused the token of this generation, or its owner wants another one.
    pub(in crate::token::cache) fn refuse(
        &mut self,
        generation: Generation,
        reason: Reason,
        now: Moment,
    ) -> (Rejection, Option<Start>) {
        let Some(held) = &mut self.held else {
            return (Rejection::CannotRenew, None);
        };
        if generation < held.token.generation() {
            return (Rejection::Superseded, None);
        }
        if generation > held.token.generation() || self.closed {
            return (Rejection::CannotRenew, None);
        }
        // That the API refused it says more than that somebody wants another one.
        held.refused = match held.refused {
            Some(Reason::Rejected) => held.refused,
            _ => Some(reason),
        };
        self.damper.refused(held.adopted, now.mono);
        if self
            .renewing
            .is_some_and(|renewing| !renewing.is_overdue(now))
        {
            return (Rejection::Renewing, None);
        }
        if self.gate.error(now.mono).is_some() {
            return (Rejection::Gated, None);
        }
        if self.damper.damped_until(now.mono).is_some() {
            return (Rejection::Damped, None);
        }
        (Rejection::Renewing, Some(self.start(reason, now)))
    }

    /// The owner wants another token, or has changed what it takes to get one.
    pub(in crate::token::cache) fn invalidate(
        &mut self,
        now: Moment,
    ) -> (Rejection, Option<Start>) {
        if self.remaining(now).is_some() {
            return self.refuse(self.generation(), Reason::Forced, now);
        }
        if self.closed {
            return (Rejection::CannotRenew, None);
        }
        match self.gate.error(now.mono) {
            // The endpoint's own wish, which nothing on this side changes.
            Some(error) if error.asks_for_rest() => (Rejection::Gated, None),
            _ => {
                self.gate.open();
                (Rejection::Superseded, None)
            }
        }
    }
}
