use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderValue, Method, Request, Response, Uri,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT},
    uri::Scheme,
};
use http_body::Body;
use tower_service::Service;

use super::{
    ClientBuilder, ClientError, ResponseBody, ResponseFuture, future::Limits, pools::Pools,
};
use crate::{BoxError, authority::Authority, config_error::ConfigError};

/// An HTTP client for tokens and the API: a tower service for requests with
/// bodies `B`.
///
/// Clones share their connections, and a clone costs a few reference counts.
/// The [module docs](super) describe proxies, TLS, runtimes and errors.
pub struct Client<B> {
    pools: Arc<Pools<B>>,
    /// Whether http to this machine is allowed.
    loopback: bool,
    limits: Limits,
    /// For requests without a `User-Agent`.
    user_agent: HeaderValue,
}

impl<B> Client<B>
where
    B: Body + Send,
    B::Data: Send,
{
    /// Creates a client with the [defaults](ClientBuilder#default), and the
    /// proxy of the environment.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names the variable, if a setting in the
    /// environment cannot be used, or if there is no [crypto
    /// provider](super#crypto-provider).
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::Request;
    /// use http_body_util::Full;
    /// use tower::ServiceExt;
    /// use tower_genesys::{BoxError, Client, client::ClientErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let client: Client<Full<Bytes>> = Client::new()?;
    /// // A token would travel unencrypted.
    /// let request = Request::get("http://api.mypurecloud.com/");
    /// let request = request.body(Full::default())?;
    /// let error = client.oneshot(request).await.unwrap_err();
    /// assert_eq!(error.kind(), ClientErrorKind::NotHttps);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Result<Self, ConfigError> {
        ClientBuilder::new().build()
    }
}

/// The builder is the same for all body types; [`build`](ClientBuilder::build)
/// chooses the type.
impl Client<()> {
    /// Returns a builder with the default settings, like
    /// [`ClientBuilder::new`].
    ///
    /// ```
    /// use tower_genesys::Client;
    ///
    /// type Body = http_body_util::Full<bytes::Bytes>;
    ///
    /// let client: Client<Body> = Client::builder().without_proxy().build()?;
    /// # Ok::<_, tower_genesys::genesys::ConfigError>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }
}

impl<B> Client<B> {
    /// Creates a client from the parts that a builder has made.
    pub(super) fn over(
        pools: Pools<B>,
        loopback: bool,
        limits: Limits,
        user_agent: HeaderValue,
    ) -> Self {
        Self {
            pools: Arc::new(pools),
            loopback,
            limits,
            user_agent,
        }
    }

    /// Returns whether a request to this URI may be sent: over https, or over
    /// http to this machine if the program allows it. Elsewhere, a token would
    /// travel unencrypted.
    fn allows(&self, uri: &Uri) -> bool {
        let is_loopback = || Authority::of(uri).is_ok_and(Authority::is_loopback);
        match uri.scheme() {
            Some(scheme) if scheme == &Scheme::HTTPS => uri.host().is_some(),
            Some(scheme) if scheme == &Scheme::HTTP => self.loopback && is_loopback(),
            _ => false,
        }
    }
}

/// Sets `Content-Length: 0` on an empty request whose method lets a server
/// expect content (RFC 9110, section 8.6). hyper leaves that to its caller, and
/// some servers respond with 411 without it.
fn announce_emptiness<B: Body>(request: &mut Request<B>) {
    let expects = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let is_empty =
        || request.body().is_end_stream() || request.body().size_hint().exact() == Some(0);
    // A caller's own framing stays: a second length would make the request
    // ambiguous.
    let is_framed = |name| request.headers().contains_key(name);
    if expects && is_empty() && !is_framed(CONTENT_LENGTH) && !is_framed(TRANSFER_ENCODING) {
        let none = HeaderValue::from_static("0");
        request.headers_mut().insert(CONTENT_LENGTH, none);
    }
}

impl<B> Service<Request<B>> for Client<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = ClientError;
    type Future = ResponseFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        // hyper-util's client connects, or takes a connection from its pool,
        // when it is called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> ResponseFuture<B> {
        if !self.allows(request.uri()) {
            let error = ClientError::not_https(request.uri());
            return ResponseFuture::failed(error, self.limits);
        }
        announce_emptiness(&mut request);
        let user_agent = request.headers_mut().entry(USER_AGENT);
        user_agent.or_insert_with(|| self.user_agent.clone());
        ResponseFuture::unsent(request, Arc::clone(&self.pools), self.limits)
    }
}

impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self {
            pools: Arc::clone(&self.pools),
            loopback: self.loopback,
            limits: self.limits,
            user_agent: self.user_agent.clone(),
        }
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("pools", &self.pools)
            .field("loopback", &self.loopback)
            .field("limits", &self.limits)
            .finish()
    }
}
