use std::borrow::Cow;

use super::{
    Login,
    one_time::{Absent, Gone},
};
use crate::{
    BoxError,
    token::{TokenError, TokenErrorKind},
};

/// Why a login gives no token.
impl<C, P, B> Login<C, P, B> {
    pub(super) fn absent(&self, absent: Absent) -> TokenError {
        let why = match absent {
            Absent::InUse => {
                return self.error(
                    TokenErrorKind::Busy,
                    "another request is using the login, which can be used once only; ask again \
                     when that one is over",
                );
            }
            Absent::Gone(Gone::Refused) => {
                "the login is over: the code or refresh token was refused (invalid_grant), and is \
                 not sent again"
            }
            Absent::Gone(Gone::Interrupted) => {
                "the login is lost: a request with the code or refresh token was dropped before its \
                 answer came (time-out?), so that it may be spent, and is not sent a second time"
            }
            Absent::Gone(Gone::Unanswered) => {
                "the login is lost: a request with the code or refresh token was sent, and no \
                 usable answer came, so that it may be spent, and is not sent a second time"
            }
            Absent::Gone(Gone::CutOff) => {
                "the login may be lost: a request with the code or refresh token was sent, and no \
                 answer came in time, so that it may be spent, and is not sent a second time; allow a \
                 slow token endpoint more with `CacheSettings::with_deadline`"
            }
            Absent::Gone(Gone::Marked) => {
                "the login may be lost: the stored refresh token is marked as in use, by a process that \
                 ended before its answer came or is waiting for it now, so that it may be spent, and is \
                 not sent (`RefreshToken::with_try_of_marked_token` sends it once)"
            }
            Absent::Gone(Gone::Replaced) => {
                return self.error(
                    TokenErrorKind::LoginRequired,
                    "this process's refresh token is spent: another process has renewed the login, \
                     and the store holds a newer refresh token; read the store again, and give the \
                     refresh token to `LoginHandle::replace`",
                );
            }
            Absent::Gone(Gone::NoRefreshToken) => {
                "the login cannot be renewed: no refresh token came with it (PKCE without a secret, \
                 or an organisation with an inactivity timeout)"
            }
        };
        let message = format!("{why}; log in again, and give the result to `LoginHandle`");
        self.error(TokenErrorKind::LoginRequired, message)
    }

    pub(super) fn replaced(&self) -> TokenError {
        self.error(
            TokenErrorKind::Busy,
            "the login was replaced while a token was asked for by the old one; ask again",
        )
    }

    pub(super) fn not_persisted(&self, error: BoxError) -> TokenError {
        let message = "the new refresh token could not be stored (see the cause); it is kept in \
                       memory, and is lost if the process ends before storing works again";
        self.error(TokenErrorKind::NotPersisted, message)
            .with_source(error)
    }

    pub(super) fn too_late(&self) -> TokenError {
        let message = "the refresh token or code was not sent, since the credentials, the HTTP client or the store have left \
                       too little time for an answer; the login is kept, look at these, or allow more with \
                       `CacheSettings::with_deadline`";
        self.error(TokenErrorKind::TimedOut, message)
    }

    pub(super) fn not_marked(&self, error: BoxError) -> TokenError {
        let message = "the stored refresh token could not be marked as in use (see the cause), and was not sent: if the \
                       process ended then, the next one would send it a second time; the login is kept, repair the store";
        self.error(TokenErrorKind::NotMarked, message)
            .with_source(error)
    }

    fn error(&self, kind: TokenErrorKind, message: impl Into<Cow<'static, str>>) -> TokenError {
        TokenError::new(kind, message).with_login_host(self.endpoint.login_host())
    }
}
