//! Nothing waits for ever: neither for the head of a response nor for a part of
//! its body.
//!
//! Sockets and servers are real. The clock stands still, and each test moves it
//! when client and server have reached the point in question.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, mpsc},
    task::{JoinHandle, yield_now},
    time::Instant,
};
use tower::{Layer, Service, ServiceExt};
use tower_genesys::{
    BoxError, Client, ReplayLayer, RetryLayer,
    client::{ClientBuilder, ClientError, ClientErrorKind, ResponseBody},
    retry::{BoxErrorClassifier, Class},
};

use crate::{
    fixtures::stopped_clock::StoppedClock,
    plain_server::PlainServer,
    setup::{HttpClient, send},
};

const LIMIT: Duration = Duration::from_secs(30);
/// Within the limit. Three times this is more.
const SHORT: Duration = Duration::from_secs(11);

fn builder() -> ClientBuilder {
    ClientBuilder::new().without_proxy().allow_loopback()
}

/// What a server does with its only connection, one step at a time.
enum Step {
    /// Writes this.
    Write(&'static [u8]),
    /// Reads a byte.
    Read,
}

/// A server that reads the head of a request, and then does what it is told.
/// It reports each thing that it has done.
struct Stepwise {
    server: PlainServer,
    steps: mpsc::UnboundedSender<Step>,
    done: mpsc::UnboundedReceiver<()>,
}

impl Stepwise {
    async fn start() -> Self {
        let (steps, told) = mpsc::unbounded_channel();
        let (report, done) = mpsc::unbounded_channel();
        // The only connection takes the steps out.
        let told = Arc::new(Mutex::new(told));
        let server = PlainServer::start(move |mut connection| {
            let (told, report) = (told.clone(), report.clone());
            async move {
                connection.head().await;
                let _ = report.send(());
                while let Some(step) = told.lock().await.recv().await {
                    match step {
                        Step::Write(bytes) => {
                            connection.stream.write_all(bytes).await.unwrap();
                        }
                        Step::Read => drop(connection.stream.read_u8().await.unwrap()),
                    }
                    let _ = report.send(());
                }
                // Open until the client closes.
                let _ = connection.stream.read_to_end(&mut Vec::new()).await;
            }
        })
        .await;
        Self {
            server,
            steps,
            done,
        }
    }

    /// Waits until the server has the head of the request.
    async fn has_head(&mut self) {
        self.done.recv().await.expect("it still runs");
    }

    /// Has the server do this, and waits until it is done.
    async fn step(&mut self, step: Step) {
        self.steps.send(step).expect("it still runs");
        self.done.recv().await.expect("it still runs");
    }

