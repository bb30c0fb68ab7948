use std::task::{Context, Poll};

use ::reqwest::{Client, ClientBuilder, Error, redirect, retry};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    ResponseFuture,
    body::{self, Begun},
};
use crate::BoxError;

/// A [`reqwest::Client`](Client) as a service for `http::Request<B>`, for any
/// body type.
///
/// The [module](super) has an example, and describes how the client's own
/// retries and redirects behave inside the layers.
///
/// Method, URI, version, headers and extensions reach reqwest unchanged, and
/// the response keeps the extensions that reqwest sets. Bodies are streamed in
/// both directions.
///
/// # Cloning
///
/// Clones share the client and its connections. A clone costs a reference
/// count.
#[derive(Clone, Debug)]
pub struct HttpService {
    client: Client,
    /// Whether the client may follow redirects; reqwest does not tell.
    may_redirect: bool,
}

impl HttpService {
    /// Builds a client with these settings that sends each request once and
    /// follows no redirect. The layers around it retry and redirect.
    ///
    /// # Errors
    ///
    /// The error of [`ClientBuilder::build`]: TLS or the DNS resolver cannot be
    /// set up.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, Error> {
        let builder = builder.redirect(redirect::Policy::none());
        let client = builder.retry(retry::never()).build()?;
        Ok(Self {
            client,
            may_redirect: false,
        })
    }

    /// Wraps a client unchanged. The [module](super) describes the effect of
    /// its redirects and retries.
    pub const fn new(client: Client) -> Self {
        Self {
            client,
            may_redirect: true,
        }
    }

    /// Returns a reference to the client, to build requests with.
    ///
    /// Requests that it sends itself (`RequestBuilder::send`,
    /// `Client::execute`) bypass all layers and carry no token.
    pub const fn get_ref(&self) -> &Client {
        &self.client
    }

    /// Returns a mutable reference to the client.
    ///
    /// If the service is from [`from_builder`](Self::from_builder), another
    /// client put in its place must not follow redirects either.
    pub const fn get_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Returns the client.
    pub fn into_inner(self) -> Client {
        self.client
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response<::reqwest::Body>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.client.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        // Without redirects, an error's own classification is exact, and the
        // body needs no watch.
        let begun = self.may_redirect.then(Begun::default);
        let request = request.map(|body| match &begun {
            Some(begun) => body::watch(body, begun.clone()),
            None => body::wrap(body),
        });
        match ::reqwest::Request::try_from(request) {
            Ok(request) => ResponseFuture::sent(self.client.call(request), begun),
            // A URI that is not absolute, for example. Nothing was sent.
            Err(error) => ResponseFuture::failed(error),
        }
    }
}
