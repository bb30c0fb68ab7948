//! The four layers in their order, and the service that they make.

use std::fmt;

#[cfg(feature = "tower")]
use http::{Request, Response};
#[cfg(feature = "tower")]
use tower::util::BoxCloneSyncService;
use tower_layer::Layer;
#[cfg(feature = "tower")]
use tower_service::Service;

use super::{Org, is_read_only, named_limit};
#[cfg(feature = "tower")]
use crate::{BoxError, replay::ReplayBody, retry::Classify};
use crate::{
    bearer::{Bearer, BearerLayer},
    refresh::{Refresh, RefreshLayer},
    replay::{Replay, ReplayLayer},
    retry::{BoxErrorClassifier, Retry, RetryLayer, RetryPolicy, Upstream},
};

/// The service that [`GenesysLayer`] builds around a client `S`.
///
/// It takes a `Request<B>` with any body that is `Unpin`; `S` must take a
/// `Request<ReplayBody<B>>`. Its error is [`BoxError`](crate::BoxError). `C` is
/// the classifier; name it if you set [a custom one](GenesysLayer::map_retry).
///
/// An example is in the [guide](crate::guide::migrating#a-token-in-a-static).
pub type GenesysService<S, C = BoxErrorClassifier> =
    Replay<Retry<Refresh<Bearer<S, Option<Org>>>, C>>;

/// A [`GenesysService`](crate::GenesysService) in a box, for a struct that does
/// not name its HTTP client. It is `Clone`, `Send` and `Sync`.
///
/// [`GenesysLayer::boxed`] has an example.
#[cfg(feature = "tower")]
pub type BoxGenesysService<B, R> = BoxCloneSyncService<Request<B>, Response<R>, BoxError>;

/// The four layers of this crate in their order, set up for the Genesys Cloud
/// API.
///
/// The [module](super) page shows it in use.
#[derive(Clone)]
pub struct GenesysLayer<C = BoxErrorClassifier> {
    replay: ReplayLayer,
    retry: RetryLayer<C>,
    bearer: BearerLayer<Option<Org>>,
}

impl GenesysLayer {
    /// Sends requests as this organisation, unless they have another one in
    /// their extensions.
    ///
    /// # Default
    ///
    /// [`ReplayLayer::new`] and [`RetryPolicy::new`]. POSTs that [only
    /// read](is_read_only) are retried like GETs.
    pub fn new(org: &Org) -> Self {
        Self::build(Some(org.clone()), org.upstream().clone())
    }

    /// Sends each request as the [`Org`] in its extensions. A request without
    /// one fails with
    /// [`OriginErrorKind::NoAccount`](crate::bearer::OriginErrorKind::NoAccount).
    ///
    /// Use it in a process that serves several organisations. A request then
    /// never goes out as the wrong organisation because your code forgot to
    /// name one, or because a redirect layer outside of the stack dropped the
    /// extensions.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http::{Request, StatusCode};
    /// use http_body_util::Full;
    /// use tower::{Layer, ServiceExt};
    /// use tower_genesys::{
    ///     Credentials, GenesysLayer, Org,
    ///     bearer::{OriginError, OriginErrorKind},
    ///     testing::MockGenesys,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let mock = MockGenesys::new();
    /// let id = mock.client_id();
    /// let credentials = Credentials::new(id, mock.client_secret())?;
    /// let org = Org::builder(mock.region())
    ///     .credentials(credentials)
    ///     .build(mock.http_client())?;
    /// let genesys = GenesysLayer::per_request().layer(mock.service());
    ///
    /// let request = Request::get(org.api("/api/v2/users")?);
    /// let mut request = request.body(Full::<Bytes>::default())?;
    /// let nobodys = request.clone();
    /// request.extensions_mut().insert(org);
    /// let response = genesys.clone().oneshot(request).await?;
    /// assert_eq!(response.status(), StatusCode::OK);
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
        // This upstream stays unused: a request without an organisation fails
        // before it is sent.
        Self::build(None, Upstream::new())
    }

    /// Builds the stack. Requests that name an organisation bring its upstream
    /// along; `upstream` serves the others.
    fn build(org: Option<Org>, upstream: Upstream) -> Self {
        Self {
            replay: ReplayLayer::new(),
            retry: RetryLayer::new(RetryPolicy::new())
                .with_upstream(upstream)
                .with_upstream_from(Org::upstream_of)
                .with_repeatable(is_read_only)
                .with_limit_reader(named_limit::read),
            bearer: BearerLayer::per_request(org),
        }
    }
}

impl<C> GenesysLayer<C> {
    /// Sets the replay layer, which limits how much of a streaming body is kept
    /// for a resend.
    #[must_use]
    pub fn with_replay(mut self, replay: ReplayLayer) -> Self {
        self.replay = replay;
        self
    }

