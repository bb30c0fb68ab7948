use std::{
    fmt,
    future::poll_fn,
    io,
    marker::PhantomData,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;

pub(super) use crate::genesys::answer::Bounds;
use crate::{
    BoxError,
    collect::BodyBroken,
    genesys::{
        ApiError, Org,
        answer::{self, Unread, correlation_id},
        grants::TokenClient,
    },
    lock::lock,
};

/// Where requests go: the organisation that they are for, and the service that
/// sends them.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) org: Org,
    pub(super) exchange: Arc<dyn Exchange>,
}

impl Target {
    pub(super) fn new<B>(org: &Org, service: impl TokenClient<B>) -> Self
    where
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self {
            org: org.clone(),
            exchange: Arc::new(OverService::new(service)),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("org", &self.org)
            .finish_non_exhaustive()
    }
}

/// A service that has lost its type, and the types of its bodies.
pub(super) trait Exchange: Send + Sync {
    /// Sends a request, and reads the answer to its end.
    fn send(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> BoxFuture<'static, Result<Answer, Failure>>;
}

pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) correlation_id: Option<Box<str>>,
}

/// An exchange that brought no answer, or not the whole of it.
pub(super) enum Failure {
    Unanswered(BoxError),
    Api(ApiError),
    TooLarge(usize, Option<Box<str>>),
    BrokenOff(BoxError, Option<Box<str>>),
    Encoded(&'static str, Option<Box<str>>),
}

struct OverService<S, B> {
    // Pages may be fetched from several threads, and a service need only be
    // cloned.
    service: Mutex<S>,
    body: PhantomData<fn(B)>,
}

impl<S, B> OverService<S, B> {
    fn new(service: S) -> Self {
        Self {
            service: Mutex::new(service),
            body: PhantomData,
        }
    }
}

impl<S, B> Exchange for OverService<S, B>
where
    S: TokenClient<B>,
    B: From<Full<Bytes>> + Send + 'static,
{
    fn send(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        let service = lock(&self.service).clone();
        let request = request.map(|body| B::from(Full::from(body)));
        Box::pin(exchange(service, request, bounds))
    }
}

async fn exchange<S, B>(
    mut service: S,
    request: Request<B>,
    bounds: Bounds,
) -> Result<Answer, Failure>
where
    S: TokenClient<B>,
{
    let unanswered = |error: S::Error| Failure::Unanswered(error.into());
    poll_fn(|cx| service.poll_ready(cx))
        .await
        .map_err(unanswered)?;
    let response = service.call(request).await;
    let response = response.map_err(|error| without_answer(error.into()))?;
    // The service may hold a permit for its next request, which others need
    // while a long body is read.
    drop(service);
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        let refused = Response::from_parts(head, body);
        let error = ApiError::read(refused, ApiError::DEFAULT_LIMIT).await;
        return Err(Failure::Api(error));
    }
    let correlation_id = correlation_id(&head.headers).map(Box::from);
    match answer::read(&head.headers, body, bounds).await {
        Ok(body) => Ok(Answer {
            body,
            correlation_id,
        }),
        Err(Unread::TooLong) => Err(Failure::TooLarge(bounds.bytes, correlation_id)),
        Err(Unread::Encoded(coding)) => Err(Failure::Encoded(coding, correlation_id)),
        Err(Unread::BrokenOff(error)) => Err(Failure::BrokenOff(error, correlation_id)),
        Err(Unread::Late) => {
            let late = "the answer did not come to its end in time";
            let error = io::Error::new(io::ErrorKind::TimedOut, late);
            Err(Failure::BrokenOff(error.into(), correlation_id))
        }
    }
}

/// A body that was [collected](crate::collect) below, and broke off there as
/// often as a retry may follow, is an answer that broke off.
fn without_answer(error: BoxError) -> Failure {
    match BodyBroken::find(&*error) {
        Some(broken) => {
            let id = correlation_id(&broken.head().headers).map(Box::from);
            Failure::BrokenOff(error, id)
        }
        None => Failure::Unanswered(error),
    }
}
