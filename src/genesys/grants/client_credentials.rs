use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;

use super::{
    authentication::{self, Identity},
    dialect::Dialect,
    endpoint::Endpoint,
    token_client::TokenClient,
};
use crate::{
    genesys::{Credentials, CredentialsProvider, Region},
    store::{ShareableSource, StoreKey},
    token::{FetchContext, IssuedToken, TokenError, TokenSource},
};

const GRANT: &str = "client_credentials";

/// The `client_credentials` grant (RFC 6749, section 4.4): a token for the client itself, for
/// services and jobs that act for nobody in particular.
///
/// One POST to `/oauth/token` of the region's login host, authenticated by HTTP Basic, with no
/// parameter but the grant's name: Genesys decides by the client's roles, and ignores scopes. The
/// request may be repeated; each mints a token of its own.
///
/// The HTTP client is any tower service, and proxy and TLS are whatever that does. Of its responses
/// at most 64 KiB are read. It should follow no redirects.
///
/// # Errors
///
/// See the [table](super#errors). Nobody has to log in here: a
/// [`Denied`](crate::token::TokenErrorKind::Denied) heals as soon as the client or its secret is
/// corrected.
///
/// # Cancellation
///
/// A request that is dropped may have minted a token all the same; it is not used.
///
/// # Example
///
/// In the [guide](crate::guide::migrating#expiry-minus-a-margin-in-a-mutex).
pub struct ClientCredentials<C, P, B> {
    endpoint: Endpoint<C, B>,
    credentials: P,
}

impl<C, P, B> ClientCredentials<C, P, B> {
    /// Asks the login host of this region by this HTTP client.
    pub fn new(region: Region, credentials: P, client: C) -> Self {
        Self {
            endpoint: Endpoint::new(region, client),
            credentials,
        }
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
        self.endpoint.add_parameter(name.into(), value.into());
        self
    }

    /// Asks in another way than Genesys Cloud wants it. Default: [`Dialect::new`].
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
        match token {
            Some(token) => self.endpoint.revoke(token).await,
            None => Ok(()),
        }
    }
}

/// Tokens are shared by all processes with the same client id, token endpoint and form parameters.
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
