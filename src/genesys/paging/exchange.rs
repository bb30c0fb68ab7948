//! One exchange with the API, over a service of any type: a request goes out,
//! and its response is read to the end. A response that broke off, was refused
//! or is too large is a [`Failure`]; `fetch.rs` decides whether to repeat it.

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

use super::{PageError, PageErrorKind};
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

/// Where requests go: the organisation, and the service that sends them.
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

/// A service whose type, and whose types of bodies, are erased. So a [`Pager`]
/// has no type parameters.
///
/// [`Pager`]: crate::Pager
pub(super) trait Exchange: Send + Sync {
    /// Sends a request, and reads the response to its end, within bounds on
    /// bytes and time.
    fn send(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> BoxFuture<'static, Result<Answer, Failure>>;
}

/// A successful response that was read to its end.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) correlation_id: Option<Box<str>>,
}

/// An exchange that brought no [`Answer`]. Each has the correlation id, if a
/// head arrived.
pub(super) enum Failure {
    /// The service returned an error in place of a response.
    Unanswered(BoxError),
    /// The response has an unsuccessful status.
    Api(ApiError),
    /// The body exceeds this many bytes.
    TooLarge(usize, Option<Box<str>>),
    /// The body ended early, or took too long.
    BrokenOff(BoxError, Option<Box<str>>),
    /// The body is compressed, and no layer has decompressed it.
    Encoded(&'static str, Option<Box<str>>),
}

/// An [`Exchange`] over a service for bodies `B`.
struct OverService<S, B> {
    // An `Exchange` is `Sync`, and a service need only be `Clone` and `Send`.
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

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        use PageErrorKind as Kind;
        match failure {
            Failure::Unanswered(source) => Self::new(
                Kind::Unanswered,
                "no response arrived; look at the source for the cause, then resume from the \
                 checkpoint",
            )
            .because(source),
            Failure::Api(api) => Self::new(Kind::Refused, api.to_string()).with_api(api),
            Failure::TooLarge(limit, id) => Self::new(
                Kind::TooLarge,
                format!(
                    "the page is longer than {limit} bytes; request smaller pages \
                     (`with_page_size`), or allow more (`with_max_page_bytes`)"
                ),
            )
            .with_correlation_id(id),
            Failure::BrokenOff(source, id) => Self::new(
                Kind::BrokenOff,
                "the response broke off or took too long, each time it was requested; check the \
                 network and what is between the program and Genesys, then resume from the \
                 checkpoint",
            )
            .because(source)
            .with_correlation_id(id),
            Failure::Encoded(coding, id) => Self::new(
                Kind::Malformed,
                format!(
                    "the page has the encoding `{coding}`; let the HTTP client decode it, or \
                     not request it"
                ),
            )
            .with_correlation_id(id),
        }
    }
}

/// Sends one request through a clone of the service.
///
/// # Cancellation
///
/// Dropping the future drops the request, or the rest of the body.
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
    // The default limit is for errors: the caller's is for pages.
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
            let late = "the body did not end within the page timeout (`with_page_timeout`)";
            let error = io::Error::new(io::ErrorKind::TimedOut, late);
            Err(Failure::BrokenOff(error.into(), correlation_id))
        }
    }
}

/// Sorts an error of the service. A body that was [collected](crate::collect)
/// below, and broke off as often as the layers retry, counts as broken off: its
/// head had arrived.
fn without_answer(error: BoxError) -> Failure {
    match BodyBroken::find(&*error) {
        Some(broken) => {
            let id = correlation_id(&broken.head().headers).map(Box::from);
            Failure::BrokenOff(error, id)
        }
        None => Failure::Unanswered(error),
    }
}
