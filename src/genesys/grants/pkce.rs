use std::{fmt, io};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::random;
use crate::genesys::{ConfigError, ConfigErrorKind};

/// The secret that ties a login to the process that began it (PKCE, RFC 7636).
///
/// The login begins with its [`challenge`](Self::challenge), and the code is exchanged with the
/// verifier itself: a code that was stolen on the way is worth nothing. Make one per login, keep it
/// where only the one who logs in can get at it, such as a session on the server, and use it once.
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
    /// A new one, of 256 random bits from the operating system, as RFC 7636 recommends (section
    /// 4.1): 43 characters.
    ///
    /// # Errors
    ///
    /// When the operating system has no randomness to give.
    pub fn generate() -> io::Result<Self> {
        Ok(Self {
            text: random::text()?,
        })
    }

    /// One that was made before.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Verifier`] when it is not 43 to 128 letters, digits, `-`, `.`, `_` and
    /// `~` of ASCII (RFC 7636, section 4.1).
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

    /// The challenge of the method `S256`: the SHA-256 of the verifier, as base 64 for URLs without
    /// padding.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose()))
    }

    /// The verifier itself.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PkceVerifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let text = random::encode(octets);
        assert_eq!(text, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let verifier = PkceVerifier::new(text).unwrap();
        assert_eq!(
            verifier.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_new_one_is_well_formed_unlike_the_last_and_never_shown() {
        let verifier = PkceVerifier::generate().unwrap();
        let other = PkceVerifier::generate().unwrap();
        assert_eq!(verifier.expose().len(), 43);
        assert!(PkceVerifier::new(verifier.expose()).is_ok());
        assert_ne!(verifier.expose(), other.expose());
        assert!(!format!("{verifier:?}").contains(verifier.expose()));
    }

    #[test]
    fn only_43_to_128_unreserved_characters_are_one() {
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
