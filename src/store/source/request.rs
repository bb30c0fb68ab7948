use std::{borrow::Cow, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

use super::{lease::LostClaim, pauses::cooldown_after, round::Round};
use crate::{
    store::{ShareableSource, StoreEvent},
    token::{FetchContext, IssuedToken, Moment, TokenError, TokenErrorKind},
};

/// An answer to the cache has to be there before it stops waiting.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);
/// After a pause that the token endpoint asked for, there has to be time for a request.
const AFTER_COOLDOWN: Duration = Duration::from_secs(2);

/// When a fetch has to be over.
pub(super) fn limit(cx: &FetchContext) -> Instant {
    let limit = cx.deadline.checked_sub(BEFORE_DEADLINE);
    limit.unwrap_or(cx.deadline)
}

/// The time that a fetch has.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn limit(&self) -> Instant {
        limit(&self.cx)
    }

    pub(super) fn has_time_after(&self, wait: Duration) -> bool {
        let then = Instant::now().checked_add(wait.saturating_add(AFTER_COOLDOWN));
        then.is_some_and(|then| then < self.limit())
    }

    /// Whether there is time enough for a request. Callers with less patience than most get an
    /// eighth of theirs.
    pub(super) fn has_time_for_request(&self) -> bool {
        let whole = self.limit().saturating_duration_since(self.begun);
        let left = self.limit().saturating_duration_since(Instant::now());
        left >= AFTER_COOLDOWN.min(whole / 8)
    }
}

impl<S: ShareableSource> Round<'_, S> {
    /// One request to the token endpoint, under a time-out that ends before the lease.
    pub(super) async fn request(&self) -> Result<(IssuedToken, Moment), TokenError> {
        let sharing = self.link.sharing();
        let taken = Moment::now();
        let left = self.limit().saturating_duration_since(taken.mono);
        // To publish, but never at the cost of the request.
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
        // The other processes keep it for as long as this one does.
        Ok((issued.within_bounds(), taken))
    }

    fn unanswered(&self, setting: &str) -> TokenError {
        let message = format!(
            "the token endpoint did not answer in time; check that it can be reached from here (proxy, \
             firewall), or allow it more with `{setting}`"
        );
        self.error(TokenErrorKind::TimedOut, message)
    }
}

impl<S: ShareableSource> Round<'_, S> {
    /// Goes on without the store. A claim that it may have granted is settled as soon as there is a
    /// token, or there will be none for now.
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
            // Not in the condition, which would hold the lock until the end of the block.
            let token = self.link.local().last_resort(&self.key, &self.cx);
            if let Some(token) = token {
                return Ok(self.hand_out_unshared(token, Moment::now()));
            }
            if !self.has_time_after(wait) {
                let message = "the token store cannot be used, and this process has asked for a token by itself shortly \
                               before; it does so once in 10 seconds";
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
            // A time-out may be for want of time, and says nothing of the endpoint then.
            let is_cut = error.kind() == TokenErrorKind::TimedOut;
            lost.cool_down(cooldown_after(error).filter(|_| !is_cut));
        }
        let (issued, taken) = requested?;
        self.link.local().keep(&self.key, issued.clone(), taken);
        Ok(self.hand_out_unshared(issued, taken))
    }
}

/// What the cache is told when there is no token.
impl<S: ShareableSource> Round<'_, S> {
    pub(super) fn left_alone(&self, left: Duration) -> TokenError {
        let message = "the token endpoint has asked another process with the same client for fewer requests, or has failed \
                       it, and is left alone by all for a while";
        self.error(TokenErrorKind::Throttled, message)
            .with_retry_after(left)
    }

    pub(super) fn nobody_in_time(&self) -> TokenError {
        let message = "other processes with the same client were to get a token, and none has come in time; check that \
                       the token endpoint can be reached from there";
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
