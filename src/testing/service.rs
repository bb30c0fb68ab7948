//! The mock in memory: a tower service for any body, and one for a single body
//! type.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{MockBody, MockError, exchange, state::Shared};
use crate::{BoxError, replay::ReplayBody};

/// A [`MockGenesys`](super::MockGenesys) as an in-memory service: no sockets,
/// no tasks, and no clock but tokio's.
///
/// It accepts any request body, tells login from API by the path, and is always
/// ready. The [module docs](super) have an example.
///
/// # Errors
///
/// [`MockError`] if a script cuts the connection, or if the request body fails.
///
/// # Cancellation
///
/// Dropping the future drops the request, as a closed connection does. The mock
/// has counted it if it was polled.
#[derive(Clone)]
pub struct MockService {
    shared: Arc<Shared>,
}

/// A [`MockService`] for one body type: the one that the layers send for
/// callers with `Full<Bytes>`.
///
/// A [`MockService`] accepts any body, so the compiler cannot infer which one
/// [`OrgBuilder::build`](crate::genesys::OrgBuilder::build) and
/// [`Pager::new`](crate::Pager::new) use. This client has a single type, like a
/// [`Client`](crate::client) that a program shares between both.
///
/// ```
/// use tower_genesys::testing::MockGenesys;
/// # use tower_genesys::{BoxError, Credentials, GenesysLayer, Org, Pager};
/// # use tower_layer::Layer;
///
/// # fn main() -> Result<(), BoxError> {
/// let mock = MockGenesys::new();
/// let org = Org::builder(mock.region())
///     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
///     .build(mock.http_client())?;
/// let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// let _pager = Pager::new(&org, genesys); // sends nothing until it is polled
/// assert_eq!((mock.token_posts(), mock.api_calls()), (0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MockClient {
    service: MockService,
}

/// The response future of a [`MockService`]. The request arrives at the first
/// poll.
#[must_use = "futures do nothing unless polled"]
pub struct MockFuture {
    response: Pin<Box<dyn Future<Output = Result<Response<MockBody>, MockError>> + Send>>,
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
        let response = async move {
            // An unread body is dropped: in memory, no buffer holds it.
            let (response, _) = exchange::respond(&shared, request).await?;
            Ok(response)
        };
        MockFuture {
            response: Box::pin(response),
        }
    }
}

impl fmt::Debug for MockService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockService").finish_non_exhaustive()
    }
}

impl MockClient {
    pub(super) const fn new(service: MockService) -> Self {
        Self { service }
    }
}

impl Service<Request<ReplayBody<Full<Bytes>>>> for MockClient {
    type Response = Response<MockBody>;
    type Error = MockError;
    type Future = MockFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), MockError>> {
        Service::<Request<ReplayBody<Full<Bytes>>>>::poll_ready(&mut self.service, cx)
    }

    fn call(&mut self, request: Request<ReplayBody<Full<Bytes>>>) -> MockFuture {
        self.service.call(request)
    }
}

impl Future for MockFuture {
    type Output = Result<Response<MockBody>, MockError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.response.as_mut().poll(cx)
    }
}

impl fmt::Debug for MockFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockFuture").finish_non_exhaustive()
    }
}
