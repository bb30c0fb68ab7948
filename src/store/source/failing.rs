use std::{borrow::Cow, time::Duration};

use super::round::Round;
use crate::{
    store::ShareableSource,
    token::{TokenError, TokenErrorKind},
};

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
