//! How much memory does the stack hold for each organisation, request in
//! flight, throttled endpoint, process with a store, and thread? How large are
//! its futures over hyper's client, compared with tower's?

use std::{
    future::{Future, Pending, pending},
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tokio::runtime::Runtime;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_genesys::{
    Sharing, TokenCache,
    store::{MemoryStore, SharedSource, StoreKey},
    token::TokenProvider as _,
};
use tower_http::auth::AddAuthorizationLayer;

use super::{Counted, end_to_end, growth};
use crate::{
    api::{self, HOST, TOKEN},
    counts::{Count, Expected, Meter},
    issuer::Issuer,
    measure::{Effort, Rounds},
    peers::{ours, runtime, tower_retry},
    section::{Goal, Section},
};

const PER_ORG: &str = "an organisation, its token, cache and throttle";
const PER_ENDPOINT: &str = "a throttled endpoint, of 1,000";
const ENDPOINTS: &str = "10,000 throttled endpoints: all of them";
const PER_PROCESS: &str = "a process that shares its token in a store, beside the store's client";
const PER_THREAD: &str = "a thread that keeps using one token";
const IN_FLIGHT: &str = "a request in flight, beside that of the bare service: `GenesysLayer`";
const IN_FLIGHT_TOWER: &str =
    "a request in flight, beside that of the bare service: tower `Retry` over `AddAuthorization`";
const FUTURE: &str = "the future of a request over hyper-util's client: `GenesysLayer`";
const FUTURE_TOWER: &str =
    "the future of a request over hyper-util's client: tower `Retry` over `AddAuthorization`";
const FUTURE_BARE: &str = "the future of a request over hyper-util's client: bare";

/// The rows of the table, and their limits.
const ROWS: [(&str, Option<u64>); 10] = [
    (PER_ORG, Some(2048)),
    (PER_ENDPOINT, Some(616)),
    (ENDPOINTS, Some(1024 * 1024)),
    (PER_PROCESS, Some(640)),
    (PER_THREAD, Some(160)),
    (IN_FLIGHT, Some(832)),
    (IN_FLIGHT_TOWER, None),
    (FUTURE, Some(400)),
    (FUTURE_TOWER, None),
    (FUTURE_BARE, None),
];

pub fn counts(meter: Meter) -> Vec<Count> {
    let runtime = runtime(0);
    let (ours, tower) = (in_flight(&runtime, meter), in_flight_tower(&runtime, meter));
    let [bare, with_tower, with_ours] = futures(&runtime);
    let held = [
        (PER_ORG, organisation(&runtime, meter)),
        (PER_ENDPOINT, throttled(&runtime, meter, 1000) / 1000),
        (ENDPOINTS, throttled(&runtime, meter, 10_000)),
        (PER_PROCESS, process(&runtime, meter)),
        (PER_THREAD, thread(&runtime, meter)),
        (IN_FLIGHT, ours),
        (IN_FLIGHT_TOWER, tower),
        (FUTURE, with_ours),
        (FUTURE_TOWER, with_tower),
        (FUTURE_BARE, bare),
    ];
    let count = |((what, value), (_, goal)): ((&str, u64), (_, Option<u64>))| {
        let expected = goal.map_or(Expected::Anything, Expected::AtMost);
        Count::new(bytes(what), value, expected)
    };
    held.into_iter().zip(ROWS).map(count).collect()
}

fn bytes(what: &str) -> String {
    format!("bytes held: {what}")
}

fn organisation(runtime: &Runtime, meter: Meter) -> u64 {
    let many = 10_000;
    let mut built = Vec::new();
    let kept = meter(&mut || built = growth::orgs(runtime, many)).kept;
    kept.unsigned_abs() / u64::from(many)
}

/// The memory for the pauses of this many endpoints, each of which has answered
/// 429.
fn throttled(runtime: &Runtime, meter: Meter, endpoints: u32) -> u64 {
    let api = service_fn(async |_request: Request<_>| {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        Ok::<_, BoxError>(response)
    });
    let layer = ours::layer(runtime.block_on(ours::tokens(&Issuer::default())));
    let kept = meter(&mut || {
        for number in 0..endpoints {
            let uri = format!("https://{HOST}/api/v2/endpoint{}/x", letters(number));
            let mut request = api::with_headers(Uri::try_from(uri).expect("a URI"));
            *request.method_mut() = http::Method::GET;
            // The request waits for the end of the pause, and is dropped.
            runtime.block_on(async {
                let _ = layer.layer(api).oneshot(request).now_or_never();
            });
        }
    });
    kept.kept.unsigned_abs()
}

/// A name without digits, which would count as an id.
fn letters(mut number: u32) -> String {
    let mut name = String::new();
    while number > 0 {
        name.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
    name
}

/// The memory of a cache over a shared source beyond that of a cache without a
/// store, once both have a token.
fn process(runtime: &Runtime, meter: Meter) -> u64 {
    let kept = |build: &dyn Fn() -> TokenCache| {
        let mut built = Vec::new();
        let kept = meter(&mut || {
            for _ in 0..100 {
                let cache = build();
                runtime.block_on(cache.warm_up()).expect("there is a token");
                built.push(cache);
            }
        });
        kept.kept.unsigned_abs() / 100
    };
    let issuer = Issuer::default();
    let source = || ours::source(issuer.clone());
    let sharing = Sharing::unsealed(MemoryStore::new());
    let key = StoreKey::new("login", "client", "grant");
    let shared = kept(&|| {
        let shared = SharedSource::new(source(), key, sharing.clone());
        TokenCache::new(shared.expect("it can be shared"))
    });
    shared.saturating_sub(kept(&|| TokenCache::new(source())))
}

/// The memory of a thread's copy of a token.
fn thread(runtime: &Runtime, meter: Meter) -> u64 {
    let tokens = [(), ()].map(|()| runtime.block_on(ours::tokens(&Issuer::default())));
    let uses = |tokens: &TokenCache| (0..100).all(|_| tokens.try_current().is_some());
    let [first, second] = tokens;
    std::thread::spawn(move || {
        // Memory that a thread needs once for all tokens is not counted.
        assert!(uses(&first));
        drop(first);
        let kept = |tokens: &TokenCache| meter(&mut || assert!(uses(tokens))).peak;
        kept(&second)
    })
    .join()
    .expect("it does not panic")
}

/// A client that keeps each request until its response, which never comes.
#[derive(Clone)]
struct Silent;

impl<B> Service<Request<B>> for Silent {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Waiting<B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Waiting {
            _request: Box::new(request),
            answer: pending(),
        }
    }
}

struct Waiting<B> {
    _request: Box<Request<B>>,
    answer: Pending<Result<Response<Full<Bytes>>, BoxError>>,
}

impl<B> Future for Waiting<B> {
    type Output = Result<Response<Full<Bytes>>, BoxError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        pin!(&mut self.answer).poll(cx)
    }
}

