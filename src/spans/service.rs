use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    ResponseFuture, Scope,
    record::{Record, Settings},
};
use crate::BoxError;

/// The service that a [`SpanLayer`](crate::SpanLayer) creates.
#[derive(Clone)]
pub struct Spanned<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Spanned<S> {
    /// Wraps a service so that it creates spans of this scope, without
    /// templates or observer.
    ///
    /// Use [`SpanLayer`](crate::SpanLayer) to set those.
    ///
    /// ```
    /// use tower_genesys::spans::{Scope, Spanned};
    ///
    /// let spanned = Spanned::new("the client", Scope::Attempt);
    /// assert_eq!(*spanned.get_ref(), "the client");
    /// ```
    pub fn new(inner: S, scope: Scope) -> Self {
        Self::with_settings(inner, Arc::new(Settings::new(scope)))
    }

    pub(super) const fn with_settings(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
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

impl<S, B, R> Service<Request<B>> for Spanned<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let record = Record::begin(&self.settings, &request);
        // Within the span, because a service may start its work in `call`.
        let future = record.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(future, record)
    }
}

impl<S: fmt::Debug> fmt::Debug for Spanned<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spanned")
            .field("inner", &self.inner)
            .field("scope", &self.settings.scope)
            .finish_non_exhaustive()
    }
}
