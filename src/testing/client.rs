use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

use super::{MockBody, MockError, MockFuture, MockService};
use crate::replay::ReplayBody;

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
/// let pager = Pager::new(&org, GenesysLayer::new(&org).layer(mock.http_client()));
/// # let _ = pager;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MockClient {
    service: MockService,
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
