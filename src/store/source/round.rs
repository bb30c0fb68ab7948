use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{link::Link, lookup::Tries, lost_claim::LostClaim};
use crate::{
    store::{Claim, Lookup, ShareableSource, StoreError, StoreKey},
    token::{FetchContext, IssuedToken, TokenError},
};

/// One fetch: what it is for, and by whom it is made.
pub(super) struct Round<'a, S: ShareableSource> {
    pub(super) source: &'a S,
    pub(super) link: &'a Arc<Link>,
    pub(super) key: StoreKey,
    pub(super) identity: S::Identity,
    pub(super) cx: FetchContext,
    pub(super) begun: Instant,
}

pub(super) type Outcome = Result<IssuedToken, TokenError>;

/// What follows from what the store has said.
pub(super) enum Step {
    Done(Outcome),
    Again,
    Wait(Duration),
    Alone,
}

impl<'a, S: ShareableSource> Round<'a, S> {
    pub(super) fn new(
        source: &'a S,
        link: &'a Arc<Link>,
        key: StoreKey,
        identity: S::Identity,
        cx: FetchContext,
    ) -> Self {
        let key = link.sharing().key(key);
        link.local().turn_to(key);
        Self {
            source,
            link,
            key,
            identity,
            cx,
            begun: Instant::now(),
        }
    }

    pub(super) fn may_ask_store(&self) -> bool {
        let in_background = self.cx.reason.is_background();
        let local = self.link.local();
        local.breaker.allows(in_background, Instant::now())
    }

    /// Gets a token from the store, or for it. An error is one of the store, which was told
    /// already; a claim that may have been granted comes with it.
    pub(super) async fn together(&self) -> Result<Outcome, Option<LostClaim>> {
        let mut tries = Tries::new(self.claim(), self.cx.reason);
        loop {
            let was_failing = self.link.local().breaker.is_failing();
            let looked_up = self.look_up(&tries.claim).await;
            let lost = |error| match was_failing {
                true => None,
                false => self.lost(&error, &tries.claim),
            };
            let step = match looked_up.map_err(lost)? {
                Lookup::Token(entry) => self.found(&entry, &mut tries),
                Lookup::Leased(lease) => return Ok(self.lead(lease, &tries.claim).await),
                Lookup::Busy(left) => self.busy(left, &mut tries),
                Lookup::Cooldown(left) => self.cools_down(left, &mut tries),
            };
            match step {
                Step::Done(outcome) => return Ok(outcome),
                Step::Again => {}
                Step::Wait(wait) => sleep(wait).await,
                Step::Alone => return Ok(self.alone(None).await),
            }
        }
    }

    fn lost(&self, error: &StoreError, claim: &Claim) -> Option<LostClaim> {
        LostClaim::after(error, self.link, self.key, claim.clone(), &self.cx)
    }
}