/// The bytes for each of a thousand requests that wait for their responses,
/// including the futures.
fn waiting<S>(runtime: &Runtime, meter: Meter, mut service: S) -> u64
where
    S: Service<Request<Full<Bytes>>>,
{
    let mut futures = Vec::with_capacity(1000);
    let mut cx = Context::from_waker(Waker::noop());
    let _entered = runtime.enter();
    let kept = meter(&mut || {
        while futures.len() < 1000 {
            let mut future = Box::pin(service.call(api::request()));
            assert!(future.as_mut().poll(&mut cx).is_pending());
            futures.push(future);
        }
    });
    kept.kept.unsigned_abs() / 1000
}

fn in_flight(runtime: &Runtime, meter: Meter) -> u64 {
    let layer = ours::layer(runtime.block_on(ours::tokens(&Issuer::default())));
    waiting(runtime, meter, layer.layer(Silent)) - waiting(runtime, meter, Silent)
}

fn in_flight_tower(runtime: &Runtime, meter: Meter) -> u64 {
    let stack = ServiceBuilder::new()
        .layer(tower_retry::layer())
        .layer(AddAuthorizationLayer::bearer(TOKEN));
    waiting(runtime, meter, stack.service(Silent)) - waiting(runtime, meter, Silent)
}

/// The sizes of the futures: bare, with tower's layers, with ours.
fn futures(runtime: &Runtime) -> [u64; 3] {
    fn size<S: Service<Request<Full<Bytes>>>>(mut service: S) -> u64 {
        size_of_val(&service.call(api::request())) as u64
    }
    let _entered = runtime.enter();
    let stack = ServiceBuilder::new()
        .layer(tower_retry::layer())
        .layer(AddAuthorizationLayer::bearer(TOKEN));
    let layer = ours::layer(runtime.block_on(ours::tokens(&Issuer::default())));
    [
        size(end_to_end::http1_client()),
        size(stack.service(end_to_end::http1_client())),
        size(layer.layer(end_to_end::http1_client())),
    ]
}

/// Returns nothing: memory does not depend on time.
pub fn sample(_effort: Effort) -> Vec<Rounds> {
    Vec::new()
}

pub fn table(_measured: &[Rounds], counted: &Counted) -> Section {
    let held = |what: &str| counted.get(&bytes(what)).copied();
    let shown = |what: &str| held(what).map_or_else(String::new, |held| held.to_string());
    let row = |(what, _): (&str, _)| vec![what.into(), shown(what)];
    let goal = |(what, most): (&str, Option<u64>)| {
        let most = most?;
        let met = held(what).is_some_and(|held| held <= most);
        Some(Goal::new(
            format!("{what}: at most {most} bytes"),
            shown(what),
            met,
        ))
    };
    Section {
        name: "memory",
        columns: vec!["", "bytes"],
        rows: ROWS.map(row).into(),
        goals: ROWS.into_iter().filter_map(goal).collect(),
    }
}
