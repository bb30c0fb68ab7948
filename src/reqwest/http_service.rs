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

/// A [`reqwest::Client`](Client) as a service for `http::Request<B>`, whatever the body.
///
/// See the [module](super) for an example, and for what the client does by itself.
///
/// Method, URI, version, headers and extensions go to reqwest as they are; the response has the
/// extensions that reqwest has put there. Bodies are streamed both ways.
///
/// # Cloning
///
/// A clone is the same client, with the same connections, and costs a reference count.
#[derive(Clone, Debug)]
pub struct HttpService {
    client: Client,
    /// Whether it may follow redirects: a client cannot be asked.
    may_redirect: bool,
}

impl HttpService {
    /// A client of these settings that sends each request once and follows no redirect: both are
    /// the business of layers around it.
    ///
    /// # Errors
    ///
    /// What [`ClientBuilder::build`] fails with: TLS or the DNS resolver cannot be set up.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, Error> {
        let builder = builder.redirect(redirect::Policy::none());
        let client = builder.retry(retry::never()).build()?;
        Ok(Self {
            client,
            may_redirect: false,
        })
    }

    /// A client as it is. The [module](super) says what its redirects and retries do in here.
    pub const fn new(client: Client) -> Self {
        Self {
            client,
            may_redirect: true,
        }
    }

    /// The client, to build requests with.
    ///
    /// What it sends by itself (`RequestBuilder::send`, `Client::execute`) goes past all layers,
    /// and has no token.
    pub const fn get_ref(&self) -> &Client {
        &self.client
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
        let begun = self.may_redirect.then(Begun::default);
        let request = request.map(|body| match &begun {
            Some(begun) => body::watch(body, begun.clone()),
            None => body::wrap(body),
        });
        match ::reqwest::Request::try_from(request) {
            Ok(request) => ResponseFuture::sent(self.client.call(request), begun),
            Err(error) => ResponseFuture::failed(error),
        }
    }
}
