use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    lease::LostClaim,
    link::Link,
    pauses::{LONGEST_COOLDOWN, Polling, check_after},
};
use crate::{
    store::{
        Claim, Entry, Lookup, Operation, ShareableSource, StoreError, StoreErrorKind, StoreEvent,
        StoreKey, TokenStore,
    },
    token::{FetchContext, IssuedToken, Reason, TokenError},
};

/// The number of cooldowns that a caller waits for. With more, a failing
/// endpoint would hang callers.
const COOLDOWNS: u32 = 2;
/// The number of unusable values after which a process stops asking the store.
const MISSES: u32 = 3;

/// One fetch: its purpose, and what it works with.
pub(super) struct Round<'a, S: ShareableSource> {
    pub(super) source: &'a S,
    pub(super) link: &'a Arc<Link>,
    pub(super) key: StoreKey,
    pub(super) identity: S::Identity,
    pub(super) cx: FetchContext,
    pub(super) begun: Instant,
}

type Outcome = Result<IssuedToken, TokenError>;

/// The next step after an answer of the store.
enum Step {
    Done(Outcome),
    Again,
    Wait(Duration),
    Alone,
}

/// What a fetch claims from the store, and its progress.
struct Tries {
    claim: Claim,
    polling: Polling,
    misses: u32,
    cooldowns: u32,
    /// Whether to reject the current token, because the caller requires one
    /// issued from now on.
    forced: bool,
}

impl Tries {
    fn new(claim: Claim, reason: Reason) -> Self {
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

    /// Gets a token from the store, or fetches one for it.
    ///
    /// An error means that the store failed, which has been reported. It
    /// contains the claim if the store may have granted it.
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

/// The questions to the store, and the steps that follow from its answers.
impl<S: ShareableSource> Round<'_, S> {
    fn claim(&self) -> Claim {
        let sharing = self.link.sharing();
        let mut claim = Claim::new(self.link.owner, sharing.lease);
        claim.at_least = self.link.local().at_least(self.cx.reason);
        // A little more than the margin at which the cache would discard the
        // token.
        claim.min_remaining = self.cx.expiry_margin + Duration::from_secs(5);
        claim.rejected = self.cx.rejected;
        claim
    }

    async fn look_up(&self, claim: &Claim) -> Result<Lookup, StoreError> {
        let (key, claim) = (self.key, claim.clone());
        let call = async move |store: &dyn TokenStore| store.get_or_lease(&key, &claim).await;
        self.link
            .ask(Operation::GetOrLease, |store| Box::pin(call(store)))
            .await
    }

    /// A usable token ends the fetch. The owner who forces a renewal wants a
    /// newer one than the first that the store has. An unusable one asks for
    /// the next fence, so that a claim replaces it, and after a few of them the
    /// process goes alone: another fetch of the store brings the same.
    fn found(&self, entry: &Entry, tries: &mut Tries) -> Step {
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

    /// Another process leads, so this one waits, as long as that can still
    /// bring a token in time. It goes alone where waiting has not helped or the
    /// lease cannot be real.
    fn busy(&self, left: Duration, tries: &mut Tries) -> Step {
        if self.is_no_lease(left) {
            return self.disbelieve();
        }
        if tries.polling.is_in_vain(left) {
            return Step::Alone;
        }
        // The token that another process is fetching now is new enough.
        tries.forced = false;
        let wait = tries.polling.next(left);
        if Instant::now() + wait >= self.limit() {
            return Step::Done(self.stay().ok_or_else(|| self.nobody_in_time()));
        }
        Step::Wait(wait)
    }

    /// The token endpoint wants a pause, and this process keeps it, since all
    /// share one limit. A caller waits only where a request fits in afterwards;
    /// others get the error at once.
    fn cools_down(&self, left: Duration, tries: &mut Tries) -> Step {
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

    /// A check has a good token already, so it keeps that one; all other
    /// fetches need the error.
    fn after_cooldown(&self, left: Duration) -> Outcome {
        if let (Reason::Check, Some(token)) = (self.cx.reason, self.stay()) {
            return Ok(token.with_check_in(left.max(check_after())));
        }
        Err(self.left_alone(left))
    }

    /// Returns whether a wait exceeds every lease that a process takes, and is
    /// too long to wait for. A clock that was set back may have caused it, or
    /// an attacker.
    fn is_no_lease(&self, left: Duration) -> bool {
        left > self.link.sharing().lease.saturating_mul(2) && !self.has_time_after(left)
    }

    /// Continues without the store, whose content is implausible.
    fn disbelieve(&self) -> Step {
        let kind = StoreErrorKind::Corrupt;
        self.link.tell(&StoreEvent::Missed { kind });
        Step::Alone
    }
}
