//! The rules of a cache: what follows from which event.

use std::time::Duration;

use tokio::time::Instant;

mod callers;
mod current;
mod refusals;
mod renewal;
mod view;

use current::Current;
pub(in crate::token::cache) use view::View;

use super::{cooldown::Cooldown, damper::Damper, moment::Moment, settings::CacheSettings};
use crate::token::{AccessToken, Fingerprint, Generation, Reason, TokenError};

/// The rules of a cache, without clock, task or lock of their own: each event comes with the time
/// at which it happened, and what is to be done is returned.
#[derive(Debug)]
pub(in crate::token::cache) struct Machine {
    settings: CacheSettings,
    current: Option<Current>,
    /// Of the token that was adopted last, also when it is discarded.
    generation: Generation,
    renewing: Option<Renewing>,
    cooldown: Cooldown,
    damper: Damper,
    closed: bool,
    last_id: RenewalId,
    last_failure: Option<(RenewalId, TokenError)>,
    rng: fastrand::Rng,
}

#[derive(Clone, Copy, Debug)]
struct Renewing {
    id: RenewalId,
    reason: Reason,
    overdue_at: Instant,
    /// Whether the token was refused before it began, so that the same token is no answer.
    knows_refusal: bool,
}

impl Renewing {
    /// Whether it has had its time: nobody waits for it any longer.
    fn is_overdue(&self, now: Moment) -> bool {
        self.overdue_at <= now.mono
    }
}

impl Machine {
    pub(in crate::token::cache) fn new(settings: CacheSettings, rng: fastrand::Rng) -> Self {
        Self {
            settings,
            current: None,
            generation: Generation::NONE,
            renewing: None,
            cooldown: Cooldown::new(settings.cooldown),
            damper: Damper::new(settings.damper),
            closed: false,
            last_id: 0,
            last_failure: None,
            rng,
        }
    }
}

/// The ordinal of a renewal, by which the result of one that was given up is recognised.
pub(in crate::token::cache) type RenewalId = u64;

/// A renewal that is to be started now.
#[derive(Clone, Debug)]
pub(in crate::token::cache) struct Start {
    pub(in crate::token::cache) id: RenewalId,
    pub(in crate::token::cache) reason: Reason,
    pub(in crate::token::cache) rejected: Option<Fingerprint>,
    /// Whether the last one has failed.
    pub(in crate::token::cache) follows_failure: bool,
}

/// What a caller wants who asks for a token.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::token::cache) struct Ask {
    /// The renewal for which it has waited so far.
    pub(in crate::token::cache) waited: Option<RenewalId>,
    /// The token that was held when it began to wait.
    pub(in crate::token::cache) since: Option<Generation>,
    /// For how long it will need the token.
    pub(in crate::token::cache) lasting: Duration,
}

/// What a caller gets who asks for a token.
#[derive(Debug)]
pub(in crate::token::cache) enum Decision {
    Serve(AccessToken),
    /// For the renewal of this id, and no longer than until `overdue_at`. `held` is the token of
    /// now, which does not do.
    Wait {
        id: RenewalId,
        overdue_at: Instant,
        current: Generation,
    },
    Fail(TokenError),
}
