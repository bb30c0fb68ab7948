use std::{fmt, io};

use secrecy::{ExposeSecret, SecretString};

use super::random;

/// The `state` of a login, by which the redirect at its end is known to belong to its beginning:
/// the guard against a forged one (RFC 6749, section 10.12).
///
/// ```
/// use tower_genesys::genesys::grants::LoginState;
///
/// let state = LoginState::generate()?;
/// let kept = state.expose().to_owned(); // in the session, until the login comes back
/// # let came_back = kept.clone();
/// assert!(LoginState::new(kept).matches(&came_back));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LoginState {
    text: SecretString,
}

impl LoginState {
    /// A new one, of 256 random bits from the operating system.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> io::Result<Self> {
        random::text().map(|text| Self { text })
    }

    /// One that was made before.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self { text: text.into() }
    }

    /// Whether the parameter `state` of a redirect is this one. If not, throw the redirect away. An
    /// empty one matches nothing.
    ///
    /// How long it takes tells nothing about where the two differ.
    pub fn matches(&self, returned: &str) -> bool {
        let (own, returned) = (self.expose().as_bytes(), returned.as_bytes());
        let same = own
            .iter()
            .zip(returned)
            .fold(0, |bits, (a, b)| bits | (a ^ b))
            == 0;
        same && own.len() == returned.len() && !own.is_empty()
    }

    /// The state itself.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginState").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_itself_alone() {
        let state = LoginState::new("abc");
        assert!(state.matches("abc"));
        for other in ["", "ab", "abcd", "abd", "bbc", "ABC"] {
            assert!(!state.matches(other), "{other:?}");
        }
        assert!(!LoginState::new("").matches(""));
    }

    #[test]
    fn a_new_one_is_unlike_the_last_and_never_shown() {
        let (state, other) = (
            LoginState::generate().unwrap(),
            LoginState::generate().unwrap(),
        );
        assert_eq!(state.expose().len(), 43);
        assert!(!state.matches(other.expose()));
        assert!(!format!("{state:?}").contains(state.expose()));
    }
}
