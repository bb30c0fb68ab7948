use std::{fmt, sync::Arc};

use http::{Extensions, Method, Uri};
use tower_layer::Layer;

use super::{
    BoxErrorClassifier, ErrorClassifier, Retry, RetryObserver, RetryPolicy, Upstream,
    settings::Settings,
};
use crate::throttle::NamedLimit;

/// Retries failed requests when a retry can help and is safe; see the
/// [module](super).
///
/// # Default
///
/// The default [`RetryPolicy`], and a new [`Upstream`].
#[derive(Clone)]
pub struct RetryLayer<C = BoxErrorClassifier> {
    settings: Arc<Settings<C>>,
}

impl RetryLayer {
    /// Creates a layer for services whose error is a
    /// [`BoxError`](crate::BoxError), as that of [`Bearer`](crate::bearer).
    ///
    /// The [module docs](super#customising) have an example.
    pub fn new(policy: RetryPolicy) -> Self {
        Self::build(Settings::new(policy, BoxErrorClassifier::new()))
    }
}

impl RetryLayer<ErrorClassifier> {
    /// Creates a layer for services with another type of error, such as
    /// hyper-util's client.
    ///
    /// ```
    /// use std::io;
    /// use bytes::Bytes;
    /// use http::{Request, Response};
    /// use http_body_util::{Empty, Full};
    /// use tower::{ServiceBuilder, ServiceExt};
    /// use tower_genesys::{
    ///     ReplayBody, ReplayLayer, RetryLayer, RetryPolicy, retry::Attempt,
    /// };
    ///
    /// /// Refuses the first connection.
    /// async fn client(
    ///     request: Request<ReplayBody<Full<Bytes>>>,
    /// ) -> io::Result<Response<Empty<Bytes>>> {
    ///     match Attempt::of(request.extensions()).get() {
    ///         1 => Err(io::ErrorKind::ConnectionRefused.into()),
    ///         _ => Ok(Response::new(Empty::new())),
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let client = ServiceBuilder::new()
    ///     .layer(ReplayLayer::new())
    ///     .layer(RetryLayer::typed(RetryPolicy::new()))
    ///     .service_fn(client);
    /// let request = Request::post("https://api.example/users");
    /// let response = client.oneshot(request.body(Full::default())?).await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
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
    /// Sets the classifier, which decides what a failure means.
    ///
    /// [`Classify`](super::Classify) has an example of one.
    ///
    /// # Default
    ///
    /// [`BoxErrorClassifier`] or, with [`typed`](RetryLayer::typed),
    /// [`ErrorClassifier`].
    #[must_use]
    pub fn with_classifier<D>(self, classify: D) -> RetryLayer<D> {
        RetryLayer::build(Arc::unwrap_or_clone(self.settings).with_classify(classify))
    }

    /// Replaces the policy.
    #[must_use]
    pub fn with_policy(self, policy: RetryPolicy) -> Self {
        self.with(|settings| settings.policy = policy)
    }

    /// Sets the throttle and the budget. All layers with a clone of `upstream`
    /// share them.
    ///
    /// The [module docs](super#customising) have an example.
    ///
    /// # Default
    ///
    /// A new upstream, which the layer, its services and their clones share.
    #[must_use]
    pub fn with_upstream(self, upstream: Upstream) -> Self {
        self.with(|settings| settings.upstream = upstream)
    }

    /// Sets a function that finds the upstream in the extensions of each
    /// request, for one stack that serves several organisations. If it returns
    /// `None`, the layer's own upstream applies.
    ///
    /// ```
    /// use tower_genesys::{RetryLayer, retry::Upstream};
    ///
    /// #[derive(Clone)]
    /// struct Tenant {
    ///     upstream: Upstream,
    /// }
    ///
    /// let layer = RetryLayer::default().with_upstream_from(|extensions| {
    ///     let tenant: &Tenant = extensions.get()?;
    ///     Some(&tenant.upstream)
    /// });
    /// # let _ = layer;
    /// ```
    ///
    /// # Default
    ///
    /// No function: the layer's own upstream applies to all requests.
    #[must_use]
    pub fn with_upstream_from(self, select: fn(&Extensions) -> Option<&Upstream>) -> Self {
        self.with(|settings| settings.select = Some(select))
    }

    /// Sets a predicate that decides whether a request may be executed twice.
    ///
    /// Use it where the method says the wrong thing: a POST that only reads, or
    /// a PUT that appends. If the predicate returns `None`, the method decides.
    /// It is not called for a request whose
    /// [`CallOptions`](crate::CallOptions::with_repeatable) decide.
    ///
    /// The [module docs](super#customising) have an example.
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

    /// Sets an observer, for metrics and logs.
    ///
    /// [`RetryObserver`] has an example.
    ///
    /// # Default
    ///
    /// None. Every event also goes to `tracing`, at level `DEBUG`.
    #[must_use]
    pub fn with_observer(self, observer: impl RetryObserver + 'static) -> Self {
        self.with(|settings| settings.observer = Some(Arc::new(observer)))
    }

    /// Sets a function that finds the name of the limit in the body of a 429.
    ///
    /// The layer calls it only if it resends the request. The function gets up
    /// to 8 KiB of the body, as far as they arrive within 250 milliseconds.
    ///
    /// After a 429, the throttle holds the requests to one endpoint. If the
    /// function names a limit of the whole account, it holds all requests. If
    /// it names the limit of a service, it holds the requests to all endpoints
    /// that have named this limit.
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
    /// No body is read. [`GenesysLayer`](crate::GenesysLayer) reads the error
    /// bodies of Genesys Cloud.
    #[must_use]
    pub fn with_limit_reader<F>(self, read: F) -> Self
    where
        F: Fn(&[u8]) -> Option<NamedLimit> + Send + Sync + 'static,
    {
        self.with(|settings| settings.read_limit = Some(Arc::new(read)))
    }

    /// Changes a setting of this layer. Services that it has made keep theirs.
    fn with(mut self, change: impl FnOnce(&mut Settings<C>)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

/// The layer of [`RetryLayer::new`] with the default policy.
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
