//! The beginning of a login: the URL of its page, and the two secrets that tie
//! the redirect at the end to it.

use std::{fmt, io};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::genesys::{ConfigError, ConfigErrorKind, Region};

/// The URL of the login page, `https://login.<domain>/oauth/authorize`. Send
/// the person there.
///
/// Genesys Cloud redirects the person back to the redirect URI with `code` and
/// `state`. First check the state ([`LoginState::matches`]), then pass the code
/// to a [`LoginCode`](crate::genesys::grants::LoginCode).
///
/// ```
/// use tower_genesys::{
///     Region, genesys::grants::{AuthorizeUrl, LoginState, PkceVerifier},
/// };
///
/// let state = LoginState::generate()?;
/// let verifier = PkceVerifier::generate()?;
/// let callback = "https://app.example/callback";
/// let url = AuthorizeUrl::new(&Region::EU_WEST_1, "my-client-id", callback)
///     .with_state(&state)
///     .with_pkce(&verifier)
///     .to_string();
/// let page = "https://login.mypurecloud.ie/oauth/authorize?";
/// assert!(url.starts_with(page));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// `Display` writes the percent-encoded URL; `Debug` omits the state.
#[derive(Clone)]
#[must_use = "the URL is what `to_string` returns"]
pub struct AuthorizeUrl {
    base: String,
    query: Vec<(String, String)>,
}

impl AuthorizeUrl {
    /// Returns the URL for this client, with `response_type=code`. The redirect
    /// URI must be one that the client lists in Genesys Cloud.
    pub fn new(
        region: &Region,
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        let login = region.login_base().to_string();
        let url = Self {
            base: format!("{}/oauth/authorize", login.trim_end_matches('/')),
            query: Vec::new(),
        };
        url.with_parameter("response_type", "code")
            .with_parameter("client_id", client_id)
            .with_parameter("redirect_uri", redirect_uri)
    }

    /// Adds the `state` that the redirect returns. Always set it: it guards
    /// against forged redirects.
    pub fn with_state(self, state: &LoginState) -> Self {
        self.with_parameter("state", state.expose())
    }

    /// Adds the challenge of this verifier, by the method `S256`.
    pub fn with_pkce(self, verifier: &PkceVerifier) -> Self {
        self.with_parameter("code_challenge", verifier.challenge())
            .with_parameter("code_challenge_method", "S256")
    }

    /// Sets any other parameter, such as `org` and `provider`, which skip the
    /// choice of them. The one set last counts.
    ///
    /// The browser's address bar and logs show the whole URL, so it must hold
    /// no secrets.
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.query.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.query.push((name, value)),
        }
        self
    }
}

impl fmt::Display for AuthorizeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.query)
            .finish();
        write!(f, "{}?{query}", self.base)
    }
}

impl fmt::Debug for AuthorizeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.query.iter().map(|(name, _)| name).collect();
        f.debug_struct("AuthorizeUrl")
            .field("base", &self.base)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}

/// The `state` of a login. It shows that the redirect at the end belongs to the
/// same login, and so guards against forged redirects (RFC 6749, section
/// 10.12).
///
/// ```
/// use tower_genesys::genesys::grants::LoginState;
///
/// let state = LoginState::generate()?;
/// let kept = state.expose().to_owned(); // in the session
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

    /// Returns a state that [`generate`](Self::generate) made, such as the one
    /// that the session kept.
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self { text: text.into() }
    }

    /// Reports whether the parameter `state` of a redirect is this one. If not,
    /// discard the redirect. An empty state matches nothing.
    ///
    /// Its duration does not reveal where the two differ.
    pub fn matches(&self, returned: &str) -> bool {
        let (own, returned) = (self.expose().as_bytes(), returned.as_bytes());
        // Folds over all bytes: an early return would show how many of them
        // match.
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
/// let kept = verifier.expose().to_owned(); // in the session
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

    /// Returns a verifier that [`generate`](Self::generate) made, such as the
    /// one that the session kept.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Verifier`] if it is not 43 to 128 letters, digits,
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

/// Returns 256 bits from the operating system, in 43 characters that any URL
/// can hold.
fn random() -> io::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(encode(bytes).into())
}

fn encode(bytes: [u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
