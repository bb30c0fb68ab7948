use tower_layer::Layer;

use super::{Org, is_read_only};
use crate::{
    bearer::{Bearer, BearerLayer},
    refresh::{Refresh, RefreshLayer},
    replay::{Replay, ReplayLayer},
    retry::{BoxErrorClassifier, Retry, RetryLayer, RetryPolicy},
};

/// The service that [`GenesysLayer`] makes of a client `S`.
///
/// It takes a `Request<B>` for any body, and asks of `S` that it takes a
/// `Request<ReplayBody<B>>`. Its error is [`BoxError`](crate::BoxError).
///
/// An example is in the [guide](crate::guide::migrating#a-token-in-a-static).
pub type GenesysService<S> = Replay<Retry<Refresh<Bearer<S, Org>>, BoxErrorClassifier>>;

/// The four layers in their order, set up for the Genesys Cloud API.
///
/// See the [module](super) for an example.
#[derive(Clone, Debug)]
pub struct GenesysLayer {
    replay: ReplayLayer,
    retry: RetryLayer,
    bearer: BearerLayer<Org>,
}

impl GenesysLayer {
    /// Sends requests as this organisation, unless they name another one in their extensions.
    ///
    /// # Default
    ///
    /// [`ReplayLayer::new`]; [`RetryPolicy::new`], with POSTs that [only read](is_read_only) sent
    /// again like GETs.
    pub fn new(org: &Org) -> Self {
        Self {
            replay: ReplayLayer::new(),
            retry: RetryLayer::new(RetryPolicy::new())
                .with_upstream(org.upstream().clone())
                .with_upstream_from(Org::upstream_of)
                .with_repeatable(is_read_only),
            bearer: BearerLayer::per_request(org.clone()),
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
