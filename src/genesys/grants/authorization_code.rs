use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    Dialect, LoginCode, LoginHandle, RefreshTokenStore,
    authentication::Authentication,
    endpoint::Endpoint,
    login::{Grant, Login},
    token_client::TokenClient,
};
use crate::{
    genesys::{Credentials, CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

/// The `authorization_code` grant (RFC 6749, section 4.1), with or without PKCE (RFC 7636): tokens
/// for somebody who has just logged in by [`AuthorizeUrl`](super::AuthorizeUrl).
///
/// The first fetch exchanges the code, once. What comes after depends on the answer:
///
/// | answer | next fetch |
/// |---|---|
/// | with a refresh token | goes on as [`RefreshToken`](super::RefreshToken) does, store included |
/// | without one (inactivity timeout, PKCE) | [`LoginRequired`], without a request |
///
/// [`new`](Self::new) is for clients with a secret, by HTTP Basic; a verifier in the [`LoginCode`]
/// adds PKCE. [`public`](Self::public) is PKCE without a secret: the client's id goes into the
/// form, and since Genesys refreshes for clients with a secret only, a refresh token counts as none
/// there.
///
/// A code that may have been spent is never sent again: see
/// [`RefreshToken`](super::RefreshToken#sent-once), whose table holds for codes as well.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use tower_genesys::{
///     Org, genesys::grants::{AuthorizationCode, LoginCode, PkceVerifier}, testing::MockGenesys,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
/// let verifier = PkceVerifier::generate()?;
/// let callback = "https://app.example/callback";
/// let code = mock.issue_code_with_challenge(callback, &verifier.challenge()); // from the redirect
///
/// let code = LoginCode::new(code, callback).with_verifier(verifier);
/// let source = AuthorizationCode::<_, _, Full<Bytes>>::public(
///     mock.region(),
///     mock.client_id(),
///     code,
///     mock.service(),
/// );
/// let login = source.handle(); // for when somebody has to log in again
/// let org = Org::builder(mock.region()).build_from_source(source)?;
/// org.tokens().token().await?;
/// assert!(login.is_login_required(), "the token lasts a day, and then somebody has to log in");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`RefreshToken`](super::RefreshToken#errors). A code that Genesys does not take, or a
/// verifier or redirect URI that does not belong to it, is `invalid_grant`: [`LoginRequired`].
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
    /// Exchanges this code at the login host of this region, by this HTTP client.
    pub fn new(region: Region, credentials: P, code: LoginCode, client: C) -> Self {
        let endpoint = Endpoint::new(region, client);
        let authentication = Authentication::Secret(credentials);
        Self {
            login: Login::new(endpoint, authentication, Grant::Code(code)),
        }
    }

    /// Stores each refresh token before its token is used. Default: they are in memory only, and
    /// the login ends with the process.
    #[must_use]
    pub fn with_store(mut self, store: impl RefreshTokenStore) -> Self {
        self.login.set_store(store);
        self
    }

    /// Sends one more form parameter, with the code and with refresh tokens, for gateways that want
    /// one.
    ///
    /// Of a name that is given twice, the last value counts; one that the grant sends itself keeps
    /// the grant's value. Default: none. The value counts as a secret.
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

    /// Asks in another way than Genesys Cloud wants it. Default: [`Dialect::new`].
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.login.endpoint.dialect = dialect;
        self
    }

    /// By which the source is given a new login.
    pub fn handle(&self) -> LoginHandle {
        self.login.handle()
    }
}

impl<C, B> AuthorizationCode<C, Credentials, B> {
    /// The same for a client without a secret. The code has to have its verifier.
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
        match token {
            Some(token) => self.login.endpoint.revoke(token).await,
            None => Ok(()),
        }
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
