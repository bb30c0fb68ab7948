use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Current, Machine, RenewalId, current::Age};
use crate::token::{
    AccessToken, Generation, Reason,
    cache::{
        cooldown::{Cooldown, later},
        moment::Moment,
    },
};

/// The token that the cache serves without a decision, and until when.
#[derive(Debug)]
pub(in crate::token::cache) struct View {
    pub(in crate::token::cache) token: AccessToken,
    pub(in crate::token::cache) until: Instant,
    pub(in crate::token::cache) wall_until: SystemTime,
}

impl Machine {
    /// Returns the current view for callers.
    pub(in crate::token::cache) fn view(&self, now: Moment) -> Option<View> {
        let current = self.current.as_ref()?;
        let mut age_limit = current.expires_after;
        let mut until = None;
        // A view ends at the moment at which a decision could change the
        // answer, and never after the token's expiry. That moment is the
        // deadline of a renewal, the end of a cooldown or of the damper, the
        // time at which the token is due, or a check.
        match (current.refused, self.renewing) {
            // Callers wait for the newer token.
            (true, Some(_)) => return None,
            (false, Some(renewing)) => until = Some(renewing.overdue_at),
            // A closed cache starts nothing, so only the token's expiry counts.
            (_, None) if self.closed => {}
            (true, None) => until = Some(self.refused_until(now.mono)?),
            // A due token is decided on again when the pause of background
            // renewals ends.
            (false, None)
                if self.pauses_background(now)
                    && (current.unwanted
                        || current.age(now) != Age::Fresh
                        || current.wants_check(now)) =>
            {
                until = self.cooldown.background_ends();
            }
            (false, None) => {
                (age_limit, until) = (current.due_after, current.check_at);
                if current.unwanted {
                    let damped = self.damper.damped_until(now.mono)?;
                    until = Some(until.map_or(damped, |check| check.min(damped)));
                }
            }
        }
        let limit = later(current.sent.mono, age_limit);
        let wall_until = current
            .sent
            .wall
            .checked_add(age_limit)
            .unwrap_or(current.sent.wall);
        let token = current.token.clone();
        Some(View {
            token,
            until: until.map_or(limit, |until| until.min(limit)),
            wall_until,
        })
    }

    /// Returns the time of the next decision, if no event comes first.
    pub(in crate::token::cache) fn looks_again_at(&self, now: Moment) -> Option<Instant> {
        let view = self.view(now).map(|view| view.until);
        [view, self.cooldown.ends()]
            .into_iter()
            .flatten()
            .find(|at| now.mono < *at)
    }

    pub(in crate::token::cache) fn token(&self) -> Option<&AccessToken> {
        self.current.as_ref().map(|current| &current.token)
    }

    /// Returns the generation adopted last, or [`Generation::NONE`].
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the cache's token, unless it has expired.
    pub(super) fn unexpired(&self, now: Moment) -> Option<&Current> {
        self.current
            .as_ref()
            .filter(|current| current.age(now) != Age::Expired)
    }

    /// Returns how much longer the cache may serve the token.
    pub(in crate::token::cache) fn remaining(&self, now: Moment) -> Option<Duration> {
        let current = self.current.as_ref()?;
        current
            .expires_after
            .checked_sub(now.since(current.sent))
            .filter(|left| !left.is_zero())
    }

    /// Returns whether the API has refused the cache's token.
    pub(in crate::token::cache) fn is_refused(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.refused)
    }

    pub(in crate::token::cache) fn renewing(&self) -> Option<Reason> {
        self.renewing.map(|renewing| renewing.reason)
    }

    /// Returns whether this renewal is the one in flight.
    pub(in crate::token::cache) fn renews(&self, id: RenewalId) -> bool {
        self.renewing.is_some_and(|renewing| renewing.id == id)
    }

    pub(in crate::token::cache) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(in crate::token::cache) fn cooldown(&self) -> &Cooldown {
        &self.cooldown
    }

    /// Returns until when the cache serves a refused token.
    fn refused_until(&self, now: Instant) -> Option<Instant> {
        let cooling = self.cooldown.error(now).and(self.cooldown.ends());
        cooling.max(self.damper.damped_until(now))
    }
}
