//! A scripted service, and a request body that records how it is used.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::time::{self, Instant};
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BoxError, RetryLayer, RetryPolicy,
    replay::{CloneBody, Resend},
    retry::{Attempt, Backoff, Outcome, Retry},
};

/// A request body that a test can make unclonable, or lose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payload {
    pub(crate) state: Arc<PayloadState>,
    kept: bool,
}

#[derive(Debug, Default)]
pub(crate) struct PayloadState {
    pub(crate) unclonable: AtomicBool,
    pub(crate) gone: AtomicBool,
    /// The body exceeds its cap between the check and the claim.
    pub(crate) goes_when_claimed: AtomicBool,
    /// The connection does not have all of the body yet.
    pub(crate) unsent: AtomicBool,
    pub(crate) revocations: AtomicUsize,
    pub(crate) clones: AtomicUsize,
}

impl Payload {
    pub(crate) fn unclonable() -> Self {
        let payload = Self::default();
        payload.state.unclonable.store(true, Ordering::SeqCst);
        payload
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

impl CloneBody for Payload {
    fn try_clone(&self) -> Option<Self> {
        let state = self.state.clone();
        if state.unclonable.load(Ordering::SeqCst) {
            return None;
        }
        state.clones.fetch_add(1, Ordering::SeqCst);
        Some(Self { state, kept: false })
    }

    fn is_replayable(&self) -> bool {
        !self.state.gone.load(Ordering::SeqCst)
    }

    fn is_sent(&self) -> bool {
        !self.state.unsent.load(Ordering::SeqCst)
    }

    fn mark_kept(&mut self) {
        self.kept = true;
    }

    fn is_kept(&self) -> bool {
        self.kept
    }

    fn revoke_others(&self) -> bool {
        if self.state.goes_when_claimed.load(Ordering::SeqCst) {
            self.state.gone.store(true, Ordering::SeqCst);
        }
        if !self.is_replayable() {
            return false;
        }
        self.state.revocations.fetch_add(1, Ordering::SeqCst);
        true
    }
}

/// The service's reaction to one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Status(u16),
    RetryAfter(u16, &'static str),
    Resend,
    Error,
    Hang,
    Slow(Duration, Box<Answer>),
}

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Duration,
    pub(crate) path: String,
    pub(crate) attempt: Attempt,
    pub(crate) kept: bool,
    pub(crate) extensions: usize,
}

/// A service that answers by a script, and then always the same way.
///
/// Panics if it is called without being ready.
pub(crate) struct Script {
    pub(crate) shared: Arc<Shared>,
    ready: bool,
}

pub(crate) struct Shared {
    started: Instant,
    answers: Mutex<VecDeque<Answer>>,
    always: Mutex<Answer>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    /// How many clones are ready and have not been called.
    pub(crate) readied: AtomicUsize,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>, always: Answer) -> Self {
        let shared = Shared {
            started: Instant::now(),
            answers: Mutex::new(answers.into_iter().collect()),
            always: Mutex::new(always),
            seen: Mutex::default(),
            readied: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
            ready: false,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn sends(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }

    pub(crate) fn always(&self, answer: Answer) {
        *self.shared.always.lock().unwrap() = answer;
    }

    /// When the requests arrived, in milliseconds.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.seen().iter().map(|seen| seen.at.as_millis()).collect()
    }

    pub(crate) fn readied(&self) -> usize {
        self.shared.readied.load(Ordering::SeqCst)
    }
}

impl Clone for Script {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            ready: false,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if self.ready {
            self.shared.readied.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection broke")
    }
}

impl std::error::Error for Broken {}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, BoxError>> + Send>>;

impl<B: CloneBody> Service<Request<B>> for Script {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if !self.ready {
            self.shared.readied.fetch_add(1, Ordering::SeqCst);
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answered {
        assert!(self.ready, "called without being ready");
        self.ready = false;
        self.shared.readied.fetch_sub(1, Ordering::SeqCst);
        let seen = Seen {
            at: self.shared.started.elapsed(),
            path: request.uri().path().to_owned(),
            attempt: Attempt::of(request.extensions()),
            kept: request.body().is_kept(),
            extensions: request.extensions().len(),
        };
        self.shared.seen.lock().unwrap().push(seen);
        let answer = self.shared.answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| self.shared.always.lock().unwrap().clone());
        Box::pin(run(answer))
    }
}

async fn run(answer: Answer) -> Result<Response<Full<Bytes>>, BoxError> {
    match answer {
        Answer::Status(status) => Ok(respond(status)),
        Answer::RetryAfter(status, after) => {
            let mut response = respond(status);
            let after = after.parse().unwrap();
            response
                .headers_mut()
                .insert(http::header::RETRY_AFTER, after);
            Ok(response)
        }
        Answer::Resend => {
            let mut response = respond(401);
            response.extensions_mut().insert(Resend);
            Ok(response)
        }
        Answer::Error => Err(Box::new(Broken)),
        Answer::Hang => std::future::pending().await,
        Answer::Slow(after, answer) => {
            time::sleep(after).await;
            Box::pin(run(*answer)).await
        }
    }
}

/// A response whose body names its status, so that a test can see that it is
/// unread.
fn respond(status: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("body of {status}")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Retries without backoff: each wait is zero, or a `Retry-After` and its
/// jitter, which the seed fixes.
pub(crate) fn steady() -> RetryPolicy {
    let backoff = Backoff::new().with_base(Duration::ZERO).with_seed(1);
    RetryPolicy::new().with_backoff(backoff)
}

pub(crate) fn retry<C>(layer: &RetryLayer<C>, script: &Script) -> Retry<Script, C> {
    layer.layer(script.clone())
}

/// Sends one request through the service.
pub(crate) async fn send<S, R>(
    service: &S,
    request: Request<Payload>,
) -> Result<Response<R>, BoxError>
where
    S: Service<Request<Payload>, Response = Response<R>, Error = BoxError> + Clone,
{
    service.clone().ready().await?.call(request).await
}

pub(crate) fn get(path: &str) -> Request<Payload> {
    request(Method::GET, path)
}

pub(crate) fn post(path: &str) -> Request<Payload> {
    request(Method::POST, path)
}

pub(crate) fn request(method: Method, path: &str) -> Request<Payload> {
    let mut request = Request::new(Payload::default());
    *request.method_mut() = method;
    *request.uri_mut() = format!("https://api.mypurecloud.com{path}")
        .parse()
        .unwrap();
    request
}

pub(crate) fn outcome<R>(response: &Response<R>) -> Outcome {
    *Outcome::of(response.extensions()).expect("there is an outcome")
}

pub(crate) async fn text(response: Response<Full<Bytes>>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) async fn ready<S>(service: &mut S) -> &mut S
where
    S: Service<Request<Payload>, Error = BoxError>,
{
    service.ready().await.unwrap()
}
