use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{MockBody, MockError, exchange, state::Shared};
use crate::BoxError;

/// A [`MockGenesys`](super::MockGenesys) as an in-memory service: no sockets,
/// no tasks, and no clock but tokio's.
///
/// It accepts any request body, tells login from API by the path, and is always
/// ready. The [module docs](super) have an example.
///
/// # Errors
///
/// [`MockError`] if a script cuts the connection, or if the request body fails.
#[derive(Clone)]
pub struct MockService {
    shared: Arc<Shared>,
}

impl MockService {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<B> Service<Request<B>> for MockService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<MockBody>;
    type Error = MockError;
    type Future = MockFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), MockError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> MockFuture {
        let shared = Arc::clone(&self.shared);
        let answer = async move {
            let (response, _) = exchange::answer(&shared, request).await?;
            Ok(response)
        };
        MockFuture {
            answer: Box::pin(answer),
        }
    }
}

impl fmt::Debug for MockService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockService").finish_non_exhaustive()
    }
}

/// The response future of a [`MockService`]. The request arrives at the first
/// poll.
#[must_use = "futures do nothing unless polled"]
pub struct MockFuture {
    answer: Pin<Box<dyn Future<Output = Result<Response<MockBody>, MockError>> + Send>>,
}

impl Future for MockFuture {
    type Output = Result<Response<MockBody>, MockError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.as_mut().poll(cx)
    }
}

impl fmt::Debug for MockFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockFuture").finish_non_exhaustive()
    }
}
