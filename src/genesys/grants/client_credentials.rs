//! The grant for the client itself, and the only one whose tokens processes can
//! share.

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    TokenClient,
    authentication::{self, Identity},
    dialect::Dialect,
    endpoint::Endpoint,
};
use crate::{
    genesys::{Credentials, CredentialsProvider, Region},
    store::{ShareableSource, StoreKey},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

/// The `grant_type`. It is also part of the key of a shared token.
const GRANT: &str = "client_credentials";

/// The `client_credentials` grant (RFC 6749, section 4.4): a token for the
/// client itself, for services and jobs that do not act on behalf of a person.
///
/// A fetch is one POST to `/oauth/token` of the region's login host, with HTTP
/// Basic authentication. The grant's name is its only parameter: Genesys
/// decides by the client's roles, and ignores scopes. The request is safe to
/// repeat; each repeat mints another token.
///
/// The HTTP client is any tower service, which determines proxy and TLS. The
/// source reads at most 64 KiB of a response. Use a client that does not follow
/// redirects.
///
/// # Errors
///
/// See the [table](super#errors). A login is never required here: after a
/// [`Denied`](crate::token::TokenErrorKind::Denied), the source recovers as
/// soon as you correct the client or its secret.
///
/// # Cancellation
///
/// If you drop a request, the server may still mint a token, which stays
/// unused.
///
/// # Example
///
/// ```
/// use tower_genesys::{
///     Credentials, TokenCache, genesys::grants::ClientCredentials,
///     testing::MockGenesys,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let id = mock.client_id();
/// let credentials = Credentials::new(id, mock.client_secret())?;
/// let source = ClientCredentials::new(
///     mock.region(),
///     credentials,
///     mock.http_client(),
/// );
/// let tokens = TokenCache::new(source);
/// tokens.token().await?;
/// assert_eq!(mock.token_posts(), 1);
/// # Ok(())
/// # }
/// ```
pub struct ClientCredentials<C, P, B> {
    endpoint: Endpoint<C, B>,
    credentials: P,
}

impl<C, P, B> ClientCredentials<C, P, B> {
    /// Returns a source whose requests this HTTP client sends to the region's
    /// login host.
    pub fn new(region: Region, credentials: P, client: C) -> Self {
        Self {
            endpoint: Endpoint::new(region, client),
            credentials,
        }
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
        self.endpoint.add_parameter(name.into(), value.into());
        self
    }

    /// Sets another form of token requests than Genesys Cloud's. Default:
    /// [`Dialect::new`].
    #[must_use]
    pub fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.endpoint.dialect = dialect;
        self
    }
}

impl<C, P, B> TokenSource for ClientCredentials<C, P, B>
where
    C: TokenClient<B>,
    P: CredentialsProvider,
    B: From<Full<Bytes>> + Send + 'static,
{
    async fn fetch(&self, cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let credentials = authentication::read(&self.credentials).await?;
        self.fetch_as(&credentials, cx).await
    }

    fn login_host(&self) -> Option<&str> {
        Some(self.endpoint.login_host())
    }

    async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError> {
        self.endpoint.revoke(token).await
    }
}

/// Shares tokens between all processes with the same client id, token endpoint
/// and form parameters.
impl<C, P, B> ShareableSource for ClientCredentials<C, P, B>
where
    C: TokenClient<B>,
    P: CredentialsProvider,
    B: From<Full<Bytes>> + Send + 'static,
{
    type Identity = Credentials;

    async fn identify(&self) -> Result<(StoreKey, Credentials), TokenError> {
        let credentials = authentication::read(&self.credentials).await?;
        let key = self.endpoint.store_key(credentials.id(), GRANT);
        Ok((key, credentials))
    }

    async fn fetch_as(
        &self,
        credentials: &Credentials,
        _cx: FetchContext,
    ) -> Result<IssuedToken, TokenError> {
        // These credentials also made the key, so the token is stored under the
        // client that it belongs to, even if the provider has a new pair.
        let identity = Identity::Secret(credentials.clone());
        let grant = vec![("grant_type", GRANT)];
        let issued = self.endpoint.post(&identity, grant).await?;
        Ok(issued.access)
    }
}

impl<C, P: fmt::Debug, B> fmt::Debug for ClientCredentials<C, P, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("login_host", &self.endpoint.login_host())
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
