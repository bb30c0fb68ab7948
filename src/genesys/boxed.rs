use http::{Request, Response};
use http_body::Body;
use tower::util::BoxCloneSyncService;
use tower_layer::Layer;
use tower_service::Service;

use super::layer::GenesysLayer;
use crate::{BoxError, replay::ReplayBody, retry::Classify};

/// A [`GenesysService`](crate::GenesysService) in a box, for a struct that does
/// not name its HTTP client. It is `Clone`, `Send` and `Sync`.
///
/// [`GenesysLayer::boxed`] has an example.
pub type BoxGenesysService<B, R> = BoxCloneSyncService<Request<B>, Response<R>, BoxError>;

impl<C> GenesysLayer<C>
where
    C: Classify<BoxError> + Clone + Send + Sync + 'static,
{
    /// Wraps a client in the layers, and boxes the result.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use tower_genesys::{GenesysLayer, Org, genesys::BoxGenesysService, testing::{MockBody, MockGenesys}};
    ///
    /// struct Report {
    ///     genesys: BoxGenesysService<Full<Bytes>, MockBody>,
    /// }
    ///
    /// fn report(org: &Org, mock: &MockGenesys) -> Report {
    ///     Report { genesys: GenesysLayer::new(org).boxed(mock.service()) }
    /// }
    /// # fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    /// # fn check(report: Report) { is_shared(&report.genesys) }
    /// ```
    pub fn boxed<S, B, R>(&self, client: S) -> BoxGenesysService<B, R>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError> + 'static,
        B: Body + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
        R: Body + Send + 'static,
    {
        BoxCloneSyncService::new(self.layer(client))
    }
}
