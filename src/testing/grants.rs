//! The grants: which are allowed, and the codes and refresh tokens that are
//! issued and not yet used.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::data::Random;

/// An OAuth grant, as the `grant_type` of a token request names it.
///
/// ```
/// use tower_genesys::{Credentials, Org};
/// use tower_genesys::testing::{Grant, MockGenesys};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new();
/// // All other grants fail with `unauthorized_client`.
/// mock.allow_grants([Grant::AuthorizationCode]);
///
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// let org = Org::builder(mock.region()).credentials(keys);
/// let org = org.build(mock.http_client())?;
/// let error = org.tokens().token().await.unwrap_err();
/// assert!(error.to_string().contains("unauthorized_client"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Grant {
    /// `client_credentials`
    ClientCredentials,
    /// `authorization_code`, with or without PKCE.
    AuthorizationCode,
    /// `refresh_token`
    RefreshToken,
    /// `urn:ietf:params:oauth:grant-type:saml2-bearer`
    Saml2Bearer,
}

impl Grant {
    pub(super) const ALL: [Self; 4] = [
        Self::ClientCredentials,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::Saml2Bearer,
    ];

    /// Finds a grant by its `grant_type`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }

    /// Returns its `grant_type`.
    fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::Saml2Bearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
        }
    }
}

/// Codes and refresh tokens that were issued and not used yet, by their text.
pub(super) struct Grants {
    /// The grants that clients may use.
    pub(super) allowed: Vec<Grant>,
    codes: HashMap<String, Code>,
    /// Each with the client that it belongs to.
    refresh_tokens: HashMap<String, String>,
}

/// What a code was issued for; a token request must repeat it.
struct Code {
    client: String,
    redirect_uri: String,
    /// The PKCE challenge of the login, if it had one.
    challenge: Option<String>,
}

impl Grants {
    pub(super) fn new() -> Self {
        Self {
            allowed: Grant::ALL.to_vec(),
            codes: HashMap::new(),
            refresh_tokens: HashMap::new(),
        }
    }

    /// Issues a code for a login of this client.
    pub(super) fn issue_code(
        &mut self,
        random: &mut Random,
        client: &str,
        redirect_uri: &str,
        challenge: Option<&str>,
    ) -> String {
        let text = random.token();
        let code = Code {
            client: client.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.map(str::to_owned),
        };
        self.codes.insert(text.clone(), code);
        text
    }

    /// Uses up a code, even if the other parameters are wrong: a code works for
    /// one request only.
    pub(super) fn redeem_code(
        &mut self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<(), &'static str> {
        let code = self.codes.remove(code).ok_or("code is not valid")?;
        if code.client != client {
            return Err("code was issued to another client");
        }
        if code.redirect_uri != redirect_uri {
            return Err("redirect_uri does not match");
        }
        // Both or neither: a verifier without a challenge is a downgrade (RFC
        // 9700, section 4.8.2).
        match (&code.challenge, verifier) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => Ok(()),
            _ => Err("code_verifier does not match"),
        }
    }

    /// Issues a refresh token.
    pub(super) fn issue_refresh_token(&mut self, random: &mut Random, client: &str) -> String {
        let text = random.token();
        self.refresh_tokens.insert(text.clone(), client.to_owned());
        text
    }

    /// Uses up a refresh token of this client.
    pub(super) fn redeem_refresh_token(&mut self, text: &str, client: &str) -> bool {
        // A token of another client stays valid for its owner.
        let owned = self
            .refresh_tokens
            .get(text)
            .is_some_and(|own| own == client);
        owned && self.refresh_tokens.remove(text).is_some()
    }
}

/// Derives the challenge of a verifier (RFC 7636, section 4.6).
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            s256(verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
