use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    Dialect, LoginHandle, RefreshTokenStore,
    authentication::Authentication,
    endpoint::Endpoint,
    login::{Grant, Login},
    token_client::TokenClient,
};
use crate::{
    genesys::{CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

/// The `refresh_token` grant (RFC 6749, section 6): tokens for somebody who logged in earlier.
///
/// Each fetch is one POST, authenticated by HTTP Basic, which spends the refresh token and brings
/// the next. A [store](Self::with_store) gets that one before the token is handed out. When an
/// answer brings none, the old one is kept.
///
/// # Sent once
///
/// A refresh token that may have been spent is never sent again: Genesys, like any careful server,
/// may take a second use for theft.
///
/// | what happened | next |
/// |---|---|
/// | no credentials, the HTTP client not ready, no connection | sent at the next fetch |
/// | an answer: 429, 503, throttled 400, `invalid_client`, redirect | sent at the next fetch |
/// | `invalid_grant` | over: [`LoginRequired`] |
/// | sent, and the connection broke | may be spent: [`LoginRequired`] |
/// | sent, and no answer came in time | may be spent: [`LoginRequired`], at once |
/// | sent, and the fetch was dropped | may be spent: [`LoginRequired`] |
/// | 408, 500, 502, 504, another 5xx, or a success that is no token | may be spent: [`LoginRequired`] |
///
/// A process that ends between sending and storing leaves a spent refresh token in the store; only a
/// store that can [mark](RefreshTokenStore::mark) it keeps the next process from sending it.
///
/// "No connection" is what the error of the HTTP client says: an `io::Error` with
/// `ConnectionRefused`, and with the feature `hyper` what hyper-util and h2 know to be unsent. An
/// error that does not say so counts as sent, and so does what a gateway says for a service that it
/// has lost sight of. After [`LoginRequired`] no request is made until the [handle](Self::handle)
/// gives the source a new refresh token;
/// [`TokenCache::invalidate`](crate::TokenCache::invalidate) then lets the cache ask at once.
///
/// The cache makes one attempt, with the whole
/// [deadline](crate::token::CacheSettings::with_deadline) of a renewal: what is cut off there is lost, so
/// give it more if the token endpoint is slow.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use tower_genesys::{
///     BoxError, Credentials, Org, genesys::grants::RefreshToken, testing::MockGenesys,
/// };
/// use tower_genesys::genesys::grants::IssuedRefreshToken;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// # async fn write_to_database(_: &str) -> Result<(), BoxError> { Ok(()) }
/// let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
/// let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
/// let stored = mock.issue_refresh_token();
///
/// let (region, client) = (mock.region(), mock.service());
/// let source = RefreshToken::<_, _, Full<Bytes>>::new(region, credentials, stored, client)
///     .with_store(async |token: IssuedRefreshToken| write_to_database(token.expose()).await);
/// let login = source.handle(); // for when somebody has to log in again
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
/// See the [table](super#errors). [`LoginRequired`] as above; [`NotPersisted`] when the store
/// fails, and [`NotMarked`] when it cannot mark; [`Busy`] for a second fetch at the same time, and when the login was replaced meanwhile.
///
/// # Cancellation
///
/// A fetch that is dropped before it sends changes nothing. One that is dropped between sending and
/// the answer loses the login. One that is dropped while the store works loses nothing: the next
/// one stores the refresh token, and hands out the token that came with it.
///
/// [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
/// [`NotPersisted`]: crate::token::TokenErrorKind::NotPersisted
/// [`NotMarked`]: crate::token::TokenErrorKind::NotMarked
/// [`Busy`]: crate::token::TokenErrorKind::Busy
pub struct RefreshToken<C, P, B> {
    login: Login<C, P, B>,
}

impl<C, P, B> RefreshToken<C, P, B> {
    /// Begins with this refresh token, which counts as stored, at the login host of this region, by
    /// this HTTP client.
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

    /// Stores each new refresh token before its token is used. Default: they are in memory only,
    /// and the login ends with the process.
    #[must_use]
    pub fn with_store(mut self, store: impl RefreshTokenStore) -> Self {
        self.login.set_store(store);
        self
    }

    /// Sends a refresh token that the [store](RefreshTokenStore::mark) finds marked as in use.
    /// Default: that is [`LoginRequired`], and nothing is sent.
    ///
    /// The process that has marked it may have sent it: then this second use can cost every token
    /// that came of the login. It may have ended before that too, and then this saves a login. The
    /// token endpoint gets one look at it.
    ///
    /// [`LoginRequired`]: crate::token::TokenErrorKind::LoginRequired
    #[must_use]
    pub fn with_try_of_marked_token(mut self) -> Self {
        self.login.tries_marked = true;
        self
    }

    /// Sends one more form parameter, for gateways that want one.
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
        match token {
            Some(token) => self.login.endpoint.revoke(token).await,
            None => Ok(()),
        }
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
