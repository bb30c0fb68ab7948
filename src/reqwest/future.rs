use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::reqwest::{Client, Error, Request, ResponseBuilderExt, Url};
use bytes::Bytes;
use http::{Extensions, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::{self, Begun};
use crate::{
    BoxError,
    retry::{Class, ErrorClassifier},
};

pin_project! {
    /// The response future of [`HttpService`](super::HttpService). Dropping it
    /// cancels the request.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture {
        #[pin]
        state: State<<Client as Service<Request>>::Future>,
        // Whether the request reached a connection; `None` if the client
        // follows no redirects, so that its errors are certain.
        begun: Option<Begun>,
    }
}

pin_project! {
    /// The response future of [`ReqwestService`](super::ReqwestService).
    /// Dropping it cancels the request.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ReqwestFuture<F> {
        #[pin]
        state: State<F>,
        // The URL of the request, for the response. `None` after a failure.
        url: Option<Url>,
    }
}

pin_project! {
    /// A request in flight, or one that reqwest could not convert.
    #[project = StateProj]
    enum State<F> {
        Sent { #[pin] response: F },
        Failed { error: Option<Error> },
    }
}

/// The invariant of `Failed`: the poll that takes the error completes the
/// future.
const COMPLETED: &str = "a response future was polled after it had completed";

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ReqwestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFuture").finish_non_exhaustive()
    }
}

impl ResponseFuture {
    /// Takes `Some(begun)` if the client may follow redirects.
    pub(super) const fn sent(
        response: <Client as Service<Request>>::Future,
        begun: Option<Begun>,
    ) -> Self {
        let state = State::Sent { response };
        Self { state, begun }
    }

    pub(super) const fn failed(error: Error) -> Self {
        let error = Some(error);
        let state = State::Failed { error };
        let begun = None;
        Self { state, begun }
    }
}

impl<F> ReqwestFuture<F> {
    pub(super) const fn sent(response: F, url: Url) -> Self {
        let state = State::Sent { response };
        let url = Some(url);
        Self { state, url }
    }

    pub(super) const fn failed(error: Error) -> Self {
        let error = Some(error);
        let state = State::Failed { error };
        Self { state, url: None }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<::reqwest::Body>, Error>;

    #[allow(clippy::expect_used, reason = "its message says why it cannot fail")]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProj::Sent { response } => Poll::Ready(match ready!(response.poll(cx)) {
                Ok(response) => Ok(into_http(response)),
                Err(error) => {
                    // After a redirect, the error may be about the next hop,
                    // and prove nothing about the first request.
                    let begun = this.begun.as_ref().is_some_and(Begun::is_set);
                    Err(redact(if begun { doubt(error) } else { error }))
                }
            }),
            StateProj::Failed { error } => Poll::Ready(Err(redact(error.take().expect(COMPLETED)))),
        }
    }
}

impl<F, R, E> Future for ReqwestFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
    R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Output = Result<::reqwest::Response, BoxError>;

    #[allow(clippy::expect_used, reason = "its message says why it cannot fail")]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProj::Sent { response } => {
                let response = ready!(response.poll(cx)).map_err(Into::into)?;
                let url = this.url.take().map(url_extension).unwrap_or_default();
                Poll::Ready(Ok(from_http(response, url)))
            }
            StateProj::Failed { error } => {
                Poll::Ready(Err(redact(error.take().expect(COMPLETED)).into()))
            }
        }
    }
}

/// Converts reqwest's response, and keeps its URL.
fn into_http(response: ::reqwest::Response) -> Response<::reqwest::Body> {
    // After a redirect, the response's URL differs from the request's.
    let url = url_extension(response.url().clone());
    let mut response = Response::<::reqwest::Body>::from(response);
    response.extensions_mut().extend(url);
    response
}

/// Converts the stack's response into reqwest's. `url` is the extension with
/// the request's URL.
fn from_http<R>(response: Response<R>, mut url: Extensions) -> ::reqwest::Response
where
    R: Body<Data: Into<Bytes>, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let (mut parts, body) = response.into_parts();
    // The response's own extensions win: after a redirect, they have its URL.
    url.extend(mem::take(&mut parts.extensions));
    parts.extensions = url;
    Response::from_parts(parts, body::wrap(body)).into()
}

/// Puts the URL where reqwest looks for it when it converts an `http` response.
fn url_extension(url: Url) -> Extensions {
    let mut builder = Response::builder().url(url);
    builder.extensions_mut().map(mem::take).unwrap_or_default()
}

/// Removes the URL of an error that seems to prove that nothing was sent, so
/// that classifiers treat it as transient. The request had reached a
/// connection: a redirect may have answered it, and the failure may be the
/// connection to the next hop.
fn doubt(error: Error) -> Error {
    match ErrorClassifier::new().class_of(&error) {
        Class::NotSent | Class::Unprocessed => error.without_url(),
        _ => error,
    }
}

/// Reduces the URL to host and path. A query may name people, and a user may
/// come with a password.
pub(super) fn redact(mut error: Error) -> Error {
    if let Some(url) = error.url_mut() {
        url.set_query(None);
        url.set_fragment(None);
        // Both fail only for URLs without a host, which have no user either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    error
}
