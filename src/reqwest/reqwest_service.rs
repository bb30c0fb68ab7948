use std::task::{Context, Poll};

use ::reqwest::{Request, RequestBuilder, Response};
use bytes::Bytes;
use http::Extensions;
use http_body::Body;
use tower_service::Service;

use super::{ReqwestFuture, future::redact};
use crate::BoxError;

/// A stack of layers for reqwest's own requests and responses.
///
/// See the [module](super) for an example.
///
/// The stack takes `http::Request<reqwest::Body>`, as [`GenesysService`](crate::GenesysService)
/// does over [`HttpService`](super::HttpService), hyper-util's client or a test double.
///
/// # Errors
///
/// Those of the stack. A response is none, whatever its status: `error_for_status` makes one of it.
///
/// # Cloning
///
/// A clone costs a clone of the stack.
#[derive(Clone, Debug)]
pub struct ReqwestService<S> {
    stack: S,
    extensions: Extensions,
}

impl<S> ReqwestService<S> {
    /// Takes reqwest's requests, and gives them to this stack.
    pub fn new(stack: S) -> Self {
        let extensions = Extensions::new();
        Self { stack, extensions }
    }

    /// Puts this into the extensions of each request, in place of an older one of its type.
    ///
    /// reqwest lets nobody at those of its requests. It is for [`Org`](crate::Org) and
    /// [`CallOptions`](crate::CallOptions), on a clone for the requests that they are meant for:
    ///
    /// ```
    /// use tower_genesys::{CallOptions, GenesysService, reqwest::{HttpService, ReqwestService}};
    ///
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

    /// The stack.
    pub const fn get_ref(&self) -> &S {
        &self.stack
    }

    /// Sends a request through the stack, as [`reqwest::Client::execute`]
    /// does without one.
    ///
    /// # Errors
    ///
    /// Those of the stack.
    ///
    /// # Cancellation
    ///
    /// To drop the future gives the request up.
    pub async fn execute<R>(&self, request: Request) -> Result<Response, BoxError>
    where
        S: Service<http::Request<::reqwest::Body>, Response = http::Response<R>> + Clone,
        S::Error: Into<BoxError>,
        R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let mut service = self.clone();
        std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    }

    /// Sends what reqwest's builder has put together, as [`RequestBuilder::send`] does past all
    /// layers.
    ///
    /// ```
    /// # use tower_genesys::{BoxError, GenesysService, reqwest::{HttpService, ReqwestService}};
    /// # async fn example(
    /// #     genesys: ReqwestService<GenesysService<HttpService>>,
    /// #     client: reqwest::Client,
    /// #     url: &str,
    /// # ) -> Result<(), BoxError> {
    /// // Before: `client.post(url).bearer_auth(token).body("{}").send().await?`
    /// let response = genesys.send(client.post(url).body("{}")).await?.error_for_status()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the stack, and the builder's own [`reqwest::Error`], after which nothing is sent.
    ///
    /// # Cancellation
    ///
    /// To drop the future gives the request up.
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
