use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Body;
use reqwest::{Client, ClientBuilder, redirect::Policy};
use tower::Service;
use tower_genesys::BoxError;

/// A client of reqwest 0.12 as the innermost service, for `http`'s requests and
/// responses.
#[derive(Clone, Debug)]
pub(crate) struct HttpService(Client);

impl HttpService {
    /// Turns redirects off: below the layers, a redirect would send the request
    /// elsewhere without their knowledge.
    pub(crate) fn new(settings: ClientBuilder) -> reqwest::Result<Self> {
        Ok(Self(settings.redirect(Policy::none()).build()?))
    }
}

impl<B> Service<http::Request<B>> for HttpService
where
    B: Body + Send + Sync + 'static,
    B::Data: Into<Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<reqwest::Body>;
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, reqwest::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<reqwest::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (client, request) = (self.0.clone(), request.map(reqwest::Body::wrap).try_into());
        Box::pin(async move {
            let response = client.execute(request?).await;
            // A query may contain data that must not be logged.
            Ok(response.map_err(reqwest::Error::without_url)?.into())
        })
    }
}
