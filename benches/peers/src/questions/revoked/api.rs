//! An API in memory that refuses revoked tokens at chosen times.

use std::{
    marker::PhantomData,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use tokio::{sync::Barrier, time::sleep};
use tower::Service;

use crate::issuer::Issuer;

/// When the 401s to the first sends of a wave arrive.
#[derive(Clone, Copy)]
pub enum Arrival {
    /// All at once, when every request has been sent.
    Together,
    /// Evenly over this time, from when every request has been sent.
    Over(Duration),
}

pub const ID: HeaderName = HeaderName::from_static("x-request-id");

/// An API. Clones share its state.
#[derive(Clone, Debug)]
pub struct Revocable {
    issuer: Issuer,
    wave: Arc<Mutex<Arc<Wave>>>,
    requests: usize,
}

#[derive(Debug)]
struct Wave {
    sends: Vec<AtomicU64>,
    spread: Duration,
    barrier: Barrier,
}

impl Wave {
    fn new(requests: usize, spread: Duration) -> Arc<Self> {
        Arc::new(Self {
            sends: (0..requests).map(|_| AtomicU64::new(0)).collect(),
            spread,
            barrier: Barrier::new(requests),
        })
    }

    async fn refuse(&self, id: usize) {
        // The first 401 comes after the last send, since a later request would
        // not have this token.
        self.barrier.wait().await;
        if self.spread.is_zero() {
            return;
        }
        sleep(self.spread.mul_f64(id as f64 / self.sends.len() as f64)).await;
    }
}

impl Revocable {
    pub fn new(issuer: Issuer, requests: usize) -> Self {
        let wave = Arc::new(Mutex::new(Wave::new(requests, Duration::ZERO)));
        Self {
            issuer,
            wave,
            requests,
        }
    }

    /// Resets the counts.
    pub fn begin(&self, arrival: Arrival) {
        let spread = match arrival {
            Arrival::Together => Duration::ZERO,
            Arrival::Over(time) => time,
        };
        *self.lock() = Wave::new(self.requests, spread);
    }

    /// The most sends of a single request.
    pub fn most_sends(&self) -> u64 {
        let wave = self.current();
        wave.sends
            .iter()
            .map(|sends| sends.load(SeqCst))
            .max()
            .unwrap_or_default()
    }

    pub async fn answer(&self, headers: &HeaderMap) -> StatusCode {
        let accepted = self.issuer.accepts(headers);
        let id = headers
            .get(ID)
            .and_then(|id| id.to_str().ok()?.parse().ok());
        let id: usize = id.expect("every request has its number");
        let wave = self.current();
        let first = wave.sends[id].fetch_add(1, SeqCst) == 0;
        if accepted {
            return StatusCode::OK;
        }
        if first {
            wave.refuse(id).await;
        }
        StatusCode::UNAUTHORIZED
    }

    fn current(&self) -> Arc<Wave> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Wave>> {
        self.wave.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The API as a service. `E` is the error type that the layers around it
/// require.
pub struct RevocableService<E>(Revocable, PhantomData<fn() -> E>);

impl<E> RevocableService<E> {
    pub fn new(api: &Revocable) -> Self {
        Self(api.clone(), PhantomData)
    }
}

impl<E> Clone for RevocableService<E> {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl<B, E: 'static> Service<Request<B>> for RevocableService<E> {
    type Response = Response<Full<Bytes>>;
    type Error = E;
    type Future = BoxFuture<'static, Result<Self::Response, E>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let api = self.0.clone();
        let headers = request.into_parts().0.headers;
        Box::pin(async move {
            let mut response = Response::new(Full::default());
            *response.status_mut() = api.answer(&headers).await;
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            Ok(response)
        })
    }
}
