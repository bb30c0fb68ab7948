//! The end of a login: the redirect back, and the code that it holds.

use std::{borrow::Cow, error::Error, fmt};

use secrecy::{ExposeSecret, SecretString};

use super::url::{LoginState, PkceVerifier};
use crate::genesys::grants::dialect::Form;

/// The error codes of RFC 6749, section 4.1.2.1. Anything else in a redirect is
/// not repeated.
const CODES: [&str; 7] = [
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// The code that a login returned, with its redirect URI and verifier. It is
/// valid once, for some minutes.
///
/// `Debug` shows the redirect URI, and neither code nor verifier.
///
/// [`AuthorizationCode`](crate::genesys::grants::AuthorizationCode) has an
/// example.
#[derive(Clone)]
pub struct LoginCode {
    code: SecretString,
    redirect_uri: Box<str>,
    verifier: Option<PkceVerifier>,
}

impl LoginCode {
    /// Builds it from the parameter `code` of the redirect. Pass the redirect
    /// URI exactly as you gave it to
    /// [`AuthorizeUrl`](crate::genesys::grants::AuthorizeUrl).
    pub fn new(code: impl Into<SecretString>, redirect_uri: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            redirect_uri: redirect_uri.into().into(),
            verifier: None,
        }
    }

    /// Sets the verifier whose challenge the login began with.
    #[must_use]
    pub fn with_verifier(mut self, verifier: PkceVerifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Reads the redirect that ends a login: checks its `state`, and takes its
    /// `code`.
    ///
    /// `query` is what follows the `?` in the URI of the request, and
    /// `redirect_uri` the URI exactly as it was given to
    /// [`AuthorizeUrl`](crate::genesys::grants::AuthorizeUrl).
    ///
    /// ```
    /// use tower_genesys::genesys::grants::{
    ///     LoginCode, LoginRedirectErrorKind, LoginState,
    /// };
    ///
    /// let callback = "http://127.0.0.1:8421/callback";
    /// let state = LoginState::new("abc");
    /// let query = "code=xyz&state=abc";
    /// let code = LoginCode::from_redirect(query, callback, &state)?;
    ///
    /// let forged = "code=xyz&state=abd";
    /// let forged = LoginCode::from_redirect(forged, callback, &state);
    /// let error = forged.unwrap_err();
    /// assert_eq!(error.kind(), LoginRedirectErrorKind::State);
    /// # Ok::<(), tower_genesys::genesys::grants::LoginRedirectError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoginRedirectErrorKind`](crate::genesys::grants::LoginRedirectErrorKind)
    /// has a kind for a state that does not match, an error of the
    /// authorization server, and a missing code. The state is checked first, so
    /// a forged redirect is always
    /// [`State`](crate::genesys::grants::LoginRedirectErrorKind::State).
    pub fn from_redirect(
        query: &str,
        redirect_uri: impl Into<String>,
        state: &LoginState,
    ) -> Result<Self, LoginRedirectError> {
        let code = code(query, state)?;
        Ok(Self::new(code, redirect_uri))
    }

    pub(in crate::genesys::grants) fn form(&self) -> Form<'_> {
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

/// A redirect without a usable code.
///
/// The message names the next step. Of the redirect, it repeats only an error
/// code of RFC 6749.
///
/// An example is at
/// [`LoginCode::from_redirect`](crate::genesys::grants::LoginCode::from_redirect).
#[derive(Clone, Debug)]
pub struct LoginRedirectError {
    kind: LoginRedirectErrorKind,
    message: Cow<'static, str>,
}

/// The kind of a [`LoginRedirectError`].
///
/// An example is at
/// [`LoginCode::from_redirect`](crate::genesys::grants::LoginCode::from_redirect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginRedirectErrorKind {
    /// The `state` is missing, given twice, or not that of this login: the
    /// redirect belongs to another login, or is forged. Discard it, and keep
    /// waiting.
    State,
    /// `error=access_denied`: the person or the organisation refused.
    Denied,
    /// Another `error`: of the client's settings, of the request, or of the
    /// server.
    Server,
    /// There is no `code`, or more than one.
    Code,
}

impl LoginRedirectError {
    fn new(kind: LoginRedirectErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// Returns the kind.
    pub const fn kind(&self) -> LoginRedirectErrorKind {
        self.kind
    }
}

impl fmt::Display for LoginRedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for LoginRedirectError {}

/// Returns the code of a redirect to this login.
///
/// The state comes first: the rest of a forged redirect means nothing.
fn code(query: &str, state: &LoginState) -> Result<SecretString, LoginRedirectError> {
    use LoginRedirectErrorKind as Kind;
    let is_ours = only(query, "state").is_some_and(|returned| state.matches(&returned));
    if !is_ours {
        return Err(LoginRedirectError::new(
            Kind::State,
            "the `state` of the redirect belongs to another login; discard the redirect, and finish the login in the \
             browser window where it began, or begin it again",
        ));
    }
    if let Some((_, error)) = parameters(query).find(|(name, _)| name == "error") {
        return Err(refused(&error));
    }
    match only(query, "code").filter(|code| !code.is_empty()) {
        Some(code) => Ok(code.into_owned().into()),
        None => Err(LoginRedirectError::new(
            Kind::Code,
            "the redirect has no `code`, or more than one; begin the login again with \
             `AuthorizeUrl`, which asks for a code",
        )),
    }
}

/// Builds the error for an `error` of the server.
fn refused(error: &str) -> LoginRedirectError {
    let known = CODES.into_iter().find(|code| *code == error);
    if known == Some("access_denied") {
        return LoginRedirectError::new(
            LoginRedirectErrorKind::Denied,
            "the login was refused (access_denied); log in as a person who may use this OAuth client",
        );
    }
    // Any other text is not repeated: the person at the browser can change it.
    let code = known.unwrap_or("an unknown error");
    let message = format!(
        "the authorization server ended the login ({code}); check the OAuth client's grant type and redirect URIs in \
         Genesys Cloud, and log in again"
    );
    LoginRedirectError::new(LoginRedirectErrorKind::Server, message)
}

fn parameters(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// Returns a parameter that occurs exactly once: of two, one may be forged.
fn only<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut found = parameters(query).filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LoginRedirectErrorKind as Kind, *};

    #[test]
    fn gives_its_code_to_the_login_that_it_belongs_to() {
        let state = LoginState::new("st/at+e");
        for query in [
            "code=a%2Bb&state=st%2Fat%2Be",
            "state=st%2Fat%2Be&iss=x&code=a%2Bb",
        ] {
            assert_eq!(code(query, &state).unwrap().expose_secret(), "a+b");
        }
    }

    #[test]
    fn is_a_typed_error_that_repeats_nothing_of_a_bad_one() {
        let state = LoginState::new("s3cr3t-state");
        for (query, kind) in [
            ("", Kind::State),
            ("code=s3cr3t-code", Kind::State),
            ("code=s3cr3t-code&state=", Kind::State),
            ("code=s3cr3t-code&state=s3cr3t-stat", Kind::State),
            (
                "code=s3cr3t-code&state=forged&state=s3cr3t-state",
                Kind::State,
            ),
            ("error=access_denied&state=forged", Kind::State),
            ("error=access_denied&state=s3cr3t-state", Kind::Denied),
            (
                "error=s3cr3t&code=s3cr3t-code&state=s3cr3t-state",
                Kind::Server,
            ),
            ("error=invalid_request&state=s3cr3t-state", Kind::Server),
            ("state=s3cr3t-state", Kind::Code),
            ("code=&state=s3cr3t-state", Kind::Code),
            ("code=a&code=s3cr3t-code&state=s3cr3t-state", Kind::Code),
        ] {
            let error = code(query, &state).unwrap_err();
            assert_eq!(error.kind(), kind, "{query}");
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error}");
        }
        let error = code("error=invalid_scope&state=s3cr3t-state", &state).unwrap_err();
        assert!(error.to_string().contains("(invalid_scope)"), "{error}");
    }
}
