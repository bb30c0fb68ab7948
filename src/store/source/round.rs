//! One fetch of a shared token: what it claims from the store, and what follows
//! from each answer.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    lease::LostClaim,
    member::Member,
    pauses::{LONGEST_COOLDOWN, Polling, check_after},
};
use crate::{
    store::{
        Claim, Entry, Lookup, ShareableSource, StoreError, StoreErrorKind, StoreEvent, StoreKey,
    },
    token::{FetchContext, IssuedToken, Moment, Reason, TokenError},
};

/// The number of cooldowns that a caller waits for. With more, a failing
/// endpoint would hang callers.
const COOLDOWNS: u32 = 2;
/// The number of unusable values after which a process stops asking the store.
const MISSES: u32 = 3;

/// One fetch: its purpose, and what it works with.
///
/// The key and the identity come from one reading of the credentials, so that a
/// token never gets under the key of another client.
pub(super) struct Round<'a, S: ShareableSource> {
    pub(super) source: &'a S,
    pub(super) member: &'a Arc<Member>,
    /// The key within the namespace of the sharing.
    pub(super) key: StoreKey,
    pub(super) identity: S::Identity,
    pub(super) cx: FetchContext,
    /// The begin of the fetch, from which the cache counts a token's lifetime.
    pub(super) begun: Instant,
}

/// The end of a fetch, as the cache gets it.
type Fetched = Result<IssuedToken, TokenError>;

/// What follows from an answer of the store.
enum Next {
    /// The fetch is over.
    Done(Fetched),
    /// Ask the store again at once, with a changed claim.
    Again,
    /// Ask the store again after this pause.
    Wait(Duration),
    /// Continue without the store.
    Alone,
}

/// What a fetch claims from the store, and its progress.
struct Tries {
    claim: Claim,
    polling: Polling,
    /// The number of unusable tokens so far.
    misses: u32,
    /// The number of cooldowns so far, each of which may be waited for.
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

    /// Raises the lowest acceptable fence above this entry's.
    fn wants_newer_than(&mut self, entry: &Entry) {
        self.claim.at_least = self.claim.at_least.max(entry.fence.next());
    }
}

impl<'a, S: ShareableSource> Round<'a, S> {
    pub(super) fn new(
        source: &'a S,
        member: &'a Arc<Member>,
        key: StoreKey,
        identity: S::Identity,
        cx: FetchContext,
    ) -> Self {
        let key = member.sharing().key(key);
        member.local().use_key(key);
        Self {
            source,
            member,
            key,
            identity,
            cx,
            begun: Instant::now(),
        }
    }

    /// Returns whether the store is worth asking. After a failure it is not,
    /// for 30 to 40 seconds if a caller waits, and for two seconds in the
    /// background.
    pub(super) fn may_ask_store(&self) -> bool {
        let in_background = self.cx.reason.is_background();
        let local = self.member.local();
        local.breaker.allows(in_background, Instant::now())
    }

    /// Gets a token from the store, or fetches one for it.
    ///
    /// An error means that the store failed, which has been reported. It
    /// contains the claim if the store may have granted it.
    pub(super) async fn together(&self) -> Result<Fetched, Option<LostClaim>> {
        let mut tries = Tries::new(self.claim(), self.cx.reason);
        loop {
            let was_failing = self.member.local().breaker.is_failing();
            let looked_up = self.member.look_up(self.key, &tries.claim).await;
            let lost = |error| match was_failing {
                // Only the first question of an outage is worth settling: until
                // then, the store worked.
                true => None,
                false => self.lost(&error, &tries.claim),
            };
            let next = match looked_up.map_err(lost)? {
                Lookup::Token(entry) => self.found(&entry, &mut tries),
                Lookup::Leased(lease) => return Ok(self.lead(lease, &tries.claim).await),
                Lookup::Busy(left) => self.busy(left, &mut tries),
                Lookup::Cooldown(left) => self.cools_down(left, &mut tries),
            };
            match next {
                Next::Done(outcome) => return Ok(outcome),
                Next::Again => {}
                Next::Wait(wait) => sleep(wait).await,
                Next::Alone => return Ok(self.alone(None).await),
            }
        }
    }

    /// Returns the claim, if the store may have granted it despite this error.
    fn lost(&self, error: &StoreError, claim: &Claim) -> Option<LostClaim> {
        LostClaim::after(error, self.member, self.key, claim.clone(), &self.cx)
    }
}

