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

/// What can be served without asking again, and until when.
#[derive(Debug)]
pub(in crate::token::cache) struct View {
    pub(in crate::token::cache) token: AccessToken,
    pub(in crate::token::cache) until: Instant,
    pub(in crate::token::cache) wall_until: SystemTime,
}

impl Machine {
    /// What callers may be served without asking, as things stand now.
    pub(in crate::token::cache) fn view(&self, now: Moment) -> Option<View> {
        let current = self.current.as_ref()?;
        let mut age_limit = current.expires_after;
        let mut until = None;
        // A caller may be served without asking until the moment at which asking could change the answer,
        // and never past the end of the token: then it is a renewal that is taken for lost, a cooldown or a
        // damper that ends, a token that becomes due, or a check.
        match (current.refused, self.renewing) {
            // Callers wait for the newer token.
            (true, Some(_)) => return None,
            (false, Some(renewing)) => until = Some(renewing.overdue_at),
            // Nothing is ever started again, so only the end of the token counts.
            (_, None) if self.closed => {}
            (true, None) => until = Some(self.refused_until(now.mono)?),
            // What is due is looked at again when renewals in the background rest no more.
            (false, None)
                if self.rests(now)
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

    /// When something is to be decided again, if nothing happens until then.
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

    /// Which token was adopted last; [`Generation::NONE`] if there was none.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// The token that is held, unless it has expired.
    pub(super) fn unexpired(&self, now: Moment) -> Option<&Current> {
        self.current
            .as_ref()
            .filter(|current| current.age(now) != Age::Expired)
    }

    /// How much longer the token may be sent.
    pub(in crate::token::cache) fn remaining(&self, now: Moment) -> Option<Duration> {
        let current = self.current.as_ref()?;
        current
            .expires_after
            .checked_sub(now.since(current.sent))
            .filter(|left| !left.is_zero())
    }

    /// Whether the API has refused the token that is held.
    pub(in crate::token::cache) fn is_refused(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.refused)
    }

    pub(in crate::token::cache) fn renewing(&self) -> Option<Reason> {
        self.renewing.map(|renewing| renewing.reason)
    }

    /// Whether this renewal is the one under way.
    pub(in crate::token::cache) fn renews(&self, id: RenewalId) -> bool {
        self.renewing.is_some_and(|renewing| renewing.id == id)
    }

    pub(in crate::token::cache) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(in crate::token::cache) fn cooldown(&self) -> &Cooldown {
        &self.cooldown
    }

    /// Until when a refused token is served on all the same.
    fn refused_until(&self, now: Instant) -> Option<Instant> {
        let cooling = self.cooldown.ends().filter(|ends| now < *ends);
        cooling.max(self.damper.damped_until(now))
    }
}
