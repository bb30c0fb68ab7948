//! The effect of a revoked and resent body on real connections.
//!
//! The server answers before it has read the body, and continues to read, as a
//! proxy does so that a reset does not destroy its response. The time-outs only
//! end a test that hangs.
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::script::{Remote, Script, data};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tower_genesys::{BoxError, ReplayBody, replay::CloneBody};

const HANG: Duration = Duration::from_secs(20);
const BIG: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq)]
enum Http {
    One,
    Two,
}

/// One request, as the server saw it. `body` is an error if it broke off.
struct Seen {
    content_length: Option<String>,
    body: Result<Bytes, usize>,
}

struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closed: mpsc::UnboundedReceiver<()>,
    seen: mpsc::UnboundedReceiver<Seen>,
    read_on: Arc<Notify>,
}

/// Starts a server. It answers the first request with `early` after one frame
/// of its body, and later requests with 200 after all of it.
async fn server(http: Http, early: StatusCode) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (saw, seen) = mpsc::unbounded_channel();
    let (close, closed) = mpsc::unbounded_channel();
    let accepted = Arc::new(AtomicUsize::new(0));
    let read_on = Arc::new(Notify::new());
    let answer = Answer {
        early,
        requests: Arc::default(),
        read_on: Arc::clone(&read_on),
        saw,
    };
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let (close, answer) = (close.clone(), answer.clone());
            tokio::spawn(async move {
                let io = TokioIo::new(socket);
                let service = service_fn(move |request| answer.clone().handle(request));
                let _ended = match http {
                    Http::One => {
                        conn::http1::Builder::new()
                            .serve_connection(io, service)
                            .await
                    }
                    Http::Two => {
                        conn::http2::Builder::new(TokioExecutor::new())
                            .serve_connection(io, service)
                            .await
                    }
                };
                let _ = close.send(());
            });
        }
    });
    Server {
        address,
        accepted,
        closed,
        seen,
        read_on,
    }
}

#[derive(Clone)]
struct Answer {
    early: StatusCode,
    requests: Arc<AtomicUsize>,
    read_on: Arc<Notify>,
    saw: mpsc::UnboundedSender<Seen>,
}

impl Answer {
    async fn handle(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let header = request.headers().get(CONTENT_LENGTH);
        let content_length = header.map(|value| value.to_str().unwrap().to_owned());
        let mut body = request.into_body();
        if self.requests.fetch_add(1, Ordering::SeqCst) > 0 {
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes);
            let body = body.map_err(|_| 0);
            self.saw
                .send(Seen {
                    content_length,
                    body,
                })
                .unwrap();
            return Ok(Response::new(Full::default()));
        }
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        tokio::spawn(async move {
            self.read_on.notified().await;
            let mut whole = first.to_vec();
            let mut broken = false;
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => whole.extend_from_slice(&frame.into_data().unwrap()),
                    Err(_) => {
                        broken = true;
                        break;
                    }
                }
            }
            let body = if broken {
                Err(whole.len())
            } else {
                Ok(whole.into())
            };
            let _ = self.saw.send(Seen {
                content_length,
                body,
            });
        });
        let mut response = Response::new(Full::from("no"));
        *response.status_mut() = self.early;
        Ok(response)
    }
}

struct Upload<B> {
    client: Client<HttpConnector, ReplayBody<B>>,
    server: Server,
}

impl<B> Upload<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    async fn new(http: Http, early: StatusCode) -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        client.http2_only(http == Http::Two);
        Self {
            client: client.build_http(),
            server: server(http, early).await,
        }
    }

    async fn send(&self, body: ReplayBody<B>) -> StatusCode {
        let request = Request::post(format!("http://{}/", self.server.address)).body(body);
        let response = timeout(HANG, self.client.request(request.unwrap())).await;
        let response = response.expect("an answer comes").unwrap();
        let status = response.status();
        response.into_body().collect().await.unwrap();
        status
    }

    fn spawn(&self, body: ReplayBody<B>) -> JoinHandle<StatusCode> {
        let request = Request::post(format!("http://{}/", self.server.address)).body(body);
        let answer = self.client.request(request.unwrap());
        tokio::spawn(async { answer.await.unwrap().status() })
    }

    async fn seen(&mut self) -> Seen {
        let seen = timeout(HANG, self.server.seen.recv()).await;
        seen.expect("the server sees the end of the body").unwrap()
    }

    async fn connection_closed(&mut self) {
        let closed = timeout(HANG, self.server.closed.recv()).await;
        closed.expect("the connection is given back").unwrap();
    }
}

