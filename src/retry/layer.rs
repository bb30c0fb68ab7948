use std::{fmt, sync::Arc};

use http::{Extensions, Method, Uri};
use tower_layer::Layer;

use super::{
    BoxErrorClassifier, ErrorClassifier, Retry, RetryObserver, RetryPolicy, Upstream,
    settings::Settings,
};
use crate::throttle::NamedLimit;

/// Sends requests again that failed, when that can help and does no harm.
///
/// See the [module](super) for how, and for an example.
#[derive(Clone)]
pub struct RetryLayer<C = BoxErrorClassifier> {
    settings: Arc<Settings<C>>,
}

impl RetryLayer {
    /// For services whose error is a box, as it is above
    /// [`BearerLayer`](crate::bearer).
    pub fn new(policy: RetryPolicy) -> Self {
        Self::build(Settings::new(policy, BoxErrorClassifier::new()))
    }
}

impl RetryLayer<ErrorClassifier> {
    /// For services whose error is one type, such as hyper-util's client.
    pub fn typed(policy: RetryPolicy) -> Self {
        Self::build(Settings::new(policy, ErrorClassifier::new()))
    }
}

impl<C> RetryLayer<C> {
    fn build(settings: Settings<C>) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }
}

impl<C: Clone> RetryLayer<C> {
    /// Decides with this classifier what a failure means.
    #[must_use]
    pub fn with_classifier<D>(self, classify: D) -> RetryLayer<D> {
        RetryLayer::build(Arc::unwrap_or_clone(self.settings).with_classify(classify))
    }

    /// Goes by this policy.
    #[must_use]
    pub fn with_policy(self, policy: RetryPolicy) -> Self {
        self.with(|settings| settings.policy = policy)
    }

    /// Shares this throttle and this budget with all layers that are given a
    /// clone of it.
    ///
    /// # Default
    ///
    /// An upstream of its own for the layer and its clones.
    #[must_use]
    pub fn with_upstream(self, upstream: Upstream) -> Self {
        self.with(|settings| settings.upstream = upstream)
    }

    /// Sets a function that finds the upstream in the extensions of each
    /// request. If it returns `None`, the layer's own upstream applies.
    #[must_use]
    pub fn with_upstream_from(self, select: fn(&Extensions) -> Option<&Upstream>) -> Self {
        self.with(|settings| settings.select = Some(select))
    }

    /// Decides for single requests whether they may be executed twice: a POST
    /// that only reads, or a PUT that appends. Where it says `None`, the method
    /// decides; where [`CallOptions`](crate::CallOptions) say something, it is
    /// not asked.
    ///
    /// # Default
    ///
    /// `None` for all requests.
    #[must_use]
    pub fn with_repeatable<F>(self, repeatable: F) -> Self
    where
        F: Fn(&Method, &Uri) -> Option<bool> + Send + Sync + 'static,
    {
        self.with(|settings| settings.repeatable = Some(Arc::new(repeatable)))
    }

    /// Tells this observer what happens.
    ///
    /// # Default
    ///
    /// Nobody but `tracing`, at level `DEBUG`.
    #[must_use]
    pub fn with_observer(self, observer: impl RetryObserver + 'static) -> Self {
        self.with(|settings| settings.observer = Some(Arc::new(observer)))
    }

    /// Reads in the body of a 429 what limit it is about: so much of it as
    /// there is in 8 KiB and 250 milliseconds, and only if the request is sent
    /// again.
    ///
    /// Without that, the requests to one endpoint are held together after a 429.
    /// A limit of the whole account holds all of them, one of a service those
    /// to all endpoints that have named it.
    ///
    /// ```
    /// use tower_genesys::{RetryLayer, retry::{LimitScope, NamedLimit}};
    ///
    /// let layer = RetryLayer::default().with_limit_reader(|body| {
    ///     body.starts_with(b"too many requests of this key")
    ///         .then(|| NamedLimit::new("key", LimitScope::Account))
    /// });
    /// # let _ = layer;
    /// ```
    ///
    /// # Default
    ///
    /// No body is read. [`GenesysLayer`](crate::GenesysLayer) reads that of
    /// Genesys' errors.
    #[must_use]
    pub fn with_limit_reader<F>(self, read: F) -> Self
    where
        F: Fn(&[u8]) -> Option<NamedLimit> + Send + Sync + 'static,
    {
        self.with(|settings| settings.read_limit = Some(Arc::new(read)))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings<C>)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

/// With the default policy.
impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(RetryPolicy::new())
    }
}

impl<S, C> Layer<S> for RetryLayer<C> {
    type Service = Retry<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::with_settings(inner, self.settings.clone())
    }
}

impl<C> fmt::Debug for RetryLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("policy", &self.settings.policy)
            .field("upstream", &self.settings.upstream)
            .finish_non_exhaustive()
    }
}
