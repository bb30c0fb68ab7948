use std::{fmt, sync::Arc};

use secrecy::SecretString;

use super::one_time::{Grant, Slot};
use crate::genesys::grants::LoginCode;

/// A handle that gives a source a new login, after the person has logged in
/// again.
///
/// [`RefreshToken::handle`](crate::genesys::grants::RefreshToken::handle) and
/// [`AuthorizationCode::handle`](crate::genesys::grants::AuthorizationCode::handle)
/// return it. Call them before you move the source into a cache. A clone refers
/// to the same source.
///
/// After a [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired), a
/// cache pauses before it asks its source again: 5 seconds at first, and up to
/// 5 minutes.
///
/// A request that is under way meanwhile belongs to the old login: its result
/// is thrown away, with a [`Busy`](crate::token::TokenErrorKind::Busy) for who
/// waits for it.
///
/// An example is at
/// [`AuthorizationCode`](crate::genesys::grants::AuthorizationCode).
#[derive(Clone)]
pub struct LoginHandle {
    slot: Arc<Slot>,
}

impl LoginHandle {
    pub(super) fn new(slot: &Arc<Slot>) -> Self {
        Self {
            slot: Arc::clone(slot),
        }
    }

    /// Goes on with this refresh token. If the source has a store, the next
    /// fetch stores it first.
    pub fn replace(&self, refresh_token: impl Into<SecretString>) {
        self.slot.replace(Grant::unstored(refresh_token.into()));
    }

    /// Goes on with this code, which the next fetch exchanges.
    pub fn replace_code(&self, code: LoginCode) {
        self.slot.replace(Grant::Code(code));
    }

    /// Whether a fetch can only answer
    /// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired). The
    /// token that was fetched last may be valid for a while longer.
    pub fn is_login_required(&self) -> bool {
        self.slot.is_gone()
    }
}

impl fmt::Debug for LoginHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginHandle")
            .field("grant", &self.slot)
            .finish_non_exhaustive()
    }
}