async fn upload_memory(http: Http, early: StatusCode) {
    let whole = Bytes::from((0..=250).cycle().take(BIG).collect::<Vec<u8>>());
    let mut upload = Upload::<Full<Bytes>>::new(http, early).await;
    let older = ReplayBody::new(Full::from(whole.clone()));
    let newer = older.try_clone().unwrap();
    assert_eq!(upload.send(older).await, early);

    assert!(!newer.is_sent() && newer.is_replayable());
    assert!(newer.revoke_others());
    upload.server.read_on.notify_one();
    let first = upload.seen().await;
    assert!(first.body.is_err_and(|bytes| bytes < BIG));
    if http == Http::One {
        upload.connection_closed().await;
    }

    assert_eq!(upload.send(newer).await, StatusCode::OK);
    let second = upload.seen().await;
    assert!(second.body.is_ok_and(|body| body == whole));
    assert_eq!(first.content_length, Some(BIG.to_string()));
    assert_eq!(second.content_length, first.content_length);
    let connections = if http == Http::One { 2 } else { 1 };
    assert_eq!(upload.server.accepted.load(Ordering::SeqCst), connections);
}

async fn upload_stream(http: Http, early: StatusCode, by_hand: bool, exact: bool) {
    let mut upload = Upload::<Script>::new(http, early).await;
    let script = Script::of(&["one "]).open();
    let remote: Remote = script.remote();
    let script = if exact { script.with_exact(12) } else { script };
    let older = ReplayBody::new(script);
    let newer = older.try_clone().unwrap();
    assert_eq!(upload.send(older).await, early);

    assert!(!newer.is_sent() && newer.is_replayable());
    upload.server.read_on.notify_one();
    // Until hyper is idle and waits for the body only.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let mut newer = Some(newer);
    let mut resend = None;
    if by_hand {
        assert!(newer.as_ref().unwrap().revoke_others());
    } else {
        resend = newer.take().map(|newer| upload.spawn(newer));
    }
    // The caller's body yields nothing meanwhile, so only the revocation wakes
    // hyper.
    let first = upload.seen().await;
    assert!(first.body.is_err());
    if http == Http::One {
        upload.connection_closed().await;
    }

    let resend = resend.or_else(|| newer.map(|newer| upload.spawn(newer)));
    remote.push(data("two "));
    remote.push(data("four"));
    remote.close();
    assert_eq!(resend.unwrap().await.unwrap(), StatusCode::OK);
    let second = upload.seen().await;
    assert_eq!(second.body.unwrap(), "one two four");
    assert_eq!(first.content_length, exact.then(|| "12".to_owned()));
    assert_eq!(second.content_length, first.content_length);
}

#[tokio::test]
async fn memory_with_an_early_401_on_http1() {
    upload_memory(Http::One, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn memory_with_an_early_429_on_http2() {
    upload_memory(Http::Two, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn stream_with_an_early_401_on_http1_revoked_by_hand() {
    upload_stream(Http::One, StatusCode::UNAUTHORIZED, true, false).await;
}

#[tokio::test]
async fn stream_with_an_early_429_on_http1_revoked_by_the_resend() {
    upload_stream(Http::One, StatusCode::TOO_MANY_REQUESTS, false, true).await;
}

#[tokio::test]
async fn stream_with_an_early_401_on_http2_revoked_by_the_resend() {
    upload_stream(Http::Two, StatusCode::UNAUTHORIZED, false, true).await;
}

#[tokio::test]
async fn stream_with_an_early_429_on_http2_revoked_by_hand() {
    upload_stream(Http::Two, StatusCode::TOO_MANY_REQUESTS, true, false).await;
}
