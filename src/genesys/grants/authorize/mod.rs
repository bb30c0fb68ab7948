//! The `authorization_code` grant, and the two steps of a login before it: the
//! page of the authorization server, and the redirect back.

mod redirect;
mod url;

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

pub use redirect::{LoginCode, LoginRedirectError, LoginRedirectErrorKind};
pub use url::{AuthorizeUrl, LoginState, PkceVerifier};

use super::{
    Dialect, LoginHandle, RefreshTokenStore, TokenClient,
    authentication::Authentication,
    endpoint::Endpoint,
    login::{Grant, Login},
};
use crate::{
    genesys::{Credentials, CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

/// The `authorization_code` grant (RFC 6749, section 4.1), with or without PKCE
/// (RFC 7636): tokens for a person who has just logged in through
/// [`AuthorizeUrl`](super::AuthorizeUrl).
///
/// The first fetch exchanges the code, once. The response decides about the
/// next fetch:
///
/// | response | next fetch |
/// |---|---|
/// | with a refresh token | as for [`RefreshToken`](super::RefreshToken), store included |
/// | without one (the organisation has an inactivity time-out), or any response to [`public`](Self::public) | [`LoginRequired`], without a request |
///
/// [`new`](Self::new) is for clients with a secret, which it sends by HTTP
/// Basic; a verifier in the [`LoginCode`] adds PKCE. [`public`](Self::public)
/// is PKCE without a secret: the client's id goes into the form. Genesys
/// refreshes only for clients with a secret, so `public` ignores refresh
/// tokens.
///
/// The source never resends a code that may be used up. The table of
/// [`RefreshToken`](super::RefreshToken#sent-once) applies to codes, too.
///
/// ```
/// use tower_genesys::{
///     Org, genesys::grants::{AuthorizationCode, LoginCode, PkceVerifier},
///     testing::MockGenesys,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let verifier = PkceVerifier::generate()?;
/// let callback = "https://app.example/callback";
/// // From the redirect:
/// let code = mock.issue_code_with_challenge(callback, &verifier.challenge());
///
/// let code = LoginCode::new(code, callback).with_verifier(verifier);
/// let source = AuthorizationCode::public(
///     mock.region(),
///     mock.client_id(),
///     code,
///     mock.http_client(),
/// );
/// let login = source.handle(); // for the next login
/// let org = Org::builder(mock.region()).build_from_source(source)?;
/// org.tokens().token().await?;
/// assert!(login.is_login_required(), "the token of a day cannot be renewed");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As for [`RefreshToken`](super::RefreshToken#errors). [`LoginRequired`]
/// (`invalid_grant`) if Genesys refuses the code, or if the verifier or
/// redirect URI does not belong to the code.
///
/// # Cancellation
///
/// As for [`RefreshToken`](super::RefreshToken#cancellation).
///
/// [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
pub struct AuthorizationCode<C, P, B> {
    login: Login<C, P, B>,
}

impl<C, P, B> AuthorizationCode<C, P, B> {
    /// Returns a source that exchanges this code. This HTTP client sends the
    /// requests to the region's login host.
    pub fn new(region: Region, credentials: P, code: LoginCode, client: C) -> Self {
        let endpoint = Endpoint::new(region, client);
        let authentication = Authentication::Secret(credentials);
        Self {
            login: Login::new(endpoint, authentication, Grant::Code(code)),
        }
    }

    /// Stores each refresh token before the access token that came with it is
    /// used. Default: refresh tokens are in memory only, and the login ends
    /// with the process.
    #[must_use]
    pub fn with_store(mut self, store: impl RefreshTokenStore) -> Self {
        self.login.set_store(store);
        self
    }

    /// Adds a form parameter to requests with the code and with refresh tokens,
    /// for a gateway that requires one. Default: none.
    ///
    /// If a name is set twice, the last value wins. A parameter that the grant
    /// sends itself keeps the grant's value. The value is treated as a secret.
    #[must_use]
    pub fn with_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<SecretString>,
    ) -> Self {
        let endpoint = &mut self.login.endpoint;
        endpoint.add_parameter(name.into(), value.into());
        self
    }

    /// Sets another form of token requests than Genesys Cloud's. Default:
    /// [`Dialect::new`].
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.login.endpoint.dialect = dialect;
        self
    }

    /// Returns the handle that gives the source a new login.
    pub fn handle(&self) -> LoginHandle {
        self.login.handle()
    }
}

impl<C, B> AuthorizationCode<C, Credentials, B> {
    /// Returns a source for a client without a secret. The code must have its
    /// verifier.
    pub fn public(
        region: Region,
        client_id: impl Into<String>,
        code: LoginCode,
        client: C,
    ) -> Self {
        let endpoint = Endpoint::new(region, client);
        let authentication = Authentication::Public(client_id.into().into());
        Self {
            login: Login::new(endpoint, authentication, Grant::Code(code)),
        }
    }
}

impl<C, P, B> TokenSource for AuthorizationCode<C, P, B>
where
    C: TokenClient<B>,
    P: CredentialsProvider,
    B: From<Full<Bytes>> + Send + 'static,
{
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        self.login.fetch(&cx).await
    }

    fn login_host(&self) -> Option<&str> {
        Some(self.login.endpoint.login_host())
    }

    async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError> {
        self.login.endpoint.revoke(token).await
    }

    fn is_repeatable(&self) -> bool {
        false
    }
}

impl<C, P: fmt::Debug, B> fmt::Debug for AuthorizationCode<C, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.login.debug("AuthorizationCode", f)
    }
}
