//! Is a request retried if its response breaks off and the retry is safe, and
//! does a body that cannot be collected pass unchanged?

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    io,
    num::NonZeroUsize,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_genesys::{
    BoxError, CallOptions, CollectLayer, GenesysLayer, Org, Region, ReplayLayer, RetryLayer,
    RetryPolicy,
    collect::{BodyBroken, CollectedBody},
    retry::{Backoff, BoxErrorClassifier, Class},
    token::{IssuedToken, source_fn},
};

/// One frame of a body.
#[derive(Clone)]
enum Step {
    Data(&'static [u8]),
    Trailers,
    Breaks(io::ErrorKind),
    Hangs,
}

use Step::{Breaks, Data, Hangs, Trailers};

const RESET: Step = Breaks(io::ErrorKind::ConnectionReset);

/// A body of these frames, which counts its polls.
#[derive(Clone, Default)]
struct Scripted {
    steps: VecDeque<Step>,
    hint: SizeHint,
    polled: Arc<Mutex<usize>>,
}

impl Scripted {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    fn with_length(mut self, length: u64) -> Self {
        self.hint = SizeHint::with_exact(length);
        self
    }

    fn polled(&self) -> usize {
        *self.polled.lock().unwrap()
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        *self.polled.lock().unwrap() += 1;
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Data(bytes)) => Some(Ok(Frame::data(Bytes::from_static(bytes)))),
            Some(Trailers) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("checksum", "7".parse().unwrap());
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Breaks(kind)) => Some(Err(kind.into())),
            Some(Hangs) => {
                self.steps.push_front(Hangs);
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }
}

/// A service that answers by a script.
#[derive(Clone)]
struct Api {
    answers: Arc<Mutex<VecDeque<Response<Scripted>>>>,
    sends: Arc<Mutex<usize>>,
}

impl Api {
    fn new(answers: impl IntoIterator<Item = Response<Scripted>>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            sends: Arc::default(),
        }
    }

    fn sends(&self) -> usize {
        *self.sends.lock().unwrap()
    }
}

impl<B> Service<Request<B>> for Api {
    type Response = Response<Scripted>;
    type Error = BoxError;
    type Future = Ready<Result<Response<Scripted>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        *self.sends.lock().unwrap() += 1;
        ready(
            self.answers
                .lock()
                .unwrap()
                .pop_front()
                .ok_or_else(|| "no more answers".into()),
        )
    }
}

fn ok(body: Scripted) -> Response<Scripted> {
    Response::new(body)
}

fn request(method: Method) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = "https://api.mypurecloud.ie/api/v2/users".parse().unwrap();
    request
}

fn policy() -> RetryPolicy {
    RetryPolicy::new().with_backoff(Backoff::new().with_base(Duration::ZERO))
}

/// The result of a call through `Retry` and `Collect`.
async fn call(
    api: &Api,
    layer: CollectLayer,
    method: Method,
) -> Result<Response<CollectedBody<Scripted>>, BoxError> {
    let stack = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(RetryLayer::new(policy()))
        .layer(layer)
        .service(api.clone());
    stack.oneshot(request(method)).await
}

