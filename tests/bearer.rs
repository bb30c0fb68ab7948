//! Does `Bearer` alone sign what it should, and nothing else?

use std::{
    future::{Ready, pending, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{join_all, poll_immediate};
use http::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use tokio::{
    sync::{Notify, Semaphore},
    time,
};
use tokio_test::task;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, limit::GlobalConcurrencyLimitLayer, service_fn,
};
use tower_genesys::{
    BearerLayer, BoxError, CallOptions, TokenCache, TokenError,
    bearer::{OriginError, OriginErrorKind, Origins},
    replay::Renewable,
    token::{
        AccessToken, FetchContext, FixedToken, Generation, IssuedToken, Rejection, TokenProvider,
        TokenSource,
    },
};

const HOST: &str = "api.mypurecloud.com";
const USERS: &str = "https://api.mypurecloud.com/api/v2/users";

type Authorization = Option<String>;

/// Answers with this status and the value of `Authorization`.
fn api(
    status: StatusCode,
) -> impl Service<Request<()>, Response = Response<Authorization>, Error = BoxError, Future: Send> + Clone
{
    service_fn(move |request: Request<()>| async move {
        let value = request.headers().get(AUTHORIZATION);
        let value = value.map(|value| value.to_str().expect("visible ASCII").to_owned());
        Ok(Response::builder()
            .status(status)
            .body(value)
            .expect("a response"))
    })
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).expect("a request")
}

fn fixed(origins: Origins) -> BearerLayer<tower_genesys::bearer::Account<FixedToken>> {
    BearerLayer::new(FixedToken::new("s3cr3t").expect("a token"), origins)
}

/// A source of numbered tokens, each of which waits for `go`.
#[derive(Clone, Default)]
struct Numbered {
    fetches: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

impl TokenSource for Numbered {
    async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
        let n = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        self.go.notified().await;
        Ok(IssuedToken::new(
            format!("token-{n}"),
            Duration::from_secs(86_400),
        ))
    }
}

#[tokio::test]
async fn an_existing_authorization_is_replaced_unless_the_options_keep_it() {
    let service = fixed(Origins::of_host(HOST).unwrap()).layer(api(StatusCode::OK));
    let with = |options: CallOptions| {
        let mut request = get(USERS);
        request.headers_mut().insert(
            AUTHORIZATION,
            "Bearer callers-own".parse().expect("a value"),
        );
        request.extensions_mut().insert(options);
        service.clone().oneshot(request)
    };
    for (options, expected) in [
        (CallOptions::new(), "Bearer s3cr3t"),
        (
            CallOptions::new().with_own_authorization(),
            "Bearer callers-own",
        ),
        (CallOptions::new().without_auth(), "Bearer callers-own"),
    ] {
        let response = with(options).await.expect("it is sent");
        assert_eq!(
            response.into_body().as_deref(),
            Some(expected),
            "{options:?}"
        );
    }
    let mut request = get(USERS);
    request
        .extensions_mut()
        .insert(CallOptions::new().with_own_authorization());
    let response = service.clone().oneshot(request).await.expect("it is sent");
    assert_eq!(
        response.into_body().as_deref(),
        Some("Bearer s3cr3t"),
        "there is none to keep"
    );
}

#[tokio::test]
async fn a_foreign_origin_is_an_error_or_unsigned() {
    let foreign = "https://api.mypurecloud.com.evil.example/";
    let strict = fixed(Origins::of_host(HOST).unwrap()).layer(api(StatusCode::OK));
    let error = strict
        .oneshot(get(foreign))
        .await
        .expect_err("it is not sent");
    let error = OriginError::find(&*error).expect("it is in the chain");
    assert_eq!(error.kind(), OriginErrorKind::Foreign);

    let lenient = fixed(Origins::of_host(HOST).unwrap().with_foreign_unsigned());
    let mut request = get(foreign);
    request.headers_mut().insert(
        AUTHORIZATION,
        "Bearer callers-own".parse().expect("a value"),
    );
    let response = lenient
        .layer(api(StatusCode::OK))
        .oneshot(request)
        .await
        .expect("it is sent");
    assert_eq!(response.into_body(), None);
}

