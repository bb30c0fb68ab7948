use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::ResponseFuture;
use crate::replay::{CloneBody, RequestCopy};

/// A service that replays a request once after a 401; see the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Refresh<S> {
    inner: S,
}

impl<S> Refresh<S> {
    /// Wraps a service. It has no settings.
    ///
    /// ```
    /// use tower_genesys::refresh::Refresh;
    ///
    /// let mut refresh = Refresh::new("the client");
    /// *refresh.get_mut() = "another client";
    /// assert_eq!(refresh.get_ref(), &"another client");
    /// assert_eq!(refresh.into_inner(), "another client");
    /// ```
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }

    /// Returns a reference to the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R> Service<Request<B>> for Refresh<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: CloneBody,
    R: Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The outermost layer that can resend keeps the only copy.
        if request.body().is_kept() {
            return ResponseFuture::kept_outside(self.inner.call(request));
        }
        // The clone of the service is made ready only if a resend needs it.
        match RequestCopy::keep(&mut request, &self.inner) {
            Some(copy) => ResponseFuture::kept_here(self.inner.call(request), copy),
            None => ResponseFuture::once(self.inner.call(request)),
        }
    }
}
