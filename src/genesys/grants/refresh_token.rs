//! The grant for a person who logged in earlier.

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    Dialect, LoginHandle, RefreshTokenStore, TokenClient,
    authentication::Authentication,
    endpoint::Endpoint,
    login::{Grant, Login},
};
use crate::{
    genesys::{CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

/// The `refresh_token` grant (RFC 6749, section 6): tokens for a person who
/// logged in earlier.
///
/// Each fetch is one POST with HTTP Basic authentication. Usually it uses up
/// the refresh token, and the response has the next one. The source gives the
/// next one to a [store](Self::with_store) before it returns the access token.
/// If a response has no refresh token, the old one stays valid, and the source
/// keeps it.
///
/// # Sent once
///
/// The source never resends a refresh token that may be used up: Genesys, like
/// other careful servers, may treat a second use as theft.
///
/// | what happened | next |
/// |---|---|
/// | no credentials, the HTTP client not ready, no connection | sent at the next fetch |
/// | a response: 429, 503, throttled 400, `invalid_client`, redirect | sent at the next fetch |
/// | `invalid_grant` | invalid: [`LoginRequired`] |
/// | sent, and the connection broke | may be used up: [`LoginRequired`] |
/// | sent, and no response came in time | may be used up: [`LoginRequired`] |
/// | sent, and the fetch was dropped | may be used up: [`LoginRequired`] |
/// | 408, 500, 502, 504, another 5xx, or a success without a token | may be used up: [`LoginRequired`] |
///
/// A process that ends between sending and storing leaves a used refresh token
/// in the store. Only a store that can [mark](RefreshTokenStore::mark) it keeps
/// the next process from sending it.
///
/// The error of the HTTP client shows whether there was no connection: an
/// `io::Error` with `ConnectionRefused`, and with the feature `hyper` the
/// errors of hyper-util and h2 that say that the request was never sent. After
/// any other error, the refresh token counts as possibly used up. The same is
/// true after a 502 or 504: the gateway may not know whether the token endpoint
/// has handled the request.
///
/// After [`LoginRequired`] the source sends no request until the
/// [handle](Self::handle) gives it a new refresh token or code. Then call
/// [`TokenCache::invalidate`](crate::TokenCache::invalidate), and the cache
/// fetches at once.
///
/// For each renewal, the cache sends one token request, which may take the
/// whole [deadline](crate::token::CacheSettings::with_deadline). A request that
/// the deadline cuts off loses the login, so raise the deadline if the token
/// endpoint is slow.
///
/// ```
/// use tower_genesys::{
///     BoxError, Credentials, Org, genesys::grants::RefreshToken,
///     testing::MockGenesys,
/// };
/// use tower_genesys::genesys::grants::IssuedRefreshToken;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// # async fn write_to_database(_: &str) -> Result<(), BoxError> { Ok(()) }
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
/// let stored = mock.issue_refresh_token();
///
/// let (region, client) = (mock.region(), mock.http_client());
/// let source = RefreshToken::new(region, credentials, stored, client)
///     .with_store(async |token: IssuedRefreshToken| {
///         write_to_database(token.expose()).await
///     });
/// let login = source.handle(); // for the next login
/// let org = Org::builder(mock.region()).build_from_source(source)?;
///
/// org.tokens().token().await?;
/// assert!(!login.is_login_required());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The [table](super#errors) has all kinds. For a refresh token, these mean:
///
/// | kind | cause |
/// |---|---|
/// | [`LoginRequired`] | see above |
/// | [`NotPersisted`] | the store failed to store |
/// | [`NotMarked`] | the store failed to mark |
/// | [`Busy`] | another fetch is in flight, or the login was replaced meanwhile |
///
/// # Cancellation
///
/// | fetch dropped | effect |
/// |---|---|
/// | before it sends | none |
/// | between the request and the response | the login is lost |
/// | while the refresh token is being stored | none: the next fetch stores it, and returns the access token that came with it |
///
/// [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
/// [`NotPersisted`]: crate::token::TokenErrorKind::NotPersisted
/// [`NotMarked`]: crate::token::TokenErrorKind::NotMarked
/// [`Busy`]: crate::token::TokenErrorKind::Busy
pub struct RefreshToken<C, P, B> {
    login: Login<C, P, B>,
}

impl<C, P, B> RefreshToken<C, P, B> {
    /// Returns a source that starts with this refresh token, which counts as
    /// stored. This HTTP client sends the requests to the region's login host.
    pub fn new(
        region: Region,
        credentials: P,
        refresh_token: impl Into<SecretString>,
        client: C,
    ) -> Self {
        Self {
            login: Login::new(
                Endpoint::new(region, client),
                Authentication::Secret(credentials),
                Grant::stored(refresh_token.into()),
            ),
        }
    }

    /// Stores each new refresh token before the access token that came with it
    /// is used. Default: refresh tokens are in memory only, and the login ends
    /// with the process.
    #[must_use]
    pub fn with_store(mut self, store: impl RefreshTokenStore) -> Self {
        self.login.set_store(store);
        self
    }

    /// Sends a refresh token even if the [store](RefreshTokenStore::mark) finds
    /// it marked as in use. Default: the fetch fails with [`LoginRequired`] and
    /// sends nothing.
    ///
    /// If the process that set the mark has sent the refresh token, this second
    /// use can revoke every token of the login. If that process ended before it
    /// sent, this saves a login. The source sends the marked refresh token
    /// once.
    ///
    /// [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
    #[must_use]
    pub fn with_try_of_marked_token(mut self) -> Self {
        self.login.tries_marked = true;
        self
    }

    /// Adds a form parameter, for a gateway that requires one. Default: none.
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

impl<C, P, B> TokenSource for RefreshToken<C, P, B>
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

impl<C, P: fmt::Debug, B> fmt::Debug for RefreshToken<C, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.login.debug("RefreshToken", f)
    }
}
