//! How many allocations does one request cost, over a service that does
//! nothing?

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BearerLayer, CollectLayer, Credentials, GenesysLayer, Org, RefreshLayer, Region, ReplayLayer,
    RetryLayer, Sharing, SpanLayer, TokenCache, TokenError,
    bearer::Origins,
    genesys,
    store::{Limit, MemoryStore, Operation, SharedSource, StoreKey},
    testing::MockGenesys,
    token::{FetchContext, IssuedToken, TokenProvider, TokenSource},
};

#[derive(Clone)]
struct Api;

impl<B> Service<Request<B>> for Api {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Full::default())))
    }
}

struct Source;

impl TokenSource for Source {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        Ok(IssuedToken::new("s3cr3t", Duration::from_secs(86_400)))
    }
}

async fn tokens() -> TokenCache {
    let tokens = TokenCache::new(Source);
    tokens.warm_up().await.expect("the source gives a token");
    assert_eq!((0..10).filter_map(|_| tokens.try_current()).count(), 10);
    tokens
}

/// A POST of 200 bytes with five headers.
fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(vec![b'x'; 200]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("https://api.mypurecloud.com/api/v2/users/search");
    let names = [
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::USER_AGENT,
        header::ETAG,
        header::VIA,
    ];
    for name in names {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("some/value"));
    }
    request
}

/// How many allocations one request costs in this service, after a first
/// request.
fn allocations<S: Service<Request<Full<Bytes>>>>(mut service: S) -> u64 {
    allocations_of_one(&mut service);
    let counts: Vec<_> = (0..100).map(|_| allocations_of_one(&mut service)).collect();
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    counts[0]
}

fn allocations_of_one<S: Service<Request<Full<Bytes>>>>(service: &mut S) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let request = request();
    let mut answered = false;
    let counted = allocation_counter::measure(|| {
        let _ready = service.poll_ready(&mut cx);
        answered = service
            .call(request)
            .now_or_never()
            .is_some_and(|result| result.is_ok());
    });
    assert!(answered);
    counted.count_total
}

#[tokio::test]
async fn a_token_hit_allocates_nothing() {
    let tokens = tokens().await;
    let mut hits = 0;
    let counted = allocation_counter::measure(|| {
        for _ in 0..1000 {
            let token = tokens.try_current();
            hits += usize::from(token.is_some_and(|token| token.header_value().is_sensitive()));
        }
    });
    assert_eq!((counted.count_total, hits), (0, 1000));
}

/// Each thread has its own bytes with their reference count, so that a hit
/// writes to no memory that threads share.
#[tokio::test]
async fn a_thread_copies_a_token_once() {
    let (first, second) = (tokens().await, tokens().await);
    let hits = |tokens: &TokenCache| {
        let hits = || assert_eq!((0..1000).filter_map(|_| tokens.try_current()).count(), 1000);
        allocation_counter::measure(hits).count_total
    };
    for _ in 0..2 {
        let (first, second) = (first.clone(), second.clone());
        let counted = std::thread::spawn(move || {
            // The first hits initialise the thread, which is not counted.
            hits(&first);
            [hits(&first), hits(&second), hits(&second)]
        });
        assert_eq!(counted.join().expect("it does not panic"), [0, 2, 0]);
    }
}

/// A copy for each of ten thousand organisations would amount to a leak.
#[tokio::test]
async fn a_thread_that_serves_many_organisations_in_turn_copies_no_token() {
    let mut many = Vec::new();
    for _ in 0..100 {
        many.push(tokens().await);
    }
    let in_turn = || {
        for _ in 0..100 {
            assert!(many.iter().all(|tokens| tokens.try_current().is_some()));
        }
    };
    assert_eq!(allocation_counter::measure(in_turn).count_total, 0);
}

#[tokio::test]
async fn a_hit_with_a_shared_store_allocates_nothing() {
    let (store, key) = (
        MemoryStore::new(),
        StoreKey::new("login", "client", "grant"),
    );
    let shared = SharedSource::new(Source, key, Sharing::unsealed(store.clone()));
    let tokens = TokenCache::new(shared.expect("it can be shared"));
    tokens.warm_up().await.expect("the source gives a token");
    assert_eq!((0..10).filter_map(|_| tokens.try_current()).count(), 10);
    let before = store.all_calls();
    let mut hits = 0;
    let counted = allocation_counter::measure(|| {
        hits = (0..1000).filter_map(|_| tokens.try_current()).count();
    });
    assert_eq!((counted.count_total, hits), (0, 1000));
    assert_eq!(
        (before, store.all_calls()),
        (2, 2),
        "a lease and a publication"
    );
}

#[tokio::test]
async fn bearer_allocates_nothing() {
    let layer = BearerLayer::new(
        tokens().await,
        Origins::of_host("api.mypurecloud.com").unwrap(),
    );
    assert_eq!(allocations(Api), 0);
    assert_eq!(allocations(layer.layer(Api)), 0);
}