#[tokio::test]
async fn only_a_401_to_a_request_that_it_signed_is_reported() {
    let source = Numbered::default();
    source.go.notify_one();
    let tokens = TokenCache::new(source.clone());
    let layer = BearerLayer::new(tokens, Origins::of_host(HOST).unwrap());
    for status in [
        StatusCode::OK,
        StatusCode::FORBIDDEN,
        StatusCode::TOO_MANY_REQUESTS,
    ] {
        let response = layer
            .layer(api(status))
            .oneshot(get(USERS))
            .await
            .expect("it is sent");
        assert!(
            response.extensions().get::<Rejection>().is_none(),
            "{status}"
        );
    }
    let mut unsigned = get(USERS);
    unsigned
        .extensions_mut()
        .insert(CallOptions::new().without_auth());
    let refusing = layer.layer(api(StatusCode::UNAUTHORIZED));
    let response = refusing
        .clone()
        .oneshot(unsigned)
        .await
        .expect("it is sent");
    assert!(response.extensions().get::<Rejection>().is_none());
    assert_eq!(source.fetches.load(Ordering::SeqCst), 1);

    let response = refusing.oneshot(get(USERS)).await.expect("it is sent");
    assert_eq!(
        response.extensions().get::<Rejection>(),
        Some(&Rejection::Renewing)
    );
    assert_eq!(response.extensions().get::<Renewable>(), Some(&Renewable));
    tokio::task::yield_now().await;
    assert_eq!(source.fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_fixed_token_makes_no_401_renewable() {
    let service = fixed(Origins::of_host(HOST).unwrap()).layer(api(StatusCode::UNAUTHORIZED));
    let response = service.oneshot(get(USERS)).await.expect("it is sent");
    assert_eq!(
        response.extensions().get::<Rejection>(),
        Some(&Rejection::CannotRenew)
    );
    assert!(response.extensions().get::<Renewable>().is_none());
}

/// Refuses every request with this challenge.
fn refusing(
    challenge: &'static str,
) -> impl Service<Request<()>, Response = Response<()>, Error = BoxError, Future: Send> + Clone {
    service_fn(move |_: Request<()>| async move {
        let response = Response::builder().status(StatusCode::UNAUTHORIZED);
        let response = response.header(WWW_AUTHENTICATE, challenge).body(());
        Ok(response.expect("a response"))
    })
}

#[tokio::test]
async fn a_401_that_does_not_blame_the_token_renews_nothing() {
    let source = Numbered::default();
    source.go.notify_one();
    let layer = BearerLayer::new(
        TokenCache::new(source.clone()),
        Origins::of_host(HOST).unwrap(),
    );
    for challenge in [
        r#"Bearer realm="api", error="insufficient_scope", scope="users""#,
        r#"Basic realm="api", bearer ERROR=invalid_request"#,
    ] {
        let service = layer.layer(refusing(challenge));
        let response = service.oneshot(get(USERS)).await.expect("it is sent");
        assert_eq!(
            response.extensions().get::<Rejection>(),
            Some(&Rejection::NotTheToken),
            "{challenge}"
        );
        assert!(response.extensions().get::<Renewable>().is_none());
        tokio::task::yield_now().await;
        assert_eq!(source.fetches.load(Ordering::SeqCst), 1, "{challenge}");
    }
}

#[tokio::test]
async fn a_401_that_blames_the_token_or_names_no_reason_renews_it() {
    for challenge in [
        r#"Bearer error="invalid_token""#,
        r#"Bearer error="expired""#,
        r#"Bearer realm="api""#,
        r#"Bearer error="invalid_request"#,
    ] {
        let source = Numbered::default();
        source.go.notify_one();
        let layer = BearerLayer::new(
            TokenCache::new(source.clone()),
            Origins::of_host(HOST).unwrap(),
        );
        let service = layer.layer(refusing(challenge));
        let response = service.oneshot(get(USERS)).await.expect("it is sent");
        assert_eq!(
            response.extensions().get::<Rejection>(),
            Some(&Rejection::Renewing),
            "{challenge}"
        );
        assert_eq!(response.extensions().get::<Renewable>(), Some(&Renewable));
        tokio::task::yield_now().await;
        assert_eq!(source.fetches.load(Ordering::SeqCst), 2, "{challenge}");
    }
}

#[tokio::test]
async fn requests_wait_for_the_first_token_without_holding_a_permit() {
    let source = Numbered::default();
    let layer = BearerLayer::new(
        TokenCache::new(source.clone()),
        Origins::of_host(HOST).unwrap(),
    );
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(api(StatusCode::OK));
    let service = layer.layer(limited.clone());
    let waiting = join_all((0..100).map(|_| {
        let mut service = service.clone();
        async move {
            // The caller keeps its service, with any permit that it has
            // reserved.
            service.ready().await.expect("ready").call(get(USERS)).await
        }
    }));
    let waiting = tokio::spawn(waiting);
    while source.fetches.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let other = limited
        .oneshot(get(USERS))
        .await
        .expect("the only permit is free");
    assert_eq!(other.into_body(), None);
    source.go.notify_one();
    for response in waiting.await.expect("no panic") {
        assert_eq!(
            response.expect("it is sent").into_body().as_deref(),
            Some("Bearer token-1")
        );
    }
    assert_eq!(source.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_the_service_becomes_ready_is_not_sent() {
    let source = Numbered::default();
    let layer = BearerLayer::new(
        TokenCache::new(source.clone()),
        Origins::of_host(HOST).unwrap(),
    );
    let permit = Arc::new(Semaphore::new(1));
    let limit = GlobalConcurrencyLimitLayer::with_semaphore(permit.clone());
    let mut service = layer.layer(limit.layer(api(StatusCode::OK)));
    let mut call = task::spawn(service.ready().await.expect("ready").call(get(USERS)));
    assert!(call.poll().is_pending(), "there is no token");
    let busy = permit.clone().try_acquire_owned().expect("it is free");
    source.go.notify_one();
    while !call.is_woken() {
        tokio::task::yield_now().await;
    }
    assert!(call.poll().is_pending(), "there is no permit");
    time::advance(Duration::from_secs(90_000)).await;

    drop(busy);
    assert!(call.is_woken());
    assert!(call.poll().is_pending(), "the token has expired");
    assert_eq!(
        permit.available_permits(),
        1,
        "none is held during the renewal"
    );
    source.go.notify_one();
    let response = call.await.expect("it is sent");
    assert_eq!(response.into_body().as_deref(), Some("Bearer token-2"));
    assert_eq!(source.fetches.load(Ordering::SeqCst), 2);
}

/// A provider whose tokens have expired on arrival.
#[derive(Clone)]
struct ShortLived {
    token: FixedToken,
    waits: Arc<AtomicUsize>,
}

impl TokenProvider for ShortLived {
    type Wait = Ready<Result<AccessToken, TokenError>>;

    fn try_current(&self) -> Option<AccessToken> {
        None
    }

    fn wait(&self, past: Generation) -> Self::Wait {
        assert_eq!(past, Generation::NONE);
        self.waits.fetch_add(1, Ordering::SeqCst);
        ready(Ok(self.token.try_current().expect("it is fixed")))
    }

    fn report_rejected(&self, _: Generation) -> Rejection {
        Rejection::CannotRenew
    }
}

/// A service that becomes ready at the second poll.
#[derive(Clone)]
struct Slow<S> {
    inner: S,
    polled: bool,
}

impl<S: Service<Request<()>>> Service<Request<()>> for Slow<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !std::mem::replace(&mut self.polled, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.polled = false;
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<()>) -> S::Future {
        self.inner.call(request)
    }
}

#[tokio::test]
async fn a_request_does_not_wait_forever_for_a_token_that_outlives_poll_ready() {
    let token = FixedToken::new("s3cr3t").expect("a token");
    let waits = Arc::<AtomicUsize>::default();
    let tokens = ShortLived {
        token,
        waits: waits.clone(),
    };
    let layer = BearerLayer::new(tokens, Origins::of_host(HOST).unwrap());
    let (inner, polled) = (api(StatusCode::OK), false);
    let slow = layer.layer(Slow { inner, polled });
    let response = slow.oneshot(get(USERS)).await.expect("it is sent");
    assert_eq!(response.into_body().as_deref(), Some("Bearer s3cr3t"));
    assert_eq!(waits.swap(0, Ordering::SeqCst), 3);

    let fast = layer.layer(api(StatusCode::OK));
    fast.oneshot(get(USERS)).await.expect("it is sent");
    assert_eq!(waits.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_waits_does_not_cancel_the_renewal() {
    let source = Numbered::default();
    let layer = BearerLayer::new(
        TokenCache::new(source.clone()),
        Origins::of_host(HOST).unwrap(),
    );
    let sent = Arc::new(Mutex::new(0));
    let count = sent.clone();
    let api = service_fn(move |_: Request<()>| {
        *count.lock().expect("no panic") += 1;
        async { Ok::<_, BoxError>(Response::new(())) }
    });
    let service = layer.layer(api);
    for _ in 0..10 {
        assert!(
            poll_immediate(service.clone().oneshot(get(USERS)))
                .await
                .is_none()
        );
    }
    source.go.notify_one();
    service.oneshot(get(USERS)).await.expect("it is sent");
    assert_eq!(*sent.lock().expect("no panic"), 1);
    assert_eq!(source.fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_passed_on() {
    let layer = fixed(Origins::of_host(HOST).unwrap());
    let broken = service_fn(|_: Request<()>| async {
        Err::<Response<()>, _>(std::io::Error::other("broken"))
    });
    let error = layer
        .layer(broken)
        .oneshot(get(USERS))
        .await
        .expect_err("it is broken");
    assert!(error.is::<std::io::Error>());
}

#[tokio::test]
async fn the_service_stays_usable_after_a_refused_request() {
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(api(StatusCode::OK));
    let mut service = fixed(Origins::of_host(HOST).unwrap()).layer(limited.clone());
    let refused = service
        .ready()
        .await
        .expect("ready")
        .call(get("/relative"))
        .await;
    let error = refused.expect_err("it is not sent");
    assert_eq!(
        OriginError::find(&*error).map(OriginError::kind),
        Some(OriginErrorKind::NoHost)
    );
    assert!(
        error.to_string().contains("org.api("),
        "it does not say what to do: {error}"
    );
    // The permit is free although the caller keeps the service.
    limited.oneshot(get(USERS)).await.expect("it is sent");
    service
        .ready()
        .await
        .expect("ready")
        .call(get(USERS))
        .await
        .expect("it is sent");
}

#[test]
fn the_future_and_the_service_are_send_and_sync() {
    fn check<T: Send + Sync>(_: &T) {}
    let api = service_fn(|_: Request<()>| pending::<Result<Response<()>, BoxError>>());
    let mut service = fixed(Origins::of_host(HOST).unwrap()).layer(api);
    check(&service);
    check(&service.call(get(USERS)));
}
