//! An API in memory that answers at once, and a request to it.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    marker::PhantomData,
    sync::LazyLock,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use tower::Service;

/// Drops the request, and answers at once. `E` is the error type that the
/// layers around it require.
pub struct Api<E = Infallible>(PhantomData<fn() -> E>);

impl<E> Api<E> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Default for Api<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Clone for Api<E> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<B, E> Service<Request<B>> for Api<E> {
    type Response = Response<Full<Bytes>>;
    type Error = E;
    type Future = Ready<Result<Self::Response, E>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(std::hint::black_box(request));
        ready(Ok(Response::new(Full::default())))
    }
}

pub const HOST: &str = "api.mypurecloud.com";
pub const QUERY: &str = "https://api.mypurecloud.com/api/v2/analytics/conversations/details/query";

/// A token about as long as those of Genesys Cloud.
pub const TOKEN: &str =
    "Fxg4TqIeCaF5xMEPX3M1i9yU6hZuOz1JVWCZ6SLsoZ-3cPpTFqWgLk1Vaz9J-5IYOWk7q1yFTtQr2RkDf0SbJA";

/// A POST of 200 bytes with five headers. They have standard names, which cost
/// no allocation. Its URI is parsed once.
pub fn request() -> Request<Full<Bytes>> {
    static URI: LazyLock<Uri> = LazyLock::new(|| Uri::from_static(QUERY));
    with_headers(URI.clone())
}

pub fn with_headers(uri: Uri) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(vec![b'x'; 200]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().extend(headers());
    request
}

pub fn headers() -> [(header::HeaderName, HeaderValue); 5] {
    [
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::USER_AGENT,
        header::ACCEPT_LANGUAGE,
        header::CACHE_CONTROL,
    ]
    .map(|name| (name, HeaderValue::from_static("some/value")))
}
