use tokio::time::timeout_at;

use super::round::Round;
use crate::{
    store::ShareableSource,
    token::{IssuedToken, Moment, TokenError, TokenErrorKind},
};

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
