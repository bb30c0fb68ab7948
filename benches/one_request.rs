//! What does a layer add to one request? Time and allocations, over a service
//! that does nothing.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_genesys::{
    BearerLayer, CollectLayer, Org, RefreshLayer, Region, ReplayLayer, RetryLayer, SpanLayer,
    TokenCache, TokenError,
    bearer::Origins,
    genesys,
    token::{FetchContext, IssuedToken, TokenSource},
};
use tower_http::auth::AddAuthorizationLayer;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

/// A service that answers at once.
#[derive(Clone)]
struct Api;

impl<B> Service<Request<B>> for Api {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        divan::black_box_drop(request);
        ready(Ok(Response::new(Full::default())))
    }
}

struct Source;

impl TokenSource for Source {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        Ok(IssuedToken::new(
            "a-token-of-some-length-as-they-are-in-fact",
            Duration::from_secs(86_400),
        ))
    }
}

/// A POST of 200 bytes with five headers.
fn request() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(vec![b'x'; 200]));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static(
        "https://api.mypurecloud.com/api/v2/analytics/conversations/details/query",
    );
    // Standard names, since others cost allocations.
    let names = [
        header::ACCEPT,
        header::CONTENT_TYPE,
        header::USER_AGENT,
        header::ACCEPT_LANGUAGE,
        header::CACHE_CONTROL,
    ];
    for name in names {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static("some/value"));
    }
    request
}

fn bench<S>(bencher: divan::Bencher<'_, '_>, mut service: S)
where
    S: Service<Request<Full<Bytes>>>,
{
    let mut cx = Context::from_waker(std::task::Waker::noop());
    bencher.with_inputs(request).bench_local_values(|request| {
        let _ready = service.poll_ready(&mut cx);
        service.call(request).now_or_never().is_some()
    });
}

/// A cache with a token, and the runtime on which the token was fetched.
fn tokens() -> (TokenCache, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be built");
    let tokens = TokenCache::new(Source);
    runtime
        .block_on(tokens.token())
        .expect("the source gives a token");
    (tokens, runtime)
}

#[divan::bench]
fn bare_service(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, Api);
}

#[divan::bench]
fn tower_http_add_authorization(bencher: divan::Bencher<'_, '_>) {
    bench(
        bencher,
        AddAuthorizationLayer::bearer("a-token-of-some-length").layer(Api),
    );
}

#[divan::bench]
fn bearer(bencher: divan::Bencher<'_, '_>) {
    let (tokens, _runtime) = tokens();
    let origins = Origins::of_host("api.mypurecloud.com").expect("a host");
    bench(bencher, BearerLayer::new(tokens, origins).layer(Api));
}

#[divan::bench]
fn replay_refresh_bearer(bencher: divan::Bencher<'_, '_>) {
    let (tokens, _runtime) = tokens();
    let bearer = BearerLayer::new(
        tokens,
        Origins::of_host("api.mypurecloud.com").expect("a host"),
    );
    bench(
        bencher,
        ReplayLayer::new().layer(RefreshLayer::new().layer(bearer.layer(Api))),
    );
}

/// Opt-in, like the next one. No subscriber takes the spans here.
#[divan::bench]
fn spans_off(bencher: divan::Bencher<'_, '_>) {
    let spans = SpanLayer::attempts().with_templates(genesys::templates());
    bench(bencher, spans.layer(Api));
}

#[divan::bench]
fn collect(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, CollectLayer::new().layer(Api));
}

#[divan::bench]
fn replay_retry(bencher: divan::Bencher<'_, '_>) {
    let retry = RetryLayer::typed(Default::default());
    bench(bencher, ReplayLayer::new().layer(retry.layer(Api)));
}

#[divan::bench]
fn all_four_layers(bencher: divan::Bencher<'_, '_>) {
    let (tokens, _runtime) = tokens();
    let org = Org::builder(Region::US_EAST_1).build_from_cache(tokens);
    let org = org.expect("the region is https");
    bench(bencher, tower_genesys::GenesysLayer::new(&org).layer(Api));
}
