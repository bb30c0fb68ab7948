use std::fmt;

use bytes::Bytes;
use http::HeaderValue;

use super::{TokenError, TokenErrorKind};

/// The start of each header value.
const SCHEME: &str = "Bearer ";

/// An access token, ready to send.
///
/// It contains the finished `Authorization` value, marked sensitive, so that
/// reading and sending it neither format nor allocate. A clone increments a
/// reference count. `Debug` shows the generation only.
///
/// ```
/// use http::{Request, header::AUTHORIZATION};
/// use tower_genesys::{TokenError, token::{FixedToken, TokenProvider}};
///
/// let tokens = FixedToken::new("s3cr3t")?;
/// let token = tokens.try_current().expect("a fixed token is always there");
/// let mut request = Request::get("/api/v2/users").body(()).unwrap();
/// let value = token.into_header_value();
/// request.headers_mut().insert(AUTHORIZATION, value);
/// assert_eq!(request.headers()[AUTHORIZATION], "Bearer s3cr3t");
/// assert!(!format!("{request:?}").contains("s3cr3t"));
/// # Ok::<(), TokenError>(())
/// ```
#[derive(Clone)]
pub struct AccessToken {
    /// `Bearer`, a space and the token, marked sensitive.
    header: HeaderValue,
    generation: Generation,
}

/// The ordinal of a token among those that one cache has adopted.
///
/// It distinguishes a refused token from its replacement, and has no meaning
/// outside the process.
///
/// [`FixedToken`](super::FixedToken) has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl AccessToken {
    /// Creates a token that can be sent.
    ///
    /// # Errors
    ///
    /// [`TokenErrorKind::Malformed`] if the token is empty, or has a character
    /// other than visible ASCII. A header cannot carry such a token (RFC 6750,
    /// section 2.1), and a line break could inject a header.
    pub(crate) fn new(secret: &str, generation: Generation) -> Result<Self, TokenError> {
        if secret.is_empty() {
            return Err(malformed("the access token is empty; ask for another one"));
        }
        // A caller who writes the whole header value needs another remedy than
        // one whose token endpoint returned garbage.
        let scheme = secret.get(..SCHEME.len()).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(malformed(
                "the access token begins with the word `Bearer`; give the token alone",
            ));
        }
        if !Self::is_sendable(secret) {
            return Err(malformed(
                "the access token contains a space, a control character or a character outside of \
                 ASCII, and cannot be sent; ask for another one",
            ));
        }
        // `Bytes` with a single owner allocate at their first clone. Cloning
        // here spares the first request that allocation.
        let value = Bytes::from([SCHEME.as_bytes(), secret.as_bytes()].concat()).clone();
        let mut header = HeaderValue::from_maybe_shared(value)
            .map_err(|error| malformed("the access token cannot be sent").with_source(error))?;
        header.set_sensitive(true);
        Ok(Self { header, generation })
    }

    /// Returns whether the text is one or more characters of visible ASCII.
    pub(crate) fn is_sendable(secret: &str) -> bool {
        !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Copies the token into bytes, with a reference count, that no other clone
    /// shares.
    pub(crate) fn detached(&self) -> Option<Self> {
        Self::new(self.expose(), self.generation).ok()
    }

    /// Returns the value for the `Authorization` header: `Bearer`, a space and
    /// the token.
    pub fn header_value(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Converts the token into its header value, without touching the reference
    /// count.
    pub fn into_header_value(self) -> HeaderValue {
        self.header
    }

    /// Returns the token's ordinal in its cache.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the token itself. Handle it like a password.
    pub fn expose(&self) -> &str {
        let value = self.header.to_str().unwrap_or_default();
        value.strip_prefix(SCHEME).unwrap_or_default()
    }
}

impl Generation {
    /// Before the first token: every token is newer.
    pub const NONE: Self = Self(0);

    /// Returns the number of tokens that the cache has adopted, including this
    /// one. Zero for [`NONE`](Self::NONE).
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the generation of the next token.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The error of a token that no header can carry. It never shows the token.
fn malformed(message: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sent_as_bearer_and_never_shown() {
        let token = AccessToken::new("s3cr3t", Generation::NONE).unwrap();
        assert_eq!(token.header_value(), "Bearer s3cr3t");
        assert!(token.header_value().is_sensitive());
        assert_eq!(token.expose(), "s3cr3t");
        assert_eq!(token.clone().into_header_value(), token.header_value());
        let detached = token.detached().unwrap();
        assert_eq!(detached.header_value(), token.header_value());
        assert!(detached.header_value().is_sensitive());
        assert_ne!(detached.expose().as_ptr(), token.expose().as_ptr());
        assert!(!format!("{token:?}").contains("s3cr3t"));
    }

    #[test]
    fn refuses_what_a_header_cannot_carry() {
        for secret in ["", "a\r\nx-evil: 1", "a b", "a\0", "ä"] {
            let error = AccessToken::new(secret, Generation::NONE).unwrap_err();
            assert_eq!(error.kind(), TokenErrorKind::Malformed, "{secret:?}");
            assert!(secret.is_empty() || !error.to_string().contains(secret));
        }
    }

    #[test]
    fn a_whole_header_value_is_told_from_a_broken_token() {
        for secret in ["Bearer s3cr3t", "bearer s3cr3t"] {
            let error = AccessToken::new(secret, Generation::NONE).unwrap_err();
            assert!(error.to_string().contains("the token alone"), "{error}");
        }
        assert!(AccessToken::new("Bearer", Generation::NONE).is_ok());
    }
}
