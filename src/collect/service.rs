use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{CollectedBody, ResponseFuture};
use crate::{BoxError, call::CallOptions};

/// The service of a [`CollectLayer`](crate::CollectLayer).
///
/// There is an example in the [module docs](super).
#[derive(Clone, Debug)]
pub struct Collect<S> {
    inner: S,
    cap: usize,
}

impl<S> Collect<S> {
    /// Collects bodies of up to [`DEFAULT_CAP`](crate::CollectLayer::DEFAULT_CAP); the layer has a
    /// setting for it.
    pub const fn new(inner: S) -> Self {
        Self::with_cap(inner, crate::CollectLayer::DEFAULT_CAP)
    }

    pub(super) const fn with_cap(inner: S, cap: usize) -> Self {
        Self { inner, cap }
    }

    /// The service that sends.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that sends.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service that sends.
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
        let cap = match CallOptions::of(request.extensions()).streamed {
            true => 0,
            false => self.cap,
        };
        ResponseFuture::new(self.inner.call(request), cap)
    }
}
