use std::time::Duration;

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
        Ok((within_bounds(issued), taken))
    }

    fn unanswered(&self, setting: &str) -> TokenError {
        let message = format!(
            "the token endpoint did not answer in time; check that it can be reached from here (proxy, \
             firewall), or allow it more with `{setting}`"
        );
        self.error(TokenErrorKind::TimedOut, message)
    }
}

/// A token without a life is used for two seconds by the cache, and by the others too: a fleet that
/// could not keep one would ask for them in a loop. One that seems to live for ever gets what the
/// cache takes for the longest life, which every store can keep and no sum exceeds.
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
