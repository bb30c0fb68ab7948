use std::{
    collections::VecDeque,
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::Full;
use tokio::time::{Instant, sleep, sleep_until};
use tower::Service;
use tower_genesys::ReplayBody;

/// Requests a minute that the API allows.
pub(crate) const LIMIT: u32 = 300;
const MINUTE: Duration = Duration::from_secs(60);

/// How the API counts. Genesys does not document which of these it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// Per minute, which begins with its first request.
    Fixed,
    /// The requests of the last minute.
    Sliding,
    /// A bucket as large as the limit, refilled evenly.
    Bucket,
}

/// The API and its token endpoint.
#[derive(Clone)]
pub(crate) struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    start: Instant,
}

struct State {
    window: Window,
    limit: u32,
    /// The arrival times of accepted requests.
    accepted: VecDeque<Instant>,
    opened: Option<Instant>,
    count: u32,
    tokens: f64,
    filled: Instant,
    rng: fastrand::Rng,
    sends: Vec<Instant>,
    refusals: Vec<Instant>,
    token_posts: u32,
}

/// The requests that an [`Api`] has received.
pub(crate) struct Traffic {
    pub(crate) sends: Vec<Instant>,
    pub(crate) refusals: Vec<Instant>,
    pub(crate) token_posts: u32,
}

impl Api {
    pub(crate) fn new(window: Window, limit: u32, seed: u64) -> Self {
        let state = State {
            window,
            limit,
            accepted: VecDeque::new(),
            opened: None,
            count: 0,
            tokens: f64::from(limit),
            filled: Instant::now(),
            rng: fastrand::Rng::with_seed(seed),
            sends: Vec::new(),
            refusals: Vec::new(),
            token_posts: 0,
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                start: Instant::now(),
            }),
        }
    }

    pub(crate) fn start(&self) -> Instant {
        self.inner.start
    }

    pub(crate) fn traffic(&self) -> Traffic {
        let state = self.inner.state.lock().expect("no panic");
        Traffic {
            sends: state.sends.clone(),
            refusals: state.refusals.clone(),
            token_posts: state.token_posts,
        }
    }

    /// Counts a request of another program with the same token.
    pub(crate) fn use_elsewhere(&self) {
        let mut state = self.inner.state.lock().expect("no panic");
        let _ = state.admit(Instant::now());
    }

    async fn answer(self) -> Response<Full<Bytes>> {
        let ms =
            |state: &mut State, from: u64, to: u64| Duration::from_millis(state.rng.u64(from..to));
        let (way, work, refuse) = {
            let mut state = self.inner.state.lock().expect("no panic");
            (
                ms(&mut state, 20, 40),
                ms(&mut state, 100, 180),
                ms(&mut state, 0, 10),
            )
        };
        let begun = Instant::now();
        sleep(way).await;
        let admitted = {
            let mut state = self.inner.state.lock().expect("no panic");
            let now = Instant::now();
            state.sends.push(now);
            let admitted = state.admit(now);
            if admitted.is_err() {
                state.refusals.push(now);
            }
            admitted
        };
        match admitted {
            Ok(()) => {
                sleep(work).await;
                Response::new(Full::default())
            }
            Err((wait, limit)) => {
                sleep_until(begun + way + refuse).await;
                too_many(wait, limit)
            }
        }
    }

    async fn token(self) -> Response<Full<Bytes>> {
        self.inner.state.lock().expect("no panic").token_posts += 1;
        sleep(Duration::from_millis(200)).await;
        let body = r#"{"access_token":"simulated","token_type":"bearer","expires_in":86400}"#;
        Response::new(Full::from(body))
    }
}

impl State {
    /// Admits a request, or returns how long until the next one would be
    /// admitted.
    fn admit(&mut self, now: Instant) -> Result<(), (Duration, u32)> {
        let limit = self.limit;
        match self.window {
            Window::Fixed => {
                let open = self.opened.filter(|opened| now - *opened < MINUTE);
                let opened = open.unwrap_or_else(|| {
                    self.count = 0;
                    now
                });
                self.opened = Some(opened);
                if self.count >= limit {
                    return Err((opened + MINUTE - now, limit));
                }
                self.count += 1;
            }
            Window::Sliding => {
                while self.accepted.front().is_some_and(|at| now - *at >= MINUTE) {
                    self.accepted.pop_front();
                }
                if self.accepted.len() >= limit as usize {
                    return Err((self.accepted[0] + MINUTE - now, limit));
                }
                self.accepted.push_back(now);
            }
            Window::Bucket => {
                let rate = f64::from(limit) / 60.0;
                let refilled = (now - self.filled).as_secs_f64() * rate;
                self.tokens = (self.tokens + refilled).min(f64::from(limit));
                self.filled = now;
                if self.tokens < 1.0 {
                    let wait = (1.0 - self.tokens) / rate;
                    return Err((Duration::from_secs_f64(wait), limit));
                }
                self.tokens -= 1.0;
            }
        }
        Ok(())
    }
}

/// A 429 in the API's words.
fn too_many(wait: Duration, limit: u32) -> Response<Full<Bytes>> {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let body = format!(
        r#"{{"code":"too.many.requests.retry.after","status":429,"limit":{{"key":"token.rate.per.minute","namespace":"platform.api","value":{limit}}}}}"#
    );
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let seconds = seconds.to_string().parse().expect("digits");
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

impl Service<Request<ReplayBody<Full<Bytes>>>> for Api {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Full<Bytes>>>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/oauth/token" => api.token().await,
                _ => api.answer().await,
            })
        })
    }
}