/// The claim, and what follows from each answer to it.
impl<S: ShareableSource> Round<'_, S> {
    /// Returns the claim that a fetch begins with.
    fn claim(&self) -> Claim {
        let sharing = self.member.sharing();
        let mut claim = Claim::new(self.member.owner, sharing.lease);
        claim.at_least = self.member.local().at_least(self.cx.reason);
        // A little more than the margin at which the cache would discard the
        // token.
        claim.min_remaining = self.cx.expiry_margin + Duration::from_secs(5);
        claim.rejected = self.cx.rejected;
        claim
    }

    /// Handles a token in the store: a usable one ends the fetch.
    ///
    /// A forced renewal needs a newer token than the first that the store has.
    /// After an unusable one, the claim asks for the next fence, so that a
    /// lease replaces it. After a few of them the process continues without the
    /// store, since asking again brings the same.
    fn found(&self, entry: &Entry, tries: &mut Tries) -> Next {
        if std::mem::take(&mut tries.forced) {
            tries.wants_newer_than(entry);
            return Next::Again;
        }
        if let Some(issued) = self.adopt(entry, &tries.claim) {
            return Next::Done(Ok(issued));
        }
        tries.misses += 1;
        if tries.misses == MISSES {
            return Next::Alone;
        }
        // A published token is progress, so handovers count from here.
        tries.polling = Polling::new();
        tries.wants_newer_than(entry);
        Next::Again
    }

    /// Uses the token of another process. Returns `None`, and reports the
    /// fault, if it is unusable.
    pub(super) fn adopt(&self, entry: &Entry, claim: &Claim) -> Option<IssuedToken> {
        // The store measured the remaining lifetime at the latest now.
        let taken = Moment::now();
        // A store must check the claim, but it may be any code: a refused token
        // taken from it would fail the caller's request once more.
        let opened = match claim.accepts(entry) {
            true => self.member.sharing().envelope.open(&self.key, entry),
            false => Err(not_claimed()),
        };
        match opened {
            Ok(issued) => {
                let fence = entry.fence;
                self.member.tell(&StoreEvent::Adopted { fence });
                self.member.keep_published(&self.key, &issued, taken, fence);
                Some(self.hand_out(issued, taken))
            }
            Err(error) => {
                let kind = error.kind();
                self.member.tell(&StoreEvent::Missed { kind });
                tracing::debug!(%error, "cannot open the value in the token store");
                None
            }
        }
    }

    /// Handles the lease of another process: this one waits, as long as that
    /// can still bring a token in time.
    ///
    /// It continues without the store if several leaders brought no token, or
    /// if the lease is too long to be real.
    fn busy(&self, left: Duration, tries: &mut Tries) -> Next {
        if self.is_implausible(left) {
            return self.distrust();
        }
        if tries.polling.is_in_vain(left) {
            return Next::Alone;
        }
        // The token that another process is fetching now is new enough.
        tries.forced = false;
        let wait = tries.polling.next(left);
        if Instant::now() + wait >= self.limit() {
            return Next::Done(self.stay().ok_or_else(|| self.none_in_time()));
        }
        Next::Wait(wait)
    }

    /// Handles a cooldown: the token endpoint throttled or failed a process,
    /// which concerns all processes, since they have one client.
    ///
    /// A caller waits only if a request fits in afterwards. Otherwise it gets
    /// the error at once.
    fn cools_down(&self, left: Duration, tries: &mut Tries) -> Next {
        // No process sets a longer one than `LONGEST_COOLDOWN`, so this one is
        // a fault or an attack.
        if left > 2 * LONGEST_COOLDOWN {
            return self.distrust();
        }
        self.member.tell(&StoreEvent::CoolingDown { left });
        tries.cooldowns += 1;
        if tries.cooldowns > COOLDOWNS || !self.has_time_after(left) {
            return Next::Done(self.after_cooldown(left));
        }
        tries.polling = Polling::new();
        // Spread a little, so that not all processes ask in the same instant.
        Next::Wait(left + Duration::from_millis(fastrand::u64(1..50)))
    }

    /// Ends a fetch in a cooldown. A check has a good token already, so it
    /// keeps that one; all other fetches need the error.
    fn after_cooldown(&self, left: Duration) -> Fetched {
        if let (Reason::Check, Some(token)) = (self.cx.reason, self.stay()) {
            return Ok(token.with_check_in(left.max(check_after())));
        }
        Err(self.in_cooldown(left))
    }

    /// Returns whether a wait exceeds every lease that a process takes, and is
    /// too long to wait for. A clock that was set back may have caused it, or
    /// an attacker.
    fn is_implausible(&self, left: Duration) -> bool {
        left > self.member.sharing().lease.saturating_mul(2) && !self.has_time_after(left)
    }

    /// Continues without the store, whose content is implausible.
    fn distrust(&self) -> Next {
        let kind = StoreErrorKind::Corrupt;
        self.member.tell(&StoreEvent::Missed { kind });
        Next::Alone
    }
}

fn not_claimed() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the token store returned a token that the claim excludes; check the store against the rules of `TokenStore`",
    )
}
