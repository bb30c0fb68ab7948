use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::record::Record;
use crate::BoxError;

pin_project! {
    /// The response future of [`Spanned`](super::Spanned).
    ///
    /// It enters the span at each poll. Dropping it early ends the span with
    /// `error.type` `dropped`.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ResponseFuture<F> {
        // Declared before the record, so it is dropped first: its own drop
        // still runs before the span ends.
        #[pin]
        inner: F,
        record: Record,
    }
}

impl<F> ResponseFuture<F> {
    /// Wraps the inner future, whose span has begun.
    pub(super) const fn new(inner: F, record: Record) -> Self {
        Self { inner, record }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // The duration starts here and not in `call`: a future may wait for its
        // first poll in a queue of the caller.
        this.record.poll();
        let polled = this.record.span().in_scope(|| this.inner.poll(cx));
        let result = ready!(polled).map_err(Into::into);
        this.record.end(&result);
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("span", self.record.span())
            .finish_non_exhaustive()
    }
}
