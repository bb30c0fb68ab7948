//! Calls of the token endpoint: for all processes under a lease, or for this
//! process alone. Either fits into the time of its fetch.

use std::{borrow::Cow, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{
    lease::{LeaseGuard, LostClaim},
    pauses::{check_after, cooldown_after},
    round::Round,
};
use crate::{
    store::{Claim, Lease, Publication, ShareableSource, StoreEvent},
    token::{FetchContext, IssuedToken, Moment, TokenError, TokenErrorKind},
};

/// How long before the cache's deadline an answer must be there.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);
/// The time that a request must have, after a cooldown or a wait.
const AFTER_COOLDOWN: Duration = Duration::from_secs(2);

/// Returns the time at which a fetch must end.
pub(super) fn limit(cx: &FetchContext) -> Instant {
    let limit = cx.deadline.checked_sub(BEFORE_DEADLINE);
    limit.unwrap_or(cx.deadline)
}

/// The time budget of a fetch.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn limit(&self) -> Instant {
        limit(&self.cx)
    }

    /// Returns whether a request still fits in after this wait.
    pub(super) fn has_time_after(&self, wait: Duration) -> bool {
        let then = Instant::now().checked_add(wait.saturating_add(AFTER_COOLDOWN));
        then.is_some_and(|then| then < self.limit())
    }

    /// Returns whether enough time is left for a request: two seconds, or an
    /// eighth of the caller's whole time if that is shorter.
    fn has_time_for_request(&self) -> bool {
        let whole = self.limit().saturating_duration_since(self.begun);
        let left = self.limit().saturating_duration_since(Instant::now());
        !left.is_zero() && left >= AFTER_COOLDOWN.min(whole / 8)
    }

    /// Returns whether no time is left. A fetch may begin after its deadline,
    /// if the thread was blocked or the machine slept.
    fn is_over(&self) -> bool {
        Instant::now() >= self.limit()
    }
}

impl<S: ShareableSource> Round<'_, S> {
    /// Sends one request to the token endpoint, with a time-out that ends
    /// before the lease. Returns the token, and the time before the request,
    /// from which its lifetime counts.
    async fn request(&self) -> Result<(IssuedToken, Moment), TokenError> {
        let sharing = self.member.sharing();
        let taken = Moment::now();
        let left = self.limit().saturating_duration_since(taken.mono);
        // Time to publish, but never at the cost of the request.
        let after = sharing.operation_timeout.min(left / 4);
        let attempt = sharing.attempt_timeout();
        // The shorter time is the one that a user must extend.
        let setting = match attempt <= left - after {
            true => sharing.limits_attempt_by(),
            false => "CacheSettings::with_deadline",
        };
        let deadline = taken.mono + attempt.min(left - after);
        let mut cx = self.cx.clone();
        cx.deadline = deadline;
        let fetched = timeout_at(deadline, self.source.fetch_as(&self.identity, cx)).await;
        let issued = fetched.map_err(|_| self.endpoint_timed_out(setting))??;
        // Bounded here, so that every process keeps the token for the same
        // time.
        Ok((issued.within_bounds(), taken))
    }

    /// Fetches a token for all processes.
    ///
    /// A token that this process fetched without the store comes first, since
    /// it costs no request. Each way out ends the lease: by publishing, or by
    /// returning it with a cooldown for the other processes.
    pub(super) async fn lead(
        &self,
        lease: Lease,
        claim: &Claim,
    ) -> Result<IssuedToken, TokenError> {
        let guard = LeaseGuard::new(self.member, self.key, lease);
        if let Some(kind) = lease.replaces {
            self.member.tell(&StoreEvent::Missed { kind });
        }
        self.member.tell(&StoreEvent::Leased { fence: lease.fence });
        let own = self.member.local().unpublished(&self.key, &self.cx);
        if own.is_none() && !self.has_time_for_request() {
            // A request with too little time would time out, look like a
            // failure of the endpoint, and put every process into a cooldown.
            guard.abandon(None).await;
            return self.stay().ok_or_else(|| self.none_in_time());
        }
        // Read before the request: after it, no time may be left at all.
        let had_time = self.has_time_after(Duration::ZERO);
        let requested = match own {
            Some(own) => Ok(own),
            None => self.request().await,
        };
        match requested {
            Ok((issued, taken)) => {
                // Kept first, so that the token survives if publishing takes
                // too long for the cache.
                self.member
                    .local()
                    .keep_unpublished(&self.key, issued.clone(), taken);
                Ok(self.publish(guard, issued, taken, claim).await)
            }
            Err(error) => {
                // A request that was cut short says nothing about the endpoint.
                let is_cut = error.kind() == TokenErrorKind::TimedOut && !had_time;
                let cooldown = cooldown_after(&error).filter(|_| !is_cut);
                guard.abandon(cooldown).await;
                Err(error)
            }
        }
    }

    /// Publishes a token. Returns the token to use: this one, or a newer one in
    /// the store.
    async fn publish(
        &self,
        guard: LeaseGuard,
        issued: IssuedToken,
        taken: Moment,
        claim: &Claim,
    ) -> IssuedToken {
        match guard.publish(&issued, taken).await {
            Ok(Publication::Published) => self.hand_out(issued, taken),
            Ok(Publication::Superseded(winner)) => match self.adopt(&winner, claim) {
                Some(token) => token,
                // The newer token is damaged, or the claim excludes it.
                None => self.hand_out_unpublished(issued, taken),
            },
            // The token is valid without the store.
            Err(_told) => self.hand_out_unpublished(issued, taken),
        }
    }

    /// Continues without the store. `lost` is a claim that the store may have
    /// granted; it is settled once this process has a token or has failed to
    /// get one.
    ///
    /// In this order: the token of this process, if it lasts for a while;
    /// within ten seconds of the last such fetch, that token until it expires,
    /// or else a wait; a request.
    pub(super) async fn alone(
        &self,
        mut lost: Option<LostClaim>,
    ) -> Result<IssuedToken, TokenError> {
        if let Some(token) = self.stay() {
            return Ok(token);
        }
        let wait = self.member.local().limiter.wait(Instant::now());
        if !wait.is_zero() {
            self.member.tell(&StoreEvent::Limited { wait });
            // Outside of the condition, which would hold the lock until the end
            // of the block.
            let token = self.member.local().last_resort(&self.key, &self.cx);
            if let Some(token) = token {
                return Ok(self.hand_out_unpublished(token, Moment::now()));
            }
            if !self.has_time_after(wait) {
                let message = "the token store cannot be used, and this process fetched a token without it shortly \
                               before; it does so at most once in 10 seconds";
                let error = self.error(TokenErrorKind::Throttled, message);
                return Err(error.with_retry_after(wait));
            }
            // Settled now: the other processes must not wait during the pause.
            drop(lost.take());
            sleep(wait).await;
        }
        if self.is_over() {
            return Err(self.too_late());
        }
        // Counted before the request, so that a failed one counts too.
        self.member.local().limiter.fetches(Instant::now());
        self.member.tell(&StoreEvent::WentAlone {});
        let requested = self.request().await;
        if let (Err(error), Some(lost)) = (&requested, &mut lost) {
            // A request that was cut short says nothing about the endpoint.
            let is_cut = error.kind() == TokenErrorKind::TimedOut;
            lost.cool_down(cooldown_after(error).filter(|_| !is_cut));
        }
        let (issued, taken) = requested?;
        self.member
            .local()
            .keep_unpublished(&self.key, issued.clone(), taken);
        Ok(self.hand_out_unpublished(issued, taken))
    }
}

