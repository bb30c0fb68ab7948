use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{link::Link, polling::Polling, publishing::LONGEST_COOLDOWN};
use crate::{
    store::{
        Claim, Entry, Lookup, Operation, ShareableSource, StoreError, StoreErrorKind, StoreEvent,
        StoreKey, failure::check_after,
    },
    token::{FetchContext, IssuedToken, Moment, Reason, TokenError, TokenErrorKind},
};

/// An answer to the cache has to be there before it stops waiting.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);
/// After a pause that the token endpoint asked for, there has to be time for a request.
const AFTER_COOLDOWN: Duration = Duration::from_secs(2);
/// Pauses that one caller waits for: more would turn an endpoint that fails into callers that hang.
const COOLDOWNS: u32 = 2;
/// Values that cannot be used, before a process stops asking for better ones.
const MISSES: u32 = 3;

/// One fetch: what it is for, and by whom it is made.
pub(super) struct Round<'a, S: ShareableSource> {
    pub(super) source: &'a S,
    pub(super) link: &'a Arc<Link>,
    pub(super) key: StoreKey,
    pub(super) identity: S::Identity,
    pub(super) cx: FetchContext,
    begun: Instant,
}

type Outcome = Result<IssuedToken, TokenError>;

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

    /// Gets a token from the store, or for it. An error is one of the store, which was told already.
    pub(super) async fn together(&mut self) -> Result<Outcome, StoreError> {
        let mut claim = self.claim();
        let mut polling = Polling::new();
        let (mut misses, mut cooldowns) = (0, 0);
        let mut forced = self.cx.reason == Reason::Forced;
        loop {
            match self.look_up(&claim).await? {
                // There is one, but the owner wants one from after that.
                Lookup::Token(entry) if forced => {
                    forced = false;
                    claim.at_least = claim.at_least.max(entry.fence.next());
                }
                Lookup::Token(entry) => {
                    if let Some(issued) = self.adopt(&entry, &claim) {
                        return Ok(Ok(issued));
                    }
                    misses += 1;
                    if misses == MISSES {
                        return Ok(self.alone().await);
                    }
                    polling = Polling::new();
                    claim.at_least = claim.at_least.max(entry.fence.next());
                }
                Lookup::Leased(lease) => return Ok(self.lead(lease, &claim).await),
                Lookup::Busy(left) if self.is_no_lease(left) => return Ok(self.disbelieve().await),
                Lookup::Cooldown(left) if left > 2 * LONGEST_COOLDOWN => {
                    return Ok(self.disbelieve().await);
                }
                Lookup::Busy(left) if polling.is_in_vain(left) => return Ok(self.alone().await),
                Lookup::Busy(left) => {
                    // What somebody is getting now is new enough.
                    forced = false;
                    let wait = polling.next(left);
                    if Instant::now() + wait >= self.limit() {
                        return Ok(self.stay().ok_or_else(|| self.nobody_in_time()));
                    }
                    sleep(wait).await;
                }
                Lookup::Cooldown(left) => {
                    self.link.tell(&StoreEvent::CoolingDown { left });
                    cooldowns += 1;
                    if cooldowns > COOLDOWNS || !self.has_time_after(left) {
                        return Ok(self.after_cooldown(left));
                    }
                    polling = Polling::new();
                    sleep(left + Duration::from_millis(fastrand::u64(1..50))).await;
                }
            }
        }
    }

    /// Whether it is longer than any that a process like this one takes, and too long to wait for: set by a clock that
    /// has gone back, by mistake, or by somebody who means harm.
    fn is_no_lease(&self, left: Duration) -> bool {
        left > self.link.sharing().lease.saturating_mul(2) && !self.has_time_after(left)
    }

    /// Goes on without what is in the store.
    async fn disbelieve(&self) -> Outcome {
        let kind = StoreErrorKind::Corrupt;
        self.link.tell(&StoreEvent::Missed { kind });
        self.alone().await
    }

    fn claim(&self) -> Claim {
        let sharing = self.link.sharing();
        let mut claim = Claim::new(self.link.owner, sharing.lease);
        claim.at_least = self.link.local().at_least(self.cx.reason);
        // With a little more than the cache would throw away.
        claim.min_remaining = self.cx.expiry_margin + Duration::from_secs(5);
        claim.rejected = self.cx.rejected;
        claim
    }

    async fn look_up(&self, claim: &Claim) -> Result<Lookup, StoreError> {
        let (key, claim) = (self.key, claim.clone());
        let call = async move |store: &dyn crate::store::TokenStore| {
            store.get_or_lease(&key, &claim).await
        };
        self.link
            .ask(Operation::GetOrLease, |store| Box::pin(call(store)))
            .await
    }

    /// Uses the token of another process, if it can be.
    pub(super) fn adopt(&self, entry: &Entry, claim: &Claim) -> Option<IssuedToken> {
        // What is left was measured when the store was asked, at the latest now.
        let taken = Moment::now();
        let opened = match claim.accepts(entry) {
            true => self.link.sharing().envelope.open(&self.key, entry),
            false => Err(unasked()),
        };
        match opened {
            Ok(issued) => {
                let fence = entry.fence;
                self.link.tell(&StoreEvent::Adopted { fence });
                self.share(&issued, taken, fence);
                Some(self.hand_out(issued, taken))
            }
            Err(error) => {
                let kind = error.kind();
                self.link.tell(&StoreEvent::Missed { kind });
                tracing::debug!(%error, "why the value in the token store cannot be opened");
                None
            }
        }
    }

    /// Keeps a token that all have.
    pub(super) fn share(&self, issued: &IssuedToken, taken: Moment, fence: crate::store::Fence) {
        let mut local = self.link.local();
        let was_alone = local.share(&self.key, issued.clone(), taken, fence);
        drop(local);
        if was_alone {
            self.link.tell(&StoreEvent::Converged { fence });
        }
    }

    /// The token for the cache, which counts its life from when the fetch began.
    pub(super) fn hand_out(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        issued.with_remaining(left.saturating_add(self.begun.elapsed()))
    }

    /// A token that only this process has, to be brought together with the others soon.
    pub(super) fn hand_out_unshared(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        self.link.local().alone = true;
        self.hand_out(issued, taken).with_check_in(check_after())
    }

    /// The token of this process in place of another one, if it does for now.
    pub(super) fn stay(&self) -> Option<IssuedToken> {
        let spare = self.link.spare(Some(&self.key), &self.cx)?;
        Some(self.hand_out(spare, Moment::now()))
    }

    /// One request to the token endpoint, under a time-out that ends before the lease.
    pub(super) async fn request(&self) -> Result<(IssuedToken, Moment), TokenError> {
        let sharing = self.link.sharing();
        let taken = Moment::now();
        let left = self.limit().saturating_duration_since(taken.mono);
        // To publish, but never at the cost of the request.
        let after = sharing.operation_timeout.min(left / 4);
        let deadline = taken.mono + (left - after).min(sharing.attempt_timeout());
        let mut cx = self.cx.clone();
        cx.deadline = deadline;
        let fetched = timeout_at(deadline, self.source.fetch_as(&self.identity, cx)).await;
        let issued = fetched.map_err(|_| self.unanswered())??;
        Ok((within_bounds(issued), taken))
    }

    /// When this fetch has to be over.
    pub(super) fn limit(&self) -> Instant {
        let limit = self.cx.deadline.checked_sub(BEFORE_DEADLINE);
        limit.unwrap_or(self.cx.deadline)
    }

    pub(super) fn has_time_after(&self, wait: Duration) -> bool {
        let then = Instant::now().checked_add(wait.saturating_add(AFTER_COOLDOWN));
        then.is_some_and(|then| then < self.limit())
    }

    /// Whether there is time enough for a request. Callers with less patience than most get an eighth of theirs.
    pub(super) fn has_time_for_request(&self) -> bool {
        let whole = self.limit().saturating_duration_since(self.begun);
        let left = self.limit().saturating_duration_since(Instant::now());
        left >= AFTER_COOLDOWN.min(whole / 8)
    }

    fn after_cooldown(&self, left: Duration) -> Outcome {
        if let (Reason::Check, Some(token)) = (self.cx.reason, self.stay()) {
            return Ok(token.with_check_in(left.max(check_after())));
        }
        let message = "the token endpoint has asked another process with the same client for fewer requests, or has failed \
                       it, and is left alone by all for a while";
        Err(self
            .error(TokenErrorKind::Throttled, message)
            .with_retry_after(left))
    }

    pub(super) fn nobody_in_time(&self) -> TokenError {
        let message = "other processes with the same client were to get a token, and none has come in time; check that \
                       the token endpoint can be reached from there";
        self.error(TokenErrorKind::TimedOut, message)
    }

    fn unanswered(&self) -> TokenError {
        let message = "the token endpoint did not answer in time; check that it can be reached from here (proxy, \
                       firewall), or allow it more with `Sharing::with_attempt_timeout`";
        self.error(TokenErrorKind::TimedOut, message)
    }

    pub(super) fn error(&self, kind: TokenErrorKind, message: &'static str) -> TokenError {
        let error = TokenError::new(kind, message);
        match self.source.login_host() {
            Some(host) => error.with_login_host(host),
            None => error,
        }
    }
}

/// A token without a life is used for two seconds by the cache, and by the others too: a fleet that could not keep one
/// would ask for them in a loop. One that seems to live for ever gets what the cache takes for the longest life, which
/// every store can keep and no sum exceeds.
fn within_bounds(issued: IssuedToken) -> IssuedToken {
    const SHORTEST: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_secs(450 * 24 * 60 * 60);
    let (lifetime, remaining) = (issued.lifetime(), issued.remaining());
    if lifetime < SHORTEST {
        IssuedToken::new(issued.expose().to_owned(), SHORTEST)
    } else if lifetime > LONGEST {
        IssuedToken::new(issued.expose().to_owned(), LONGEST).with_remaining(remaining)
    } else {
        issued
    }
}

fn unasked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "the token store gave a token that was not asked for; check that it keeps the rules of `TokenStore`",
    )
}