    /// Changes the retry layer: its policy, its observer or its classifier.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tower_genesys::{
    ///     BoxError, GenesysLayer, GenesysService, Org, testing::MockService,
    /// };
    /// use tower_genesys::retry::{
    ///     BoxErrorClassifier, Class, Classify, RequestHead, ResponseHead,
    ///     RetryEvent,
    /// };
    ///
    /// /// A gateway that answers 520 when the API is not reached.
    /// #[derive(Clone)]
    /// struct Gateway(BoxErrorClassifier);
    ///
    /// impl Classify<BoxError> for Gateway {
    ///     fn response(
    ///         &self,
    ///         request: RequestHead<'_>,
    ///         response: ResponseHead<'_>,
    ///     ) -> Class {
    ///         match response.status().as_u16() {
    ///             520 => Class::NotSent,
    ///             _ => {
    ///                 Classify::<BoxError>::response(&self.0, request, response)
    ///             }
    ///         }
    ///     }
    ///
    ///     fn error(
    ///         &self,
    ///         request: RequestHead<'_>,
    ///         error: &BoxError,
    ///     ) -> Class {
    ///         self.0.error(request, error)
    ///     }
    /// }
    ///
    /// struct App {
    ///     genesys: GenesysService<MockService, Gateway>,
    /// }
    ///
    /// # use http_body_util::Full;
    /// # use tower::{Layer, ServiceExt};
    /// # use tower_genesys::{Credentials, testing::{CREATE_USER, MockGenesys}};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), BoxError> {
    /// # let mock = MockGenesys::new();
    /// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// # let org = Org::builder(mock.region()).credentials(keys);
    /// # let org = org.build(mock.http_client())?;
    /// # let client = mock.service();
    /// let layer = GenesysLayer::new(&org).map_retry(|retry| {
    ///     retry
    ///         .with_classifier(Gateway(BoxErrorClassifier::new()))
    ///         .with_observer(|event: &RetryEvent<'_>| println!("{event:?}"))
    /// });
    /// let app = App { genesys: layer.layer(client) };
    /// # let status = http::StatusCode::from_u16(520)?;
    /// # mock.on(CREATE_USER).nth(1).reply_status(status);
    /// # let body = r#"{"name":"Ada","email":"ada@example.com"}"#;
    /// # let body = Full::<bytes::Bytes>::from(body);
    /// # let request = http::Request::post(org.api("/api/v2/users")?).body(body)?;
    /// # assert_eq!(app.genesys.oneshot(request).await?.status(), 200);
    /// # assert_eq!((mock.count(CREATE_USER), mock.created_users()), (2, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn map_retry<D>(
        self,
        change: impl FnOnce(RetryLayer<C>) -> RetryLayer<D>,
    ) -> GenesysLayer<D> {
        GenesysLayer {
            replay: self.replay,
            retry: change(self.retry),
            bearer: self.bearer,
        }
    }
}

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
impl<C> GenesysLayer<C>
where
    C: Classify<BoxError> + Clone + Send + Sync + 'static,
{
    /// Wraps a client in the layers, and boxes the result.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use tower_genesys::{
    ///     GenesysLayer, Org, genesys::BoxGenesysService,
    ///     testing::{MockBody, MockGenesys},
    /// };
    ///
    /// struct Report {
    ///     genesys: BoxGenesysService<Full<Bytes>, MockBody>,
    /// }
    ///
    /// fn report(org: &Org, mock: &MockGenesys) -> Report {
    ///     Report { genesys: GenesysLayer::new(org).boxed(mock.service()) }
    /// }
    ///
    /// # use tower::ServiceExt;
    /// # use tower_genesys::Credentials;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::new();
    /// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// # let org = Org::builder(mock.region()).credentials(keys);
    /// # let org = org.build(mock.http_client())?;
    /// let genesys = report(&org, &mock).genesys;
    /// let request = http::Request::get(org.api("/api/v2/users")?);
    /// let request = request.body(Full::<Bytes>::default())?;
    /// assert_eq!(genesys.oneshot(request).await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn boxed<S, B, R>(&self, client: S) -> BoxGenesysService<B, R>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError> + 'static,
        B: http_body::Body + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
        R: http_body::Body + Send + 'static,
    {
        BoxCloneSyncService::new(self.layer(client))
    }
}

impl<C> fmt::Debug for GenesysLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenesysLayer")
            .field("replay", &self.replay)
            .field("retry", &self.retry)
            .field("bearer", &self.bearer)
            .finish()
    }
}

impl<S, C> Layer<S> for GenesysLayer<C> {
    type Service = GenesysService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let bearer = self.bearer.layer(inner);
        self.replay
            .layer(self.retry.layer(RefreshLayer::new().layer(bearer)))
    }
}
