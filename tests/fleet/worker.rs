//! The inside of a process of the fleet.

use std::{
    convert::Infallible,
    fmt::Display,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::{Instant, sleep},
};
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, GenesysService, Org, Region, ReplayBody, Sharing,
    TokenError,
    store::{KeyRing, Limit, StoreEvent, book::LimitEvent, redis::RedisStore},
    token::{AccessToken, TokenProvider},
};

use crate::{process::ANSWER, redis_server::send_signal, setup::Settings};

type HttpClient = Client<HttpConnector, ReplayBody<Full<Bytes>>>;

/// Obeys commands until the input ends.
pub(crate) async fn work(settings: &str) {
    let worker = Arc::new(Worker::new(Settings::parse(settings)));
    say(0, "ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let (id, command) = line.split_once(' ').unwrap();
        let (id, command, worker) = (id.parse().unwrap(), command.to_owned(), worker.clone());
        tokio::spawn(async move { say(id, worker.obey(&command).await) });
    }
    // Returning to the test harness would print a result into a closed pipe.
    std::process::exit(0);
}

/// Prints an answer. It begins a line, since the test harness may have written
/// half of one.
fn say(id: u64, answer: impl Display) {
    println!("\n{ANSWER}{id} {answer}");
}

struct Worker {
    settings: Settings,
    freezes: Arc<AtomicBool>,
    events: Arc<Mutex<Vec<String>>>,
    state: Mutex<State>,
}

struct State {
    org: Org,
    genesys: GenesysService<HttpClient>,
    tokens: Vec<AccessToken>,
    traffic: Vec<tokio::task::JoinHandle<Infallible>>,
    calls: Calls,
}

#[derive(Clone, Default)]
struct Calls {
    made: usize,
    failed: Vec<String>,
    slowest: Duration,
}

impl Worker {
    fn new(settings: Settings) -> Self {
        let (freezes, events) = (Arc::default(), Arc::default());
        let (org, genesys) = open(&settings, "", &freezes, &events);
        let state = State {
            org,
            genesys,
            tokens: Vec::new(),
            traffic: Vec::new(),
            calls: Calls::default(),
        };
        Self {
            settings,
            freezes,
            events,
            state: Mutex::new(state),
        }
    }

    async fn obey(self: &Arc<Self>, command: &str) -> String {
        let (command, argument) = command.split_once(' ').unwrap_or((command, ""));
        match command {
            "get" => self.get().await,
            "call" => self.call(Method::GET, "/api/v2/users").await,
            "revoke" => self.call(Method::DELETE, "/api/v2/tokens/me").await,
            "report" => self.report(argument.parse().unwrap()),
            "open" => {
                let (org, genesys) = open(&self.settings, argument, &self.freezes, &self.events);
                let mut state = self.state.lock().unwrap();
                (state.org, state.genesys) = (org, genesys);
                "opened".into()
            }
            "freeze" => {
                self.freezes.store(true, SeqCst);
                "will freeze".into()
            }
            "events" => self.events.lock().unwrap().join(" "),
            "start" => self.start(1, Duration::from_millis(50)),
            "start_batch" => self.start(argument.parse().unwrap(), Duration::ZERO),
            "stop" => self.stop(),
            other => panic!("unknown: {other}"),
        }
    }

    async fn get(&self) -> String {
        let org = self.state.lock().unwrap().org.clone();
        let begun = Instant::now();
        let got = org.tokens().token().await;
        let took = begun.elapsed().as_millis();
        match got {
            Ok(token) => {
                let shown = format!("token {took} {}", token.expose());
                self.state.lock().unwrap().tokens.push(token);
                shown
            }
            Err(error) => format!("error {took} {:?} {error}", error.kind()),
        }
    }

    async fn call(&self, method: Method, path: &str) -> String {
        let begun = Instant::now();
        let called = self.try_call(method, path).await;
        let took = begun.elapsed().as_millis();
        match called {
            Ok(status) => format!("status {took} {status}"),
            Err(error) => format!("error {took} {error}"),
        }
    }

    /// Sends a request to the API through all layers.
    async fn try_call(&self, method: Method, path: &str) -> Result<u16, String> {
        let (org, genesys) = {
            let state = self.state.lock().unwrap();
            (state.org.clone(), state.genesys.clone())
        };
        let request = Request::builder()
            .method(method)
            .uri(org.api(path).unwrap());
        let request = request.body(Full::<Bytes>::default()).unwrap();
        match genesys.oneshot(request).await {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(match TokenError::find(&*error) {
                Some(error) => format!("{:?} {error}", error.kind()),
                None => error.to_string(),
            }),
        }
    }

    /// Reports that the API has refused the token that `get` returned as number
    /// `which`.
    fn report(&self, which: usize) -> String {
        let state = self.state.lock().unwrap();
        let rejection = { state.org.tokens() }.report_rejected(state.tokens[which].generation());
        format!("{rejection:?}")
    }