/// The tokens for the cache.
impl<S: ShareableSource> Round<'_, S> {
    /// Returns the token for the cache, which counts its lifetime from the
    /// begin of the fetch.
    pub(super) fn hand_out(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        let left = issued
            .remaining()
            .saturating_sub(Moment::now().since(taken));
        issued.with_remaining(left.saturating_add(self.begun.elapsed()))
    }

    /// Returns a token that only this process has, to be replaced by a shared
    /// one soon.
    fn hand_out_unpublished(&self, issued: IssuedToken, taken: Moment) -> IssuedToken {
        self.member.local().alone = true;
        self.hand_out(issued, taken).with_check_in(check_after())
    }

    /// Returns the current token of this process instead of a new one, if it
    /// suits for now.
    pub(super) fn stay(&self) -> Option<IssuedToken> {
        let spare = self.member.spare(Some(&self.key), &self.cx)?;
        Some(self.hand_out(spare, Moment::now()))
    }
}

/// The errors for the cache, when a fetch gets no token.
impl<S: ShareableSource> Round<'_, S> {
    /// The cooldown of the endpoint outlasts the fetch.
    pub(super) fn in_cooldown(&self, left: Duration) -> TokenError {
        let message = "the token endpoint throttled or failed another process with the same client, so no process \
                       calls it for a while; try again later";
        self.error(TokenErrorKind::Throttled, message)
            .with_retry_after(left)
    }

    /// Neither this process nor a leader got a token before the deadline.
    pub(super) fn none_in_time(&self) -> TokenError {
        let message = "other processes with the same client were fetching a token, and none arrived in time; check \
                       that they can reach the token endpoint";
        self.error(TokenErrorKind::TimedOut, message)
    }

    /// No time is left for a request.
    fn too_late(&self) -> TokenError {
        let message = "no token was requested, since the credentials, the token store or a blocked thread had used up \
                       the time; look at these, or allow more with `CacheSettings::with_deadline`";
        self.error(TokenErrorKind::TimedOut, message)
    }

    /// The request was cut off by this setting.
    fn endpoint_timed_out(&self, setting: &str) -> TokenError {
        let message = format!(
            "the token endpoint did not answer in time; check that it can be reached from here (proxy, \
             firewall), or allow more time with `{setting}`"
        );
        self.error(TokenErrorKind::TimedOut, message)
    }

    fn error(&self, kind: TokenErrorKind, message: impl Into<Cow<'static, str>>) -> TokenError {
        TokenError::new(kind, message).with_login_host_of(self.source.login_host())
    }
}
