//! The rules of a cache: what follows from which event.

mod answer;
mod ask;
mod held;
mod refuse;
mod renewal;
mod view;

pub(in crate::token::cache) use answer::{Answer, Ask, RenewalId, Start};
use held::Held;
use tokio::time::Instant;
pub(in crate::token::cache) use view::View;

use super::{clock::Moment, damper::Damper, gate::Gate, settings::CacheSettings};
use crate::token::{Generation, Reason, TokenError};

/// The rules of a cache, without clock, task or lock of their own: each event comes with the time
/// at which it happened, and what is to be done is returned.
#[derive(Debug)]
pub(in crate::token::cache) struct Machine {
    settings: CacheSettings,
    held: Option<Held>,
    /// Of the token that was adopted last, also when it is discarded.
    generation: Generation,
    renewing: Option<Renewing>,
    gate: Gate,
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
            held: None,
            generation: Generation::NONE,
            renewing: None,
            gate: Gate::new(settings.gate),
            damper: Damper::new(settings.damper),
            closed: false,
            last_id: 0,
            last_failure: None,
            rng,
        }
    }
}
