use std::fmt;

use super::secrets::{LoginState, PkceVerifier};
use crate::genesys::Region;

/// The URL of the login page, `https://login.<domain>/oauth/authorize`. Send
/// the person there.
///
/// Genesys Cloud redirects the person back to the redirect URI with `code` and
/// `state`. First check the state ([`LoginState::matches`]), then pass the code
/// to a [`LoginCode`](crate::genesys::grants::LoginCode).
///
/// ```
/// use tower_genesys::{Region, genesys::grants::{AuthorizeUrl, LoginState, PkceVerifier}};
///
/// let (state, verifier) = (LoginState::generate()?, PkceVerifier::generate()?);
/// let url = AuthorizeUrl::new(&Region::EU_WEST_1, "my-client-id", "https://app.example/callback")
///     .with_state(&state)
///     .with_pkce(&verifier)
///     .to_string();
/// assert!(url.starts_with("https://login.mypurecloud.ie/oauth/authorize?response_type=code&"));
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
    /// All of it is seen in the browser's address bar and in logs: no secrets.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_each_parameter_once_and_encoded() {
        let verifier = PkceVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let url = AuthorizeUrl::new(&Region::US_EAST_1, "id&x=1", "https://app.example/cb?a=b c")
            .with_state(&LoginState::new("st/at+e"))
            .with_pkce(&verifier)
            .with_parameter("org", "first")
            .with_parameter("org", "acme#1");
        assert_eq!(
            url.to_string(),
            "https://login.mypurecloud.com/oauth/authorize?response_type=code&client_id=id%26x%3D1\
             &redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db+c&state=st%2Fat%2Be\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &org=acme%231"
        );
        assert!(url.to_string().parse::<http::Uri>().is_ok());
        assert!(!format!("{url:?}").contains("st/at+e"));
        assert!(!url.to_string().contains(verifier.expose()));
    }

    #[test]
    fn a_gateway_keeps_its_prefix() {
        let region = Region::custom("https://gw.example:8443/login", "https://gw.example").unwrap();
        let url = AuthorizeUrl::new(&region, "id", "https://app.example/cb").to_string();
        let start = "https://gw.example:8443/login/oauth/authorize?response_type=code&";
        assert!(url.starts_with(start), "{url}");
    }
}
