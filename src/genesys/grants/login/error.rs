//! The ends of a login, and the errors of a fetch that returns no token.

use std::borrow::Cow;

use super::{
    Login,
    grant::{Absent, Gone, Grant},
    slot::Taken,
};
use crate::{
    BoxError,
    genesys::grants::endpoint::{Failed, Fate},
    token::{TokenError, TokenErrorKind},
};

impl<C, P, B> Login<C, P, B> {
    /// Decides about the grant of a request that failed, and returns its error.
    pub(super) fn failed(&self, taken: &mut Taken<'_>, grant: Grant, failed: Failed) -> TokenError {
        match failed.fate {
            Fate::Unspent => {
                taken.put_back(grant);
                failed.error
            }
            // The login was replaced, so the fate of its grant does not matter.
            _ if !taken.is_current() => self.replaced(),
            Fate::Refused => {
                taken.lose(Gone::Refused);
                failed.error
            }
            Fate::Unknown => {
                taken.lose(Gone::Unanswered);
                let id = failed.error.correlation_id().map(Box::<str>::from);
                let error = self
                    .absent(Absent::Gone(Gone::Unanswered))
                    .with_source(failed.error);
                match id {
                    Some(id) => error.with_correlation_id(id),
                    None => error,
                }
            }
        }
    }

    /// Gives up a grant whose request got no answer in time.
    pub(super) fn cut_off(&self, taken: &mut Taken<'_>) -> TokenError {
        if !taken.is_current() {
            return self.replaced();
        }
        self.given_up(taken, Gone::CutOff)
    }

    /// Gives up a grant, and returns the error of its fetch.
    pub(super) fn given_up(&self, taken: &mut Taken<'_>, gone: Gone) -> TokenError {
        taken.lose(gone);
        self.absent(Absent::Gone(gone))
    }

    /// Builds the error of a fetch that cannot have the grant.
    pub(super) fn absent(&self, absent: Absent) -> TokenError {
        let why = match absent {
            Absent::InUse => {
                return self.error(
                    TokenErrorKind::Busy,
                    "another request is using the code or refresh token, which can be sent only once; \
                     retry when that request has ended",
                );
            }
            Absent::Gone(Gone::Refused) => {
                "the login has ended: the code or refresh token was refused (invalid_grant), and is not \
                 resent"
            }
            Absent::Gone(Gone::Interrupted) => {
                "the login is lost: a request with the code or refresh token was dropped before its \
                 answer arrived (timeout?), so it may be used up, and is not resent"
            }
            Absent::Gone(Gone::Unanswered) => {
                "the login is lost: a request with the code or refresh token was sent, and no \
                 usable answer arrived, so it may be used up, and is not resent"
            }
            Absent::Gone(Gone::CutOff) => {
                "the login may be lost: a request with the code or refresh token was sent, and no \
                 answer arrived in time, so it may be used up, and is not resent; for a slow token \
                 endpoint, raise `CacheSettings::with_deadline`"
            }
            Absent::Gone(Gone::Marked) => {
                "the login may be lost: the stored refresh token is marked as in use, by a process that \
                 waits for its answer or ended before the answer arrived, so it may be used up, and is \
                 not sent (`RefreshToken::with_try_of_marked_token` sends it once)"
            }
            Absent::Gone(Gone::Replaced) => {
                return self.error(
                    TokenErrorKind::LoginRequired,
                    "this process's refresh token is used up: another process has renewed the login, \
                     and the store holds a newer refresh token; read the store again, and pass the \
                     refresh token to `LoginHandle::replace`",
                );
            }
            Absent::Gone(Gone::NoRefreshToken) => {
                "the login cannot be renewed: the answer held no refresh token (PKCE without a secret, \
                 or an organisation with an inactivity timeout)"
            }
        };
        let message = format!("{why}; log in again, and pass the result to `LoginHandle`");
        self.error(TokenErrorKind::LoginRequired, message)
    }

    /// Fails if the login was replaced. Then the old grant is neither sent nor
    /// stored, and its token is not returned: the new login may be another
    /// person's.
    pub(super) fn check_current(&self, taken: &Taken<'_>) -> Result<(), TokenError> {
        if taken.is_current() {
            Ok(())
        } else {
            Err(self.replaced())
        }
    }

    /// Builds the error of a fetch that a new login has overtaken.
    fn replaced(&self) -> TokenError {
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

    /// Builds the error of a fetch that has too little time left to send.
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
