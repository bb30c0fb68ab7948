use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What a [`LoginFile`](super::LoginFile) holds: a refresh token, and whether
/// it is in use.
///
/// `Debug` does not show the token.
///
/// An example is at [`LoginFile`](super::LoginFile).
#[derive(Clone)]
pub struct StoredLogin {
    pub(super) token: SecretString,
    pub(super) in_use: bool,
}

impl StoredLogin {
    /// Returns the refresh token, for
    /// [`RefreshToken::new`](crate::genesys::grants::RefreshToken::new) and
    /// [`LoginHandle::replace`](crate::genesys::grants::LoginHandle::replace).
    pub fn into_token(self) -> SecretString {
        self.token
    }

    /// Whether a process has marked the refresh token, and not yet stored the
    /// next one: it waits for the answer, or it has ended before the answer
    /// came.
    pub const fn is_in_use(&self) -> bool {
        self.in_use
    }

    pub(super) fn is_of(&self, token: &str) -> bool {
        self.token.expose_secret() == token
    }
}

impl fmt::Debug for StoredLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredLogin")
            .field("in_use", &self.in_use)
            .finish_non_exhaustive()
    }
}