    /// Keeps this many requests in flight, with a pause after each.
    fn start(self: &Arc<Self>, in_flight: usize, pause: Duration) -> String {
        let traffic =
            (0..in_flight).map(|_| tokio::spawn(self.clone().call_again_and_again(pause)));
        let mut state = self.state.lock().unwrap();
        (state.calls, state.traffic) = (Calls::default(), traffic.collect());
        "started".into()
    }

    async fn call_again_and_again(self: Arc<Self>, pause: Duration) -> Infallible {
        loop {
            let begun = Instant::now();
            let called = self.try_call(Method::GET, "/api/v2/users").await;
            let took = begun.elapsed();
            {
                let mut state = self.state.lock().unwrap();
                state.calls.made += 1;
                state.calls.slowest = state.calls.slowest.max(took);
                match called {
                    Ok(200) => {}
                    other => state.calls.failed.push(format!("{other:?}")),
                }
            }
            // Real, like the requests of a program.
            sleep(pause).await;
        }
    }

    fn stop(&self) -> String {
        let mut state = self.state.lock().unwrap();
        assert!(!state.traffic.is_empty(), "it was started");
        state.traffic.drain(..).for_each(|task| task.abort());
        let Calls {
            made,
            failed,
            slowest,
        } = state.calls.clone();
        let slowest = slowest.as_millis();
        format!("calls {made} {slowest} {}", failed.join(", "))
    }
}

fn open(
    settings: &Settings,
    namespace: &str,
    freezes: &Arc<AtomicBool>,
    events: &Arc<Mutex<Vec<String>>>,
) -> (Org, GenesysService<HttpClient>) {
    let mut store = RedisStore::builder(settings.redis.clone());
    if let [ca, certificate, key] = &settings.certificates
        && !ca.is_empty()
    {
        store = { store.ca_certificates(&**ca) }.client_certificate(&**certificate, &**key);
    }
    let store = store.build().unwrap();
    let sharing = match &*settings.keys {
        "" => Sharing::unsealed(store.clone()),
        keys => Sharing::sealed(store.clone(), KeyRing::parse(keys).unwrap()),
    };
    let limit = limit(&settings.limit, events.clone());
    let events = events.clone();
    let sharing = sharing
        .with_namespace(namespace)
        .with_lease(settings.lease)
        .with_operation_timeout(settings.operation_timeout)
        .with_observer(move |event: &StoreEvent<'_>| {
            events.lock().unwrap().push(name(event));
        });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut org = Org::builder(Region::custom(&settings.login, &settings.api).unwrap())
        .credentials(Credentials::new(&*settings.client_id, &*settings.client_secret).unwrap())
        .allow_loopback()
        .share(sharing);
    if let Some(limit) = limit {
        let limit = limit.with_operation_timeout(settings.operation_timeout);
        org = org.shared_limit(limit, store);
    }
    let freezing = Freezing {
        client: client.clone(),
        freezes: freezes.clone(),
    };
    let org = org.build::<Full<Bytes>>(freezing).unwrap();
    let genesys = GenesysLayer::new(&org).layer(client);
    (org, genesys)
}

/// The limit that the processes keep to together. It records its events, except
/// those of single requests.
fn limit(stated: &str, events: Arc<Mutex<Vec<String>>>) -> Option<Limit> {
    let limit = match stated.split_once(' ') {
        Some((requests, burst)) => {
            Limit::per_minute(requests.parse().unwrap()).with_burst(burst.parse().unwrap())
        }
        None if stated == "learned" => Limit::learned(),
        None => return None,
    };
    Some(limit.with_observer(move |event: &LimitEvent| {
        if !matches!(
            event,
            LimitEvent::Reserved { .. } | LimitEvent::Waited { .. }
        ) {
            let event = format!("limit:{}", event.as_str());
            events.lock().unwrap().push(event);
        }
    }))
}

/// An event in one word.
fn name(event: &StoreEvent<'_>) -> String {
    match event {
        StoreEvent::Leased { fence, .. } => format!("leased:{}", fence.get()),
        StoreEvent::Missed { kind, .. } => format!("missed:{}", kind.as_str()),
        StoreEvent::Failed {
            operation, error, ..
        } => format!("failed:{}:{}", operation.as_str(), error.kind().as_str()),
        other => other.as_str().to_owned(),
    }
}

/// The client for token requests. On command, it stops the whole process once,
/// right after a token has arrived.
#[derive(Clone)]
struct Freezing {
    client: HttpClient,
    freezes: Arc<AtomicBool>,
}

impl Service<Request<Full<Bytes>>> for Freezing {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.client.poll_ready(cx).map_err(BoxError::from)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let answer = self.client.call(request.map(ReplayBody::from));
        let freezes = self.freezes.clone();
        Box::pin(async move {
            let (head, body) = answer.await?.into_parts();
            let body = body.collect().await?.to_bytes();
            if freezes.swap(false, SeqCst) {
                send_signal("-STOP", std::process::id());
                // Real, since no event can follow: another thread may take the
                // signal, and this one runs for a moment longer.
                std::thread::sleep(Duration::from_millis(500));
            }
            Ok(Response::from_parts(head, Full::new(body)))
        })
    }
}
