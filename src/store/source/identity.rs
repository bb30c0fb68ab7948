use tokio::time::{Instant, timeout_at};

use super::{SharedSource, link::Link, time::limit};
use crate::{
    store::{ShareableSource, StoreKey},
    token::{FetchContext, IssuedToken, Reason, TokenError, TokenErrorKind},
};

impl<S: ShareableSource> SharedSource<S> {
    /// Whose token it will be, under the time-out of a request: the credentials may be in a vault
    /// that hangs.
    pub(super) async fn identify(
        &self,
        cx: &FetchContext,
    ) -> Result<(StoreKey, S::Identity), TokenError> {
        let deadline = Instant::now().checked_add(self.link.sharing().attempt_timeout());
        let deadline = deadline.map_or(limit(cx), |deadline| deadline.min(limit(cx)));
        let identified = timeout_at(deadline, self.source.identify()).await;
        identified.map_err(|_| self.unidentified())?
    }

    fn unidentified(&self) -> TokenError {
        let message = format!(
            "the credentials, or what else says whose token it will be, were not there in time; check where they \
             are kept, or allow it more with `{}`",
            self.link.sharing().limits_attempt_by()
        );
        TokenError::new(TokenErrorKind::TimedOut, message)
            .with_login_host_of(self.source.login_host())
    }
}

impl Link {
    /// When even the key cannot be found out: a check can wait, since its token is good.
    pub(super) fn unidentified(&self, cx: &FetchContext) -> Option<IssuedToken> {
        match cx.reason {
            Reason::Check => self.spare(None, cx),
            _ => None,
        }
    }
}
