use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::endpoint::Endpoint;
use crate::{
    BoxError,
    genesys::{CredentialsProvider, Region},
    token::{FetchContext, IssuedToken, TokenError, TokenErrorKind, TokenSource},
};

/// The `client_credentials` grant (RFC 6749, section 4.4): a token for the client itself, for
/// services and jobs that act for nobody in particular.
///
/// One POST to `/oauth/token` of the region's login host, authenticated by HTTP Basic, with no
/// parameter but the grant's name: Genesys decides by the client's roles, and ignores scopes. The
/// request may be repeated; each mints a token of its own.
///
/// The HTTP client is any tower service, and proxy and TLS are whatever that does. Of its responses
/// at most 64 KiB are read. It should follow no redirects.
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
}

impl<C, P, B, R> TokenSource for ClientCredentials<C, P, B>
where
    C: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    C::Future: Send,
    C::Error: Into<BoxError>,
    P: CredentialsProvider,
    B: From<Full<Bytes>> + Send + 'static,
    R: Body + Send,
    R::Data: Send,
    R::Error: Into<BoxError>,
{
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let credentials = self
            .credentials
            .credentials()
            .await
            .map_err(no_credentials)?;
        self.endpoint
            .post(&credentials, &[("grant_type", "client_credentials")])
            .await
    }

    fn login_host(&self) -> Option<&str> {
        Some(self.endpoint.login_host())
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

fn no_credentials(error: BoxError) -> TokenError {
    let message = "the client's id and secret could not be read; see the cause";
    TokenError::new(TokenErrorKind::Credentials, message).with_source(error)
}
