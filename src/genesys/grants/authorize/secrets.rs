//! The `state` and the PKCE verifier, which tie the end of a login to its
//! beginning.

use std::{fmt, io};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::genesys::{ConfigError, ConfigErrorKind};

/// The `state` of a login. It shows that the redirect at the end belongs to the
/// same login, and so guards against forged redirects (RFC 6749, section
/// 10.12).
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
    /// Generates a state of 256 random bits from the operating system.
    ///
    /// # Errors
    ///
    /// Fails if the operating system provides no randomness.
    pub fn generate() -> io::Result<Self> {
        random().map(|text| Self { text })
    }

    /// One that was made before.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self { text: text.into() }
    }

    /// Reports whether the parameter `state` of a redirect is this one. If not,
    /// discard the redirect. An empty state matches nothing.
    ///
    /// Its duration does not reveal where the two differ.
    pub fn matches(&self, returned: &str) -> bool {
        let (own, returned) = (self.expose().as_bytes(), returned.as_bytes());
        let same = own
            .iter()
            .zip(returned)
            .fold(0, |bits, (a, b)| bits | (a ^ b))
            == 0;
        same && own.len() == returned.len() && !own.is_empty()
    }

    /// Returns the state itself.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginState").finish_non_exhaustive()
    }
}

/// The secret that ties a login to the process that began it (PKCE, RFC 7636).
///
/// The login begins with its [`challenge`](Self::challenge), and the exchange
/// of the code requires the verifier itself, so a stolen code is useless.
/// Generate one per login, keep it where only the person who logs in can reach
/// it, such as a session on the server, and use it once.
///
/// ```
/// use tower_genesys::genesys::grants::PkceVerifier;
///
/// let verifier = PkceVerifier::generate()?;
/// let kept = verifier.expose().to_owned(); // in the session, until the login comes back
/// assert_eq!(PkceVerifier::new(kept)?.challenge(), verifier.challenge());
/// # Ok::<(), tower_genesys::BoxError>(())
/// ```
#[derive(Clone)]
pub struct PkceVerifier {
    text: SecretString,
}

impl PkceVerifier {
    /// Generates a verifier of 256 random bits from the operating system, as
    /// RFC 7636 recommends (section 4.1): 43 characters.
    ///
    /// # Errors
    ///
    /// Fails if the operating system provides no randomness.
    pub fn generate() -> io::Result<Self> {
        Ok(Self { text: random()? })
    }

    /// One that was made before.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Verifier`] when it is not 43 to 128 letters, digits,
    /// `-`, `.`, `_` and `~` of ASCII (RFC 7636, section 4.1).
    pub fn new(text: impl Into<SecretString>) -> Result<Self, ConfigError> {
        let text = text.into();
        let bytes = text.expose_secret().as_bytes();
        let unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if !(43..=128).contains(&bytes.len()) || !bytes.iter().all(unreserved) {
            return Err(ConfigError::new(
                ConfigErrorKind::Verifier,
                "a PKCE verifier has 43 to 128 letters, digits, `-`, `.`, `_` and `~`; give one \
                 that `PkceVerifier::generate` has made, unchanged",
            ));
        }
        Ok(Self { text })
    }

    /// Returns the challenge of the method `S256`: the SHA-256 of the verifier,
    /// in unpadded base64url.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose()))
    }

    /// Returns the verifier itself.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PkceVerifier").finish_non_exhaustive()
    }
}

/// 256 bits from the operating system, in 43 characters that any URL can hold.
fn random() -> io::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(encode(bytes).into())
}

fn encode(bytes: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_matches_itself_alone() {
        let state = LoginState::new("abc");
        assert!(state.matches("abc"));
        for other in ["", "ab", "abcd", "abd", "bbc", "ABC"] {
            assert!(!state.matches(other), "{other:?}");
        }
        assert!(!LoginState::new("").matches(""));
    }

    #[test]
    fn a_new_state_is_unlike_the_last_and_never_shown() {
        let (state, other) = (
            LoginState::generate().unwrap(),
            LoginState::generate().unwrap(),
        );
        assert_eq!(state.expose().len(), 43);
        assert!(!state.matches(other.expose()));
        assert!(!format!("{state:?}").contains(state.expose()));
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let text = encode(octets);
        assert_eq!(text, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let verifier = PkceVerifier::new(text).unwrap();
        assert_eq!(
            verifier.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_new_verifier_is_well_formed_unlike_the_last_and_never_shown() {
        let verifier = PkceVerifier::generate().unwrap();
        let other = PkceVerifier::generate().unwrap();
        assert_eq!(verifier.expose().len(), 43);
        assert!(PkceVerifier::new(verifier.expose()).is_ok());
        assert_ne!(verifier.expose(), other.expose());
        assert!(!format!("{verifier:?}").contains(verifier.expose()));
    }

    #[test]
    fn only_43_to_128_unreserved_characters_are_a_verifier() {
        for (text, good) in [
            ("a".repeat(42), false),
            ("~".repeat(43), true),
            ("-._~aZ09".repeat(16), true),
            ("a".repeat(129), false),
            (format!("{}+", "a".repeat(50)), false),
            (format!("{}\n", "a".repeat(50)), false),
            ("ä".repeat(50), false),
        ] {
            let result = PkceVerifier::new(text.clone());
            assert_eq!(result.is_ok(), good, "{text:?}");
            if let Err(error) = result {
                assert!(!format!("{error} {error:?}").contains(&text));
            }
        }
    }
}
