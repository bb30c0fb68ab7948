use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{LoginRedirectError, LoginState, form::Form, login_redirect, pkce::PkceVerifier};

/// The code that a login came back with, and what belongs to it. It is good once, for some minutes.
///
/// `Debug` shows where the login came back to, and neither code nor verifier.
///
/// An example is at [`AuthorizationCode`](super::AuthorizationCode).
#[derive(Clone)]
pub struct LoginCode {
    code: SecretString,
    redirect_uri: Box<str>,
    verifier: Option<PkceVerifier>,
}

impl LoginCode {
    /// The parameter `code` of the redirect, and the URI that it came to, exactly as it was given
    /// to [`AuthorizeUrl`](super::AuthorizeUrl).
    pub fn new(code: impl Into<SecretString>, redirect_uri: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            redirect_uri: redirect_uri.into().into(),
            verifier: None,
        }
    }

    /// The verifier whose challenge the login began with.
    #[must_use]
    pub fn with_verifier(mut self, verifier: PkceVerifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Reads the redirect that ends a login: checks its `state`, and takes its `code`.
    ///
    /// `query` is what follows the `?` in the URI of the request, and `redirect_uri` the URI exactly
    /// as it was given to [`AuthorizeUrl`](super::AuthorizeUrl).
    ///
    /// ```
    /// use tower_genesys::genesys::grants::{LoginCode, LoginRedirectErrorKind, LoginState};
    ///
    /// let (callback, state) = ("http://127.0.0.1:8421/callback", LoginState::new("abc"));
    /// let code = LoginCode::from_redirect("code=xyz&state=abc", callback, &state)?;
    ///
    /// let error = LoginCode::from_redirect("code=xyz&state=abd", callback, &state).unwrap_err();
    /// assert_eq!(error.kind(), LoginRedirectErrorKind::State);
    /// # Ok::<(), tower_genesys::genesys::grants::LoginRedirectError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoginRedirectErrorKind`](super::LoginRedirectErrorKind) has a kind for a state that does not
    /// match, an error of the authorization server, and a missing code. The state is checked first:
    /// a forged redirect is [`State`](super::LoginRedirectErrorKind::State), whatever else it says.
    pub fn from_redirect(
        query: &str,
        redirect_uri: impl Into<String>,
        state: &LoginState,
    ) -> Result<Self, LoginRedirectError> {
        let code = login_redirect::code(query, state)?;
        Ok(Self::new(code, redirect_uri))
    }

    pub(super) fn form(&self) -> Form<'_> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", self.code.expose_secret()),
            ("redirect_uri", &*self.redirect_uri),
        ];
        let verifier = self.verifier.as_ref();
        form.extend(verifier.map(|verifier| ("code_verifier", verifier.expose())));
        form
    }
}

impl fmt::Debug for LoginCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginCode")
            .field("redirect_uri", &self.redirect_uri)
            .field("pkce", &self.verifier.is_some())
            .finish_non_exhaustive()
    }
}
