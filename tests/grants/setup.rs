//! A mock, clients that fail before they reach it, and the requests that were
//! sent.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::{task::yield_now, time::Instant};
use tower::Service;
use tower_genesys::{
    BoxError, Credentials, TokenError,
    genesys::grants::{IssuedRefreshToken, RefreshToken},
    testing::{MockBody, MockGenesys, MockService, TOKEN},
    token::{FetchContext, IssuedToken, Reason, TokenErrorKind, TokenSource},
};

pub(crate) use crate::fixtures::mock_org::{Body, credentials};

pub(crate) type Refreshing<C = MockService> = RefreshToken<C, Credentials, Body>;

pub(crate) const CALLBACK: &str = "https://app.example/cb";

/// A source that starts with a valid refresh token.
pub(crate) fn refreshing<C>(mock: &MockGenesys, client: C) -> Refreshing<C> {
    let token = mock.issue_refresh_token();
    RefreshToken::new(mock.region(), credentials(mock), token, client)
}

pub(crate) fn cx() -> FetchContext {
    FetchContext::new(Reason::Missing, Instant::now() + Duration::from_secs(15))
}

pub(crate) async fn fetch(source: &impl TokenSource) -> Result<IssuedToken, TokenError> {
    source.fetch(cx()).await
}

/// The error of a fetch.
pub(crate) async fn failure(source: &impl TokenSource) -> TokenError {
    fetch(source).await.unwrap_err()
}

pub(crate) async fn kind(source: &impl TokenSource) -> TokenErrorKind {
    failure(source).await.kind()
}

/// The forms that reached the token endpoint.
pub(crate) fn forms(mock: &MockGenesys) -> Vec<BTreeMap<String, String>> {
    let requests = mock.requests_at(TOKEN);
    let form = |body: &Bytes| form_urlencoded::parse(body).into_owned().collect();
    requests
        .iter()
        .map(|request| form(request.body()))
        .collect()
}

/// The values of one parameter in these forms.
pub(crate) fn sent(mock: &MockGenesys, name: &str) -> Vec<String> {
    let forms = forms(mock).into_iter();
    forms.filter_map(|mut form| form.remove(name)).collect()
}

pub(crate) fn assert_none_twice(values: &[String]) {
    for (at, value) in values.iter().enumerate() {
        assert!(!values[..at].contains(value), "sent twice: {values:?}");
    }
}

/// What the client does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Free,
    /// `poll_ready` fails.
    NotReady,
    /// The connection is refused, and the error is the source of another one.
    Refused,
    /// A layer refuses to send the request, and the error is the source of
    /// another one.
    Stopped,
    /// Readiness, the send and the answer take another poll each.
    Slow,
    /// Panics when the request is sent.
    Panic,
}

/// A client of the mock with a script, which has a step for each request. After
/// the last one, every request is [`Way::Free`].
#[derive(Clone)]
pub(crate) struct Client {
    mock: MockService,
    script: Arc<Mutex<VecDeque<Way>>>,
    waited: bool,
}

impl Client {
    pub(crate) fn new(mock: &MockGenesys, script: impl IntoIterator<Item = Way>) -> Self {
        Self {
            mock: mock.service(),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            waited: false,
        }
    }

    fn next(&self) -> Way {
        let way = self.script.lock().unwrap().pop_front();
        way.unwrap_or(Way::Free)
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<MockBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let way = self.script.lock().unwrap().front().copied();
        match way {
            Some(Way::NotReady) => {
                self.next();
                Poll::Ready(Err("no connection is free".into()))
            }
            Some(Way::Slow) if !self.waited => {
                self.waited = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (way, sending) = (self.next(), self.mock.call(request));
        Box::pin(async move {
            match way {
                Way::Refused => {
                    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                    return Err(io::Error::other(refused).into());
                }
                Way::Stopped => {
                    let stopped = tower_genesys::call::Refused::new("not https");
                    return Err(io::Error::other(stopped).into());
                }
                Way::Panic => panic!("scripted"),
                Way::Slow => yield_now().await,
                _ => {}
            }
            let response = sending.await?;
            if way == Way::Slow {
                yield_now().await;
            }
            Ok(response)
        })
    }
}

/// An in-memory store with scripted failures.
#[derive(Clone, Default)]
pub(crate) struct Store {
    inner: Arc<Mutex<Stored>>,
}

#[derive(Default)]
struct Stored {
    tokens: Vec<String>,
    failures: usize,
    calls: usize,
}

impl Store {
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.inner.lock().unwrap().tokens.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.inner.lock().unwrap().calls
    }

    pub(crate) fn fail(&self, times: usize) {
        self.inner.lock().unwrap().failures = times;
    }
}

impl tower_genesys::genesys::grants::RefreshTokenStore for Store {
    async fn persist(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        self.inner.lock().unwrap().calls += 1;
        yield_now().await;
        let mut stored = self.inner.lock().unwrap();
        if stored.failures > 0 {
            stored.failures -= 1;
            return Err("the database is down".into());
        }
        stored.tokens.push(token.expose().to_owned());
        Ok(())
    }
}
