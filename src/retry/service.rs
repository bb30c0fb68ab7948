use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    Attempt, BoxErrorClassifier, Classify, ResponseFuture, RetryPolicy, call::Call,
    settings::Settings,
};
use crate::replay::CloneBody;

/// A service that retries failed requests; see the [module](super).
///
/// A [`RetryLayer`](super::RetryLayer) creates it, and has more settings than
/// [`new`](Self::new).
#[derive(Clone)]
pub struct Retry<S, C> {
    inner: S,
    settings: Arc<Settings<C>>,
}

impl<S> Retry<S, BoxErrorClassifier> {
    /// Wraps a service whose error is a [`BoxError`](crate::BoxError), with
    /// this policy and a new [`Upstream`](super::Upstream).
    ///
    /// ```
    /// use tower_genesys::{RetryPolicy, retry::Retry};
    ///
    /// let mut retry = Retry::new("the client", RetryPolicy::new());
    /// *retry.get_mut() = "another client";
    /// assert_eq!(retry.get_ref(), &"another client");
    /// assert_eq!(retry.into_inner(), "another client");
    /// ```
    pub fn new(inner: S, policy: RetryPolicy) -> Self {
        let settings = Settings::new(policy, BoxErrorClassifier::new());
        Self::with_settings(inner, Arc::new(settings))
    }
}

impl<S, C> Retry<S, C> {
    pub(super) fn with_settings(inner: S, settings: Arc<Settings<C>>) -> Self {
        Self { inner, settings }
    }

    /// Returns a reference to the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, C, B, R> Service<Request<B>> for Retry<S, C>
where
    S: Service<Request<B>, Response = Response<R>, Error: 'static> + Clone,
    C: Classify<S::Error>,
    B: CloneBody,
    R: Body,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // A layer outside keeps a copy of this request and resends it if
        // necessary. The sends of two such layers would multiply. A second
        // replay layer in between hides the mark of the outer layer, but not
        // the number of its resend.
        let is_resend = request.extensions().get::<Attempt>().is_some();
        let passes = request.body().is_kept() || is_resend;
        let may_go = match passes {
            true => self.settings.has_slot(request.extensions()),
            false => self.settings.may_pass(request.extensions()),
        };
        // Only a request that must wait is given a call before its send. If the
        // gate opens between this check and `queue_first`, the request goes out
        // like the others.
        if !may_go {
            let settings = self.settings.clone();
            let mut call = match passes {
                true => Call::passing(settings, &request),
                false => Call::waiting(settings, &request),
            };
            if let Some(ticket) = call.queue_first() {
                // The ready service may have reserved a permit. Dropping it
                // frees the permit for others while this request waits.
                let unready = self.inner.clone();
                drop(mem::replace(&mut self.inner, unready.clone()));
                call.keep(request, unready);
                return ResponseFuture::queued(call, ticket);
            }
        }
        if passes {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let call = Call::sending(self.settings.clone(), &mut request, &self.inner);
        ResponseFuture::called(call, self.inner.call(request))
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Retry<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("policy", &self.settings.policy)
            .finish_non_exhaustive()
    }
}