#[tokio::test]
async fn keeping_a_copy_of_the_request_allocates_three_times() {
    // One for the kept request, one for its headers, and one for the first
    // clone of the body's bytes.
    let copy = 3;
    assert_eq!(allocations(ReplayLayer::new().layer(Api)), 0);
    let refresh = ReplayLayer::new().layer(RefreshLayer::new().layer(Api));
    assert_eq!(allocations(refresh), copy);
    let retry = RetryLayer::typed(Default::default());
    assert_eq!(
        allocations(ReplayLayer::new().layer(retry.layer(Api))),
        copy
    );
    let both = retry.layer(RefreshLayer::new().layer(Api));
    assert_eq!(
        allocations(ReplayLayer::new().layer(both)),
        copy,
        "one copy for both"
    );
}

#[tokio::test]
async fn all_four_layers_allocate_one_copy() {
    let org = Org::builder(Region::US_EAST_1).build_from_cache(tokens().await);
    let layer = GenesysLayer::new(&org.expect("the region is https"));
    assert_eq!(allocations(layer.layer(Api)), 3);
}

/// A limit is opt-in: the stack without one is measured above.
#[tokio::test(start_paused = true)]
async fn a_send_with_a_slot_at_hand_allocates_no_more_and_calls_no_store() {
    let mock = MockGenesys::new();
    let store = MemoryStore::new();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret());
    let limit = Limit::per_minute(300);
    let org = Org::builder(mock.region())
        .credentials(credentials.expect("text"))
        .share(Sharing::unsealed(store.clone()))
        .shared_limit(limit, store.clone())
        .build::<Full<Bytes>>(mock.service())
        .expect("settings that work");
    let service = GenesysLayer::new(&org).layer(Api);
    // After forty recent sends, the one that finds no slot reserves as many
    // ahead.
    for in_flight in [40, 1, 1] {
        let sends = (0..in_flight).map(|_| service.clone().oneshot(request()));
        let answers = futures_util::future::join_all(sends).await;
        assert!(answers.iter().all(Result::is_ok));
    }
    // Slots of a burst are a microsecond apart.
    tokio::time::advance(Duration::from_millis(1)).await;
    let operations = || store.calls(Operation::Reserve);
    let before = operations();
    let mut service = service;
    let counts = [(); 30].map(|()| allocations_of_one(&mut service));
    assert_eq!(counts[1..], [3; 29], "as without a limit");
    assert_eq!(operations(), before);
}

/// Both layers are opt-in: the stack without them is measured above.
#[tokio::test]
async fn disabled_spans_allocate_nothing_and_collecting_boxes_the_body() {
    let spans = SpanLayer::attempts().with_templates(genesys::templates());
    assert_eq!(allocations(spans.layer(Api)), 0);
    assert_eq!(allocations(CollectLayer::new().layer(Api)), 1);
    assert!(
        added(spans.layer(Api)) <= 160,
        "{}",
        added(spans.layer(Api))
    );
    assert!(added(CollectLayer::new().layer(Api)) <= 32);
}

/// A service as large as real clients are: hyper-util's has 300 bytes.
#[derive(Clone)]
struct Large(#[expect(dead_code, reason = "it is there for its size")] [u8; 512]);

impl<B> Service<Request<B>> for Large {
    type Response = <Api as Service<Request<B>>>::Response;
    type Error = <Api as Service<Request<B>>>::Error;
    type Future = <Api as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<B>>::poll_ready(&mut Api, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Api.call(request)
    }
}

/// How many bytes the future of a request is larger than that of the inner
/// service. The layout is the compiler's, so tests state limits.
fn added<S: Service<Request<Full<Bytes>>>>(mut service: S) -> usize {
    size_of_val(&service.call(request())) - size_of_val(&Api.call(request()))
}

/// The state of rare cases, such as a wait for a token or a resend, is boxed:
/// in the future itself, it would be moved with every request.
#[tokio::test]
async fn futures_are_as_small_as_the_plain_case() {
    let tokens = tokens().await;
    let bearer = BearerLayer::new(
        tokens.clone(),
        Origins::of_host("api.mypurecloud.com").unwrap(),
    );
    assert_eq!(added(ReplayLayer::new().layer(Api)), 0);
    assert!(added(bearer.layer(Api)) <= 32);
    let refresh = ReplayLayer::new().layer(RefreshLayer::new().layer(Api));
    assert!(added(refresh) <= 48);
    let org = Org::builder(Region::US_EAST_1).build_from_cache(tokens);
    let layer = GenesysLayer::new(&org.expect("the region is https"));
    assert!(added(layer.layer(Api)) <= 400);

    let large = Large([0; 512]);
    assert_eq!(added(layer.layer(large.clone())), added(layer.layer(Api)));
    let refresh = |client| ReplayLayer::new().layer(RefreshLayer::new().layer(client));
    assert!(added(refresh(large)) <= 48);
}