async fn text<R: Body<Data = Bytes, Error = io::Error>>(response: Response<R>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_get_whose_response_breaks_off_is_retried_and_the_caller_notices_nothing() {
    let api = Api::new([
        ok(Scripted::new([Data(b"[1,"), RESET])),
        ok(Scripted::new([RESET])),
        ok(Scripted::new([Data(b"[1,"), Data(b"2]")])),
    ]);
    let response = call(&api, CollectLayer::new(), Method::GET).await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(5));
    assert_eq!((text(response).await, api.sends()), ("[1,2]".to_owned(), 3));
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_response_breaks_off_is_not_retried_and_the_error_has_its_head() {
    let mut answer = ok(Scripted::new([Data(b"{\"id\":"), RESET]));
    answer
        .headers_mut()
        .insert("location", "/api/v2/users/7".parse().unwrap());
    let api = Api::new([answer]);
    let error = call(&api, CollectLayer::new(), Method::POST)
        .await
        .err()
        .unwrap();
    let broken = BodyBroken::find(&*error).expect("it is in there");
    assert_eq!((broken.head().status.as_u16(), broken.received()), (200, 6));
    assert_eq!(broken.head().headers["location"], "/api/v2/users/7");
    assert_eq!(api.sends(), 1);
}

#[test]
fn any_error_of_the_body_means_that_the_request_was_executed() {
    // Without a response, this error says that nothing was sent.
    let refused = io::ErrorKind::ConnectionRefused;
    let classify = BoxErrorClassifier::new();
    assert_eq!(classify.class_of(&io::Error::from(refused)), Class::NotSent);
    let collect = CollectLayer::new().layer(Api::new([ok(Scripted::new([Breaks(refused)]))]));
    let error = collect
        .oneshot(request(Method::GET))
        .now_or_never()
        .unwrap();
    let error = error.err().unwrap();
    assert_eq!(classify.class_of(&*error), Class::Transient { after: None });
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("after 0 bytes"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_response_over_the_cap_passes_whole_and_at_most_the_cap_is_buffered() {
    const CHUNK: &[u8] = &[b'x'; 4096];
    let cap = 8 * CHUNK.len();
    let body = Scripted::new(std::iter::repeat_n(Data(CHUNK), 100));
    let layer = CollectLayer::new().with_cap(cap.try_into().unwrap());
    let response = call(&Api::new([ok(body.clone())]), layer, Method::GET)
        .await
        .unwrap();
    assert_eq!(body.polled(), 8);
    assert_eq!(text(response).await.len(), 100 * CHUNK.len());

    // A body that states a longer length is not read at all.
    let long = body.clone().with_length(100 * 4096);
    let before = body.polled();
    let response = call(&Api::new([ok(long)]), layer, Method::GET)
        .await
        .unwrap();
    assert_eq!(
        (body.polled(), response.body().size_hint().exact()),
        (before, Some(100 * 4096))
    );
}

#[tokio::test(start_paused = true)]
async fn small_frames_count_with_the_memory_that_they_take() {
    let body = Scripted::new(std::iter::repeat_n(Data(b""), 10_000));
    let cap = NonZeroUsize::new(40 * size_of::<Frame<Bytes>>()).unwrap();
    let layer = CollectLayer::new().with_cap(cap);
    let response = call(&Api::new([ok(body.clone())]), layer, Method::GET)
        .await
        .unwrap();
    assert_eq!(body.polled(), 41, "the cap, and the frame that exceeds it");
    assert_eq!(text(response).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_after_the_cap_is_an_error_for_its_reader() {
    let api = Api::new([ok(Scripted::new([Data(&[0; 4096]), Data(b"more"), RESET]))]);
    let layer = CollectLayer::new().with_cap(NonZeroUsize::new(1024).unwrap());
    let response = call(&api, layer, Method::GET).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(
        (error.kind(), api.sends()),
        (io::ErrorKind::ConnectionReset, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn streams_are_passed_on_as_they_come() {
    for media_type in [
        "text/event-stream",
        "Application/X-NDJSON; charset=utf-8",
        "application/grpc",
    ] {
        let mut answer = ok(Scripted::new([Data(b"data: 1"), Hangs]));
        answer
            .headers_mut()
            .insert("content-type", media_type.parse().unwrap());
        let response = call(&Api::new([answer]), CollectLayer::new(), Method::GET).await;
        let mut body = Box::pin(response.unwrap().into_body());
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "data: 1", "{media_type}");
    }
    // Streams of an unknown type are passed on if the request says so.
    let api = Api::new([ok(Scripted::new([Data(b"row"), Hangs]))]);
    let mut streamed = request(Method::GET);
    streamed
        .extensions_mut()
        .insert(CallOptions::new().without_collecting());
    let response = CollectLayer::new()
        .layer(api)
        .oneshot(streamed)
        .await
        .unwrap();
    let first = response.into_body().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "row");
}

#[tokio::test(start_paused = true)]
async fn an_unsuccessful_response_passes_unread() {
    let body = Scripted::new([Data(b"why"), RESET]);
    let mut answer = ok(body.clone());
    *answer.status_mut() = http::StatusCode::NOT_FOUND;
    let response = call(&Api::new([answer]), CollectLayer::new(), Method::GET).await;
    assert_eq!(
        (response.unwrap().status().as_u16(), body.polled()),
        (404, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn frames_trailers_and_empty_bodies_stay_as_they_are() {
    let api = Api::new([ok(Scripted::new([Data(b"a"), Data(b"b"), Trailers]))]);
    let response = call(&api, CollectLayer::new(), Method::GET).await.unwrap();
    let mut body = Box::pin(response.into_body());
    for expected in ["a", "b"] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), expected);
    }
    let trailers = body
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(trailers["checksum"], "7");
    assert!(body.is_end_stream() && body.frame().await.is_none());

    let empty = Scripted::new([]);
    let response = call(
        &Api::new([ok(empty.clone())]),
        CollectLayer::new(),
        Method::GET,
    )
    .await;
    assert!(response.unwrap().body().is_end_stream());
    assert_eq!(empty.polled(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_hangs_is_dropped_with_its_attempt() {
    let hung = Scripted::new([Data(b"["), Hangs]);
    let api = Api::new([ok(hung.clone()), ok(Scripted::new([Data(b"[]")]))]);
    let response = call(&api, CollectLayer::new(), Method::GET).await.unwrap();
    assert_eq!((text(response).await, api.sends()), ("[]".to_owned(), 2));
    // The first body is dropped, which closes its connection.
    assert_eq!(Arc::strong_count(&hung.polled), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_drops_the_body() {
    let hung = Scripted::new([Data(b"["), Hangs]);
    let api = Api::new([ok(hung.clone())]);
    let mut calling = Box::pin(call(&api, CollectLayer::new(), Method::GET));
    assert!((&mut calling).now_or_never().is_none());
    assert_eq!(Arc::strong_count(&hung.polled), 2);
    drop(calling);
    assert_eq!(Arc::strong_count(&hung.polled), 1);
}

#[tokio::test(start_paused = true)]
async fn around_the_client_it_is_inside_the_retries_of_the_genesys_layer() {
    let day = Duration::from_secs(86_400);
    let source = source_fn(move |_cx| async move { Ok(IssuedToken::new("t", day)) });
    let org = Org::builder(Region::EU_WEST_1)
        .build_from_source(source)
        .unwrap();
    let api = Api::new([ok(Scripted::new([RESET])), ok(Scripted::new([Data(b"[]")]))]);
    let genesys = GenesysLayer::new(&org).layer(CollectLayer::new().layer(api.clone()));
    let response = genesys.oneshot(request(Method::GET)).await.unwrap();
    assert_eq!((text(response).await, api.sends()), ("[]".to_owned(), 2));
}
