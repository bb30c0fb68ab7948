use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{CollectedBody, ResponseFuture};
use crate::{BoxError, call::CallOptions};

/// The value of
/// [`CollectLayer::DEFAULT_CAP`](crate::CollectLayer::DEFAULT_CAP), which has
/// the reason, in bytes.
pub(super) const DEFAULT_CAP: usize = 4 * 1024 * 1024;

/// The service that a [`CollectLayer`](crate::CollectLayer) creates.
#[derive(Clone, Debug)]
pub struct Collect<S> {
    inner: S,
    cap: usize,
}

impl<S> Collect<S> {
    /// Wraps a service and collects bodies of up to
    /// [`DEFAULT_CAP`](crate::CollectLayer::DEFAULT_CAP), 4 MiB.
    ///
    /// Use [`CollectLayer::with_cap`](crate::CollectLayer::with_cap) for
    /// another cap.
    ///
    /// ```
    /// use tower_genesys::collect::Collect;
    ///
    /// let collect = Collect::new("the client");
    /// assert_eq!(collect.into_inner(), "the client");
    /// ```
    pub const fn new(inner: S) -> Self {
        Self::with_cap(inner, DEFAULT_CAP)
    }

    pub(super) const fn with_cap(inner: S, cap: usize) -> Self {
        Self { inner, cap }
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

impl<S, B, R> Service<Request<B>> for Collect<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: Body,
    R::Error: Into<BoxError>,
{
    type Response = Response<CollectedBody<R>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Zero collects nothing: `with_cap` accepts no zero, so it is free to
        // stand for a stream that the caller asked for.
        let cap = match CallOptions::of(request.extensions()).streamed {
            true => 0,
            false => self.cap,
        };
        ResponseFuture::new(self.inner.call(request), cap)
    }
}
