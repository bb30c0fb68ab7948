//! The rules of a cache: which event has which consequence.

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

/// The rules of a cache, without clock, task or lock. The caller passes each
/// event with its time, and carries out the returned decision.
#[derive(Debug)]
pub(in crate::token::cache) struct Machine {
    settings: CacheSettings,
    /// The token adopted last, unless it was revoked. It may have expired.
    current: Option<Current>,
    /// The generation of the token adopted last, even if the cache has
    /// discarded it.
    generation: Generation,
    /// The renewal in flight.
    renewing: Option<Renewing>,
    cooldown: Cooldown,
    damper: Damper,
    /// A closed cache starts no renewal.
    closed: bool,
    /// The id of the last renewal.
    last_id: RenewalId,
    /// The last failure since a success, for the callers that waited for it.
    last_failure: Option<(RenewalId, TokenError)>,
    /// For jitter. Tests seed it.
    rng: fastrand::Rng,
}

/// A renewal in flight.
#[derive(Clone, Copy, Debug)]
struct Renewing {
    id: RenewalId,
    reason: Reason,
    /// Its deadline, after which it counts as lost.
    overdue_at: Instant,
    /// Whether the API or the owner gave the token up before the renewal
    /// started, so that the same token does not help.
    knows_refusal: bool,
}

impl Renewing {
    /// Returns whether the renewal has passed its deadline; no caller waits for
    /// it then.
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

/// The ordinal of a renewal. It identifies a late result of a renewal that was
/// given up.
pub(in crate::token::cache) type RenewalId = u64;

/// A renewal that the caller must start now.
#[derive(Clone, Debug)]
pub(in crate::token::cache) struct Start {
    pub(in crate::token::cache) id: RenewalId,
    pub(in crate::token::cache) reason: Reason,
    /// The token that the API refused, which the source must not return.
    pub(in crate::token::cache) rejected: Option<Fingerprint>,
    /// Whether the previous renewal failed.
    pub(in crate::token::cache) follows_failure: bool,
}

/// A caller's question for a token.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::token::cache) struct Ask {
    /// The renewal that the caller has waited for so far.
    pub(in crate::token::cache) waited: Option<RenewalId>,
    /// The cache's token when the caller started to wait.
    pub(in crate::token::cache) since: Option<Generation>,
    /// How long the caller needs the token.
    pub(in crate::token::cache) lasting: Duration,
}

/// What a caller does after an [`Ask`].
#[derive(Debug)]
pub(in crate::token::cache) enum Decision {
    /// Send this token.
    Serve(AccessToken),
    /// Wait for the renewal `id`, at most until `overdue_at`. `current` is the
    /// cache's token, which does not meet the ask.
    Wait {
        id: RenewalId,
        overdue_at: Instant,
        current: Generation,
    },
    /// Return this error.
    Fail(TokenError),
}
