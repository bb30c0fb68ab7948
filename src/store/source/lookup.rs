use std::time::Duration;

use tokio::time::Instant;

use super::{
    polling::Polling,
    publishing::LONGEST_COOLDOWN,
    round::{Outcome, Round, Step},
};
use crate::{
    store::{
        Claim, Entry, Lookup, Operation, ShareableSource, StoreError, StoreErrorKind, StoreEvent,
        TokenStore, failure::check_after,
    },
    token::Reason,
};

/// Pauses that one caller waits for: more would turn an endpoint that fails into callers that hang.
const COOLDOWNS: u32 = 2;
/// Values that cannot be used, before a process stops asking for better ones.
const MISSES: u32 = 3;

/// What a fetch wants of the store, and what has come of it so far.
pub(super) struct Tries {
    pub(super) claim: Claim,
    polling: Polling,
    misses: u32,
    cooldowns: u32,
    /// Whether the token that is there will not do, since the owner wants one from after that.
    forced: bool,
}

impl Tries {
    pub(super) fn new(claim: Claim, reason: Reason) -> Self {
        Self {
            claim,
            polling: Polling::new(),
            misses: 0,
            cooldowns: 0,
            forced: reason == Reason::Forced,
        }
    }

    fn wants_newer_than(&mut self, entry: &Entry) {
        self.claim.at_least = self.claim.at_least.max(entry.fence.next());
    }
}

/// What the store is asked, and what follows from what it says.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn claim(&self) -> Claim {
        let sharing = self.link.sharing();
        let mut claim = Claim::new(self.link.owner, sharing.lease);
        claim.at_least = self.link.local().at_least(self.cx.reason);
        // With a little more than the cache would throw away.
        claim.min_remaining = self.cx.expiry_margin + Duration::from_secs(5);
        claim.rejected = self.cx.rejected;
        claim
    }

    pub(super) async fn look_up(&self, claim: &Claim) -> Result<Lookup, StoreError> {
        let (key, claim) = (self.key, claim.clone());
        let call = async move |store: &dyn TokenStore| store.get_or_lease(&key, &claim).await;
        self.link
            .ask(Operation::GetOrLease, |store| Box::pin(call(store)))
            .await
    }

    pub(super) fn found(&self, entry: &Entry, tries: &mut Tries) -> Step {
        if std::mem::take(&mut tries.forced) {
            tries.wants_newer_than(entry);
            return Step::Again;
        }
        if let Some(issued) = self.adopt(entry, &tries.claim) {
            return Step::Done(Ok(issued));
        }
        tries.misses += 1;
        if tries.misses == MISSES {
            return Step::Alone;
        }
        tries.polling = Polling::new();
        tries.wants_newer_than(entry);
        Step::Again
    }

    pub(super) fn busy(&self, left: Duration, tries: &mut Tries) -> Step {
        if self.is_no_lease(left) {
            return self.disbelieve();
        }
        if tries.polling.is_in_vain(left) {
            return Step::Alone;
        }
        // What somebody is getting now is new enough.
        tries.forced = false;
        let wait = tries.polling.next(left);
        if Instant::now() + wait >= self.limit() {
            return Step::Done(self.stay().ok_or_else(|| self.nobody_in_time()));
        }
        Step::Wait(wait)
    }

    pub(super) fn cools_down(&self, left: Duration, tries: &mut Tries) -> Step {
        if left > 2 * LONGEST_COOLDOWN {
            return self.disbelieve();
        }
        self.link.tell(&StoreEvent::CoolingDown { left });
        tries.cooldowns += 1;
        if tries.cooldowns > COOLDOWNS || !self.has_time_after(left) {
            return Step::Done(self.after_cooldown(left));
        }
        tries.polling = Polling::new();
        Step::Wait(left + Duration::from_millis(fastrand::u64(1..50)))
    }

    fn after_cooldown(&self, left: Duration) -> Outcome {
        if let (Reason::Check, Some(token)) = (self.cx.reason, self.stay()) {
            return Ok(token.with_check_in(left.max(check_after())));
        }
        Err(self.left_alone(left))
    }

    /// Whether it is longer than any that a process like this one takes, and too long to wait for:
    /// set by a clock that has gone back, by mistake, or by somebody who means harm.
    fn is_no_lease(&self, left: Duration) -> bool {
        left > self.link.sharing().lease.saturating_mul(2) && !self.has_time_after(left)
    }

    /// Goes on without what is in the store.
    fn disbelieve(&self) -> Step {
        let kind = StoreErrorKind::Corrupt;
        self.link.tell(&StoreEvent::Missed { kind });
        Step::Alone
    }
}