    async fn write(&mut self, bytes: &'static [u8]) {
        self.step(Step::Write(bytes)).await;
    }
}

fn assert_timed_out(error: &ClientError, begun: Instant, setting: &str) {
    assert_eq!(error.kind(), ClientErrorKind::ResponseTimedOut, "{error}");
    assert_eq!(begun.elapsed(), LIMIT);
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1:") && text.contains(setting),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_post_without_an_answer_ends_in_time_and_is_sent_once() {
    let clock = StoppedClock::stop();
    let mut server = Stepwise::start().await;
    let client: HttpClient = builder().response_timeout(LIMIT).build().unwrap();
    let mut stack = ReplayLayer::new().layer(RetryLayer::typed(Default::default()).layer(client));
    let request = Request::post(server.server.uri())
        .body(Full::from("{}"))
        .unwrap();
    let begun = Instant::now();
    let call = tokio::spawn(stack.ready().await.unwrap().call(request));
    server.has_head().await;
    clock.advance(LIMIT).await;
    let error = call.await.unwrap().unwrap_err();
    assert_timed_out(&error, begun, "`ClientBuilder::response_timeout`");
    assert_eq!(server.server.requests(), 1);
    let class = BoxErrorClassifier::new().class_of(&error);
    assert_eq!(class, Class::Transient { after: None }, "it may be done");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_the_server_does_not_read_ends_in_time() {
    let clock = StoppedClock::stop();
    let (arrived, mut has_head) = mpsc::unbounded_channel();
    let server = PlainServer::start(move |mut connection| {
        let arrived = arrived.clone();
        async move {
            connection.head().await;
            let _ = arrived.send(());
            pending::<()>().await;
        }
    })
    .await;
    let client: Client<Full<Bytes>> = builder().response_timeout(LIMIT).build().unwrap();
    // More than hyper and the kernel buffer.
    let body = Full::from(vec![0; 64 * 1024 * 1024]);
    let begun = Instant::now();
    let call = tokio::spawn(client.oneshot(Request::put(server.uri()).body(body).unwrap()));
    has_head.recv().await.unwrap();
    clock.advance(LIMIT).await;
    let error = call.await.unwrap().unwrap_err();
    assert_timed_out(&error, begun, "`ClientBuilder::response_timeout`");
}

/// A body whose parts, of a byte each, come when the test sends them.
type Parts = mpsc::UnboundedSender<()>;

fn body_in_parts() -> (
    Parts,
    StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, BoxError>> + Unpin>,
) {
    let (parts, sent) = mpsc::unbounded_channel();
    let body = stream::unfold(sent, |mut sent| async move {
        let () = sent.recv().await?;
        Some((Ok(Frame::data(Bytes::from_static(b"x"))), sent))
    });
    (parts, StreamBody::new(Box::pin(body)))
}

#[tokio::test(start_paused = true)]
async fn a_long_upload_goes_through_however_slow_the_caller_is() {
    let clock = StoppedClock::stop();
    for (parts, pause) in [(6, SHORT), (1, LIMIT * 2)] {
        let mut server = Stepwise::start().await;
        let client = builder().response_timeout(LIMIT).build().unwrap();
        let (part, body) = body_in_parts();
        let request = Request::put(server.server.uri()).body(body);
        let call = tokio::spawn(client.oneshot(request.unwrap()));
        server.has_head().await;
        for _ in 0..parts {
            clock.advance(pause).await;
            part.send(()).unwrap();
            // A chunk of one byte: `1\r\nx\r\n`.
            for _ in 0..6 {
                server.step(Step::Read).await;
            }
        }
        drop(part);
        // The last chunk: `0\r\n\r\n`.
        for _ in 0..5 {
            server.step(Step::Read).await;
        }
        server
            .write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await;
        let response = call.await.unwrap().unwrap();
        assert_eq!(response.status(), 200, "{parts} parts");
    }
}

/// A download whose head has arrived: of two bytes, with a limit on the silence
/// between parts.
async fn download(server: &mut Stepwise) -> ResponseBody {
    let client: HttpClient = builder().body_idle_timeout(LIMIT).build().unwrap();
    let call = get(&client, server);
    server.has_head().await;
    server
        .write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        .await;
    call.await.unwrap().unwrap().into_body()
}

type Part = Option<Result<Frame<Bytes>, ClientError>>;

/// A reader that waits for the next part of a body. Returns the part, and the
/// rest of the body.
async fn read(mut body: ResponseBody) -> JoinHandle<(Part, ResponseBody)> {
    let reading = tokio::spawn(async move { (body.frame().await, body) });
    // So that it waits before the clock moves.
    yield_now().await;
    reading
}

type Answer = Result<Response<ResponseBody>, ClientError>;

/// A request that is under way.
fn get(client: &HttpClient, server: &Stepwise) -> JoinHandle<Answer> {
    let (client, uri) = (client.clone(), server.server.uri());
    tokio::spawn(async move { send(&client, uri).await })
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_ends_in_time() {
    let clock = StoppedClock::stop();
    let mut server = Stepwise::start().await;
    let mut body = download(&mut server).await;
    server.write(b"x").await;
    let part = body.frame().await.unwrap().unwrap();
    assert_eq!(part.into_data().unwrap(), "x");
    let begun = Instant::now();
    let reading = read(body).await;
    clock.advance(LIMIT).await;
    let (error, mut body) = reading.await.unwrap();
    let error = error.unwrap().unwrap_err();
    assert_timed_out(&error, begun, "`ClientBuilder::body_idle_timeout`");
    assert!(body.frame().await.is_none(), "it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_long_download_goes_through() {
    let clock = StoppedClock::stop();
    let mut server = Stepwise::start().await;
    let client: HttpClient = builder().body_idle_timeout(LIMIT).build().unwrap();
    let call = get(&client, &server);
    server.has_head().await;
    server
        .write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
        .await;
    let mut body = call.await.unwrap().unwrap().into_body();
    for _ in 0..6 {
        let reading = read(body).await;
        clock.advance(SHORT).await;
        server.write(b"x").await;
        let (part, rest) = reading.await.unwrap();
        assert_eq!(part.unwrap().unwrap().into_data().unwrap(), "x");
        body = rest;
    }
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn both_limits_can_be_turned_off() {
    let clock = StoppedClock::stop();
    let mut server = Stepwise::start().await;
    let limited = builder().response_timeout(LIMIT).body_idle_timeout(LIMIT);
    let unlimited = limited
        .without_response_timeout()
        .without_body_idle_timeout();
    let client: HttpClient = unlimited.build().unwrap();
    let call = get(&client, &server);
    server.has_head().await;
    clock.advance(2 * LIMIT).await;
    server
        .write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n")
        .await;
    let reading = read(call.await.unwrap().unwrap().into_body()).await;
    clock.advance(2 * LIMIT).await;
    server.write(b"x").await;
    let (part, _) = reading.await.unwrap();
    assert_eq!(part.unwrap().unwrap().into_data().unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_reader_may_pause_for_longer_than_the_limit() {
    let clock = StoppedClock::stop();
    let mut server = Stepwise::start().await;
    let body = download(&mut server).await;
    server.write(b"x").await;
    server.write(b"x").await;
    clock.advance(2 * LIMIT).await;
    assert_eq!(body.collect().await.unwrap().to_bytes(), "xx");
}
