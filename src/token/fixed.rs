use std::future::{Ready, ready};

use super::{AccessToken, Generation, Rejection, TokenError, TokenErrorKind, TokenProvider};

/// A token that other code keeps valid: it never changes, and a 401 renews
/// nothing.
///
/// ```
/// use tower_genesys::token::{FixedToken, Rejection, TokenProvider};
///
/// let tokens = FixedToken::new("s3cr3t")?;
/// let token = tokens.try_current().expect("a fixed token is always there");
/// assert_eq!(token.header_value(), "Bearer s3cr3t");
/// let rejection = tokens.report_rejected(token.generation());
/// assert_eq!(rejection, Rejection::CannotRenew);
/// # Ok::<(), tower_genesys::TokenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedToken {
    token: AccessToken,
}

impl FixedToken {
    /// Wraps this token, which must not include the word `Bearer`.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Malformed`] if the token is empty, or has a character
    /// other than visible ASCII.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        let token = AccessToken::new(token, Generation::NONE.next())?;
        Ok(Self { token })
    }
}

impl TokenProvider for FixedToken {
    type Wait = Ready<Result<AccessToken, TokenError>>;

    fn try_current(&self) -> Option<AccessToken> {
        Some(self.token.clone())
    }

    fn wait(&self, past: Generation) -> Self::Wait {
        ready(if past < self.token.generation() {
            Ok(self.token.clone())
        } else {
            Err(TokenError::new(
                TokenErrorKind::NotRenewable,
                "the token was not renewed: the API refused it, and a `FixedToken` never changes; use \
                 another token, or a `TokenCache`",
            ))
        })
    }

    fn report_rejected(&self, _generation: Generation) -> Rejection {
        Rejection::CannotRenew
    }
}
