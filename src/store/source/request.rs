use std::{borrow::Cow, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{lease::LostClaim, pauses::cooldown_after, round::Round};
use crate::{
    store::{ShareableSource, StoreEvent},
    token::{FetchContext, IssuedToken, Moment, TokenError, TokenErrorKind},
};

/// How long before the cache's deadline an answer must be there.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);
/// The time for a request that must remain after a cooldown.
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

    pub(super) fn has_time_after(&self, wait: Duration) -> bool {
        let then = Instant::now().checked_add(wait.saturating_add(AFTER_COOLDOWN));
        then.is_some_and(|then| then < self.limit())
    }

    /// Returns whether enough time is left for a request: two seconds, or an
    /// eighth of the caller's whole time if that is shorter.
    pub(super) fn has_time_for_request(&self) -> bool {
        let whole = self.limit().saturating_duration_since(self.begun);
        let left = self.limit().saturating_duration_since(Instant::now());
        left >= AFTER_COOLDOWN.min(whole / 8)
    }
}

impl<S: ShareableSource> Round<'_, S> {
    /// Sends one request to the token endpoint, with a time-out that ends
    /// before the lease.
    pub(super) async fn request(&self) -> Result<(IssuedToken, Moment), TokenError> {
        let sharing = self.link.sharing();
        let taken = Moment::now();
        let left = self.limit().saturating_duration_since(taken.mono);
        // Time to publish, but never at the cost of the request.
        let after = sharing.operation_timeout.min(left / 4);
        let attempt = sharing.attempt_timeout();
        let setting = match attempt <= left - after {
            true => sharing.limits_attempt_by(),
            false => "CacheSettings::with_deadline",
        };
        let deadline = taken.mono + attempt.min(left - after);
        let mut cx = self.cx.clone();
        cx.deadline = deadline;
        let fetched = timeout_at(deadline, self.source.fetch_as(&self.identity, cx)).await;
        let issued = fetched.map_err(|_| self.unanswered(setting))??;
        // Bounded here, so that every process keeps the token for the same
        // time.
        Ok((issued.within_bounds(), taken))
    }

    fn unanswered(&self, setting: &str) -> TokenError {
        let message = format!(
            "the token endpoint did not answer in time; check that it can be reached from here (proxy, \
             firewall), or allow more time with `{setting}`"
        );
        self.error(TokenErrorKind::TimedOut, message)
    }
}

impl<S: ShareableSource> Round<'_, S> {
    /// Continues without the store. `lost` is a claim that the store may have
    /// granted; it is settled once this process has a token or has failed to
    /// get one.
    pub(super) async fn alone(
        &self,
        mut lost: Option<LostClaim>,
    ) -> Result<IssuedToken, TokenError> {
        if let Some(token) = self.stay() {
            return Ok(token);
        }
        let wait = self.link.local().limiter.wait(Instant::now());
        if !wait.is_zero() {
            self.link.tell(&StoreEvent::Limited { wait });
            // Outside of the condition, which would hold the lock until the end
            // of the block.
            let token = self.link.local().last_resort(&self.key, &self.cx);
            if let Some(token) = token {
                return Ok(self.hand_out_unshared(token, Moment::now()));
            }
            if !self.has_time_after(wait) {
                let message = "the token store cannot be used, and this process fetched a token without it shortly \
                               before; it does so at most once in 10 seconds";
                let error = self.error(TokenErrorKind::Throttled, message);
                return Err(error.with_retry_after(wait));
            }
            drop(lost.take());
            sleep(wait).await;
        }
        self.link.local().limiter.made(Instant::now());
        self.link.tell(&StoreEvent::WentAlone {});
        let requested = self.request().await;
        if let (Err(error), Some(lost)) = (&requested, &mut lost) {
            // A request that was cut short says nothing about the endpoint.
            let is_cut = error.kind() == TokenErrorKind::TimedOut;
            lost.cool_down(cooldown_after(error).filter(|_| !is_cut));
        }
        let (issued, taken) = requested?;
        self.link.local().keep(&self.key, issued.clone(), taken);
        Ok(self.hand_out_unshared(issued, taken))
    }
}

/// The errors for the cache, when a fetch gets no token.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn left_alone(&self, left: Duration) -> TokenError {
        let message = "the token endpoint throttled or failed another process with the same client, so no process \
                       calls it for a while; try again later";
        self.error(TokenErrorKind::Throttled, message)
            .with_retry_after(left)
    }

    pub(super) fn nobody_in_time(&self) -> TokenError {
        let message = "other processes with the same client were fetching a token, and none arrived in time; check \
                       that they can reach the token endpoint";
        self.error(TokenErrorKind::TimedOut, message)
    }

    pub(super) fn error(
        &self,
        kind: TokenErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> TokenError {
        TokenError::new(kind, message).with_login_host_of(self.source.login_host())
    }
}
