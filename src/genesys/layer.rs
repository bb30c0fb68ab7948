use tower_layer::Layer;

use super::{Org, is_read_only};
use crate::{
    bearer::{Bearer, BearerLayer},
    refresh::{Refresh, RefreshLayer},
    replay::{Replay, ReplayLayer},
    retry::{BoxErrorClassifier, Retry, RetryLayer, RetryPolicy, Upstream},
};

/// The service that [`GenesysLayer`] makes of a client `S`.
///
/// It takes a `Request<B>` for any body, and asks of `S` that it takes a
/// `Request<ReplayBody<B>>`. Its error is [`BoxError`](crate::BoxError).
///
/// An example is in the [guide](crate::guide::migrating#a-token-in-a-static).
pub type GenesysService<S> = Replay<Retry<Refresh<Bearer<S, Option<Org>>>, BoxErrorClassifier>>;

/// The four layers in their order, set up for the Genesys Cloud API.
///
/// See the [module](super) for an example.
#[derive(Clone, Debug)]
pub struct GenesysLayer {
    replay: ReplayLayer,
    retry: RetryLayer,
    bearer: BearerLayer<Option<Org>>,
}

impl GenesysLayer {
    /// Sends requests as this organisation, unless they name another one in their extensions.
    ///
    /// # Default
    ///
    /// [`ReplayLayer::new`]; [`RetryPolicy::new`], with POSTs that [only read](is_read_only) sent
    /// again like GETs.
    pub fn new(org: &Org) -> Self {
        Self::build(Some(org.clone()), org.upstream().clone())
    }

    /// Sends each request as the organisation that it names in its extensions, and none as another
    /// one: what names none is refused, with
    /// [`OriginErrorKind::NoAccount`](crate::bearer::OriginErrorKind::NoAccount).
    ///
    /// For a process that serves several organisations. Nothing is then sent as the wrong one
    /// because somebody forgot to name it, or because a redirect that was followed outside of the
    /// layers has lost it.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, StatusCode};
    /// use http_body_util::Full;
    /// use tower::{Layer, ServiceExt};
    /// use tower_genesys::{Credentials, GenesysLayer, Org, OriginError, bearer::OriginErrorKind, testing::MockGenesys};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let mock = MockGenesys::new();
    /// let org = Org::builder(mock.region())
    ///     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
    ///     .build::<Full<Bytes>, _>(mock.service())?;
    /// let genesys = GenesysLayer::per_request().layer(mock.service());
    ///
    /// let mut request = Request::get(org.api("/api/v2/users")?).body(Full::<Bytes>::default())?;
    /// let nobodys = request.clone();
    /// request.extensions_mut().insert(org);
    /// assert_eq!(genesys.clone().oneshot(request).await?.status(), StatusCode::OK);
    ///
    /// let error = genesys.oneshot(nobodys).await.map(drop).unwrap_err();
    /// let refused = OriginError::find(&*error).map(OriginError::kind);
    /// assert_eq!(refused, Some(OriginErrorKind::NoAccount));
    /// assert_eq!(mock.api_calls(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Default
    ///
    /// As for [`new`](Self::new).
    pub fn per_request() -> Self {
        Self::build(None, Upstream::new())
    }

    fn build(org: Option<Org>, upstream: Upstream) -> Self {
        Self {
            replay: ReplayLayer::new(),
            retry: RetryLayer::new(RetryPolicy::new())
                .with_upstream(upstream)
                .with_upstream_from(Org::upstream_of)
                .with_repeatable(is_read_only),
            bearer: BearerLayer::per_request(org),
        }
    }

    /// How much of streaming bodies is kept.
    #[must_use]
    pub fn with_replay(mut self, replay: ReplayLayer) -> Self {
        self.replay = replay;
        self
    }

    /// Changes the retry layer: its policy, its observer, its classifier.
    #[must_use]
    pub fn map_retry(mut self, change: impl FnOnce(RetryLayer) -> RetryLayer) -> Self {
        self.retry = change(self.retry);
        self
    }
}

impl<S> Layer<S> for GenesysLayer {
    type Service = GenesysService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let bearer = self.bearer.layer(inner);
        self.replay
            .layer(self.retry.layer(RefreshLayer::new().layer(bearer)))
    }
}
