//! The grant for a person whom the identity provider vouches for.

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};

use super::{
    TokenClient,
    authentication::{self, Identity},
    dialect::Dialect,
    endpoint::Endpoint,
};
use crate::{
    BoxError,
    genesys::{CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenErrorKind, TokenSource},
};

/// The `grant_type` of RFC 7522.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

/// The SAML2 bearer grant (RFC 7522): a token for a person whom the
/// organisation's identity provider vouches for.
///
/// Each fetch asks an [`AssertionProvider`] for an assertion. It sends the
/// assertion with the organisation's short name and HTTP Basic authentication.
/// The answer holds no refresh token, so each renewal needs another valid
/// assertion.
///
/// ```
/// use tower_genesys::{
///     BoxError, Credentials, Org, genesys::grants::Saml2Bearer,
///     testing::MockGenesys,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// # async fn ask_identity_provider() -> Result<String, BoxError> {
/// #     Ok("PHNhbWwvPg==".into())
/// # }
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
/// let assertions = || async { ask_identity_provider().await };
/// let (region, client) = (mock.region(), mock.http_client());
/// let name = "acme"; // of the organisation
/// let source =
///     Saml2Bearer::new(region, credentials, name, assertions, client);
/// let org = Org::builder(mock.region()).build_from_source(source)?;
/// org.tokens().token().await?;
/// assert_eq!(mock.token_posts(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// See the [table](super#errors). [`TokenErrorKind::LoginRequired`] if Genesys
/// refuses the assertion (`invalid_grant`), because it has expired or is for
/// another recipient. [`TokenErrorKind::Credentials`] if the provider fails,
/// with its error as the source.
///
/// # Cancellation
///
/// If you drop a request, the server may still mint a token. The request counts
/// as repeatable, since the next one asks the provider for another assertion.
/// The provider decides whether that one is new.
pub struct Saml2Bearer<C, P, A, B> {
    endpoint: Endpoint<C, B>,
    credentials: P,
    org_name: Box<str>,
    assertions: A,
}

/// Provides SAML2 assertions. The source asks at every fetch, since assertions
/// expire within minutes.
///
/// An async closure is a provider; [`Saml2Bearer`] has an example.
pub trait AssertionProvider: Send + Sync + 'static {
    /// Returns an assertion that is valid now, in base64.
    ///
    /// # Errors
    ///
    /// Any error. It becomes the source of a [`TokenErrorKind::Credentials`].
    fn assertion(&self) -> impl Future<Output = Result<SecretString, BoxError>> + Send;
}

impl<F, Fut, T, E> AssertionProvider for F
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Into<SecretString>,
    E: Into<BoxError>,
{
    async fn assertion(&self) -> Result<SecretString, BoxError> {
        self().await.map(Into::into).map_err(Into::into)
    }
}

impl<C, P, A, B> Saml2Bearer<C, P, A, B> {
    /// Returns a source for the organisation with this short name. This HTTP
    /// client sends the requests to the region's login host.
    pub fn new(
        region: Region,
        credentials: P,
        org_name: impl Into<String>,
        assertions: A,
        client: C,
    ) -> Self {
        Self {
            endpoint: Endpoint::new(region, client),
            credentials,
            org_name: org_name.into().into(),
            assertions,
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

impl<C, P, A, B> TokenSource for Saml2Bearer<C, P, A, B>
where
    C: TokenClient<B>,
    P: CredentialsProvider,
    A: AssertionProvider,
    B: From<Full<Bytes>> + Send + 'static,
{
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        // The assertion comes last: it expires within minutes.
        let credentials = authentication::read(&self.credentials).await?;
        let assertion = self.assertions.assertion().await.map_err(no_assertion)?;
        let grant = vec![
            ("grant_type", GRANT),
            ("orgName", &*self.org_name),
            ("assertion", assertion.expose_secret()),
        ];
        let identity = Identity::Secret(credentials);
        let issued = self.endpoint.post(&identity, grant).await?;
        Ok(issued.access)
    }

    fn login_host(&self) -> Option<&str> {
        Some(self.endpoint.login_host())
    }

    /// The provider may return one assertion for both requests, and a server
    /// may accept it only once.
    fn may_overlap(&self) -> bool {
        false
    }

    async fn revoke(&self, token: Option<&str>) -> Result<(), TokenError> {
        self.endpoint.revoke(token).await
    }
}

impl<C, P: fmt::Debug, A, B> fmt::Debug for Saml2Bearer<C, P, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saml2Bearer")
            .field("login_host", &self.endpoint.login_host())
            .field("credentials", &self.credentials)
            .field("org_name", &self.org_name)
            .finish_non_exhaustive()
    }
}

fn no_assertion(error: BoxError) -> TokenError {
    let message = "the SAML2 assertion could not be obtained; see the cause";
    TokenError::new(TokenErrorKind::Credentials, message).with_source(error)
}
