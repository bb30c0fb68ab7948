use std::task::{Context, Poll};

use ::reqwest::{Request, RequestBuilder, Response};
use bytes::Bytes;
use http::Extensions;
use http_body::Body;
use tower_service::Service;

use super::{ReqwestFuture, future::redact};
use crate::BoxError;

/// Wraps a stack of layers for reqwest's own requests and responses.
///
/// See the [module](super) for an example.
///
/// The stack takes `http::Request<reqwest::Body>`, as
/// [`GenesysService`](crate::GenesysService) does over
/// [`HttpService`](super::HttpService), hyper-util's client or a test double.
///
/// # Errors
///
/// The errors of the stack. A response is never an error, whatever its status;
/// `error_for_status` turns one into an error.
///
/// # Cloning
///
/// A clone costs a clone of the stack.
#[derive(Clone, Debug)]
pub struct ReqwestService<S> {
    stack: S,
    /// Added to each request.
    extensions: Extensions,
}

impl<S> ReqwestService<S> {
    /// Wraps a stack.
    pub fn new(stack: S) -> Self {
        let extensions = Extensions::new();
        Self { stack, extensions }
    }

    /// Inserts a value into the extensions of each request, in place of an
    /// older one of its type.
    ///
    /// reqwest gives no access to the extensions of its requests. Set an
    /// [`Org`](crate::Org) or [`CallOptions`](crate::CallOptions) on a clone,
    /// for the requests that need them:
    ///
    /// ```
    /// use tower_genesys::CallOptions;
    ///
    /// # use tower_genesys::{GenesysService, reqwest::{HttpService, ReqwestService}};
    /// # async fn example(
    /// #     genesys: ReqwestService<GenesysService<HttpService>>,
    /// #     request: reqwest::Request,
    /// # ) -> Result<(), tower_genesys::BoxError> {
    /// let once = CallOptions::new().without_retry();
    /// let response = genesys.clone().with_extension(once).execute(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Returns a reference to the stack.
    pub const fn get_ref(&self) -> &S {
        &self.stack
    }

    /// Returns a mutable reference to the stack.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.stack
    }

    /// Returns the stack.
    pub fn into_inner(self) -> S {
        self.stack
    }

    /// Sends a request through the stack. Replaces
    /// [`reqwest::Client::execute`].
    ///
    /// # Errors
    ///
    /// Those of the stack.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the request.
    pub async fn execute<R>(&self, request: Request) -> Result<Response, BoxError>
    where
        S: Service<http::Request<::reqwest::Body>, Response = http::Response<R>> + Clone,
        S::Error: Into<BoxError>,
        R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        // The clone is readied and called, so that `self` needs no `&mut`.
        let mut service = self.clone();
        std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    }

    /// Builds and sends the request of a reqwest builder. Replaces
    /// [`RequestBuilder::send`], which bypasses the layers.
    ///
    /// ```
    /// # use tower_genesys::{BoxError, GenesysService, reqwest::{HttpService, ReqwestService}};
    /// # async fn example(
    /// #     genesys: ReqwestService<GenesysService<HttpService>>,
    /// #     client: reqwest::Client,
    /// #     url: &str,
    /// # ) -> Result<(), BoxError> {
    /// // Before: `client.post(url).bearer_auth(token).body("{}").send().await?`
    /// let response = genesys.send(client.post(url).body("{}")).await?;
    /// let response = response.error_for_status()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of the stack. If the builder fails, its [`reqwest::Error`];
    /// nothing is sent then.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the request.
    pub async fn send<R>(&self, request: RequestBuilder) -> Result<Response, BoxError>
    where
        S: Service<http::Request<::reqwest::Body>, Response = http::Response<R>> + Clone,
        S::Error: Into<BoxError>,
        R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        self.execute(request.build().map_err(redact)?).await
    }
}

impl<S, R> Service<Request> for ReqwestService<S>
where
    S: Service<http::Request<::reqwest::Body>, Response = http::Response<R>>,
    S::Error: Into<BoxError>,
    R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response;
    type Error = BoxError;
    type Future = ReqwestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.stack.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // A response of `http` has no URL; reqwest's has the request's.
        let url = request.url().clone();
        match http::Request::try_from(request) {
            Ok(mut request) => {
                request.extensions_mut().extend(self.extensions.clone());
                ReqwestFuture::sent(self.stack.call(request), url)
            }
            Err(error) => ReqwestFuture::failed(error),
        }
    }
}
