use std::{
    fmt,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, Uri, header::USER_AGENT, uri::Scheme};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use tower_service::Service;

use super::{ClientBuilder, ClientConfigError, ClientError, ResponseFuture, connector::Connector};
use crate::{BoxError, loopback};

/// An HTTP client for tokens and the API. See the [module](super) for what it does.
///
/// A tower service for requests with bodies `B`. Cheap to clone: clones share their connections.
pub struct Client<B> {
    inner: legacy::Client<Connector, B>,
    loopback: bool,
    user_agent: HeaderValue,
}

impl<B> Client<B>
where
    B: Body + Send,
    B::Data: Send,
{
    /// The client that [`ClientBuilder::new`] describes, with the proxy of the environment.
    ///
    /// # Errors
    ///
    /// A [`ClientConfigError`] that names the variable, when the environment names a proxy that
    /// cannot be used.
    pub fn new() -> Result<Self, ClientConfigError> {
        ClientBuilder::new().build()
    }
}

/// Whatever the type of the bodies: [`build`](ClientBuilder::build) has it.
impl Client<()> {
    /// Settings before there is a client: [`ClientBuilder::new`].
    ///
    /// ```
    /// use tower_genesys::Client;
    ///
    /// type Body = http_body_util::Full<bytes::Bytes>;
    ///
    /// let client: Client<Body> = Client::builder().without_proxy().build()?;
    /// # Ok::<_, tower_genesys::client::ClientConfigError>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }
}

impl<B> Client<B> {
    pub(super) const fn over(
        inner: legacy::Client<Connector, B>,
        loopback: bool,
        user_agent: HeaderValue,
    ) -> Self {
        Self {
            inner,
            loopback,
            user_agent,
        }
    }

    fn allows(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host() else {
            return false;
        };
        match uri.scheme() {
            Some(scheme) if scheme == &Scheme::HTTPS => true,
            Some(scheme) if scheme == &Scheme::HTTP => self.loopback && loopback::is_host(host),
            _ => false,
        }
    }
}

impl<B> Service<Request<B>> for Client<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        // As hyper-util's client: it connects, and takes from its pool, when it is called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture {
        if !self.allows(request.uri()) {
            return ResponseFuture::failed(ClientError::not_https(request.uri()));
        }
        let user_agent = request.headers_mut().entry(USER_AGENT);
        user_agent.or_insert_with(|| self.user_agent.clone());
        let authority = request.uri().authority().cloned();
        ResponseFuture::sent(self.inner.request(request), authority)
    }
}

impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            loopback: self.loopback,
            user_agent: self.user_agent.clone(),
        }
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}
