//! Retry over a real connection: what happens to the connection when a request
//! is retried.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, mpsc},
    time,
};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
use tower_genesys::{
    ReplayBody, ReplayLayer, RetryLayer, RetryPolicy,
    retry::{Backoff, Outcome, RetryEvent},
};

use crate::sockets::listen;

type Body = UnsyncBoxBody<Bytes, hyper::Error>;
type Api = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, BoxError>;

/// What the test is told of the client.
#[derive(Default)]
struct Told {
    /// A retry, before its old response is drained.
    scheduled: Arc<Notify>,
    /// A frame of a response was read.
    read: Arc<Notify>,
}

/// The layers around a real client.
fn client(max_sends: u32) -> (Api, Told) {
    let told = Told::default();
    let (schedule, read) = (told.scheduled.clone(), told.read.clone());
    let observer = move |event: &RetryEvent<'_>| {
        if let RetryEvent::Scheduled { .. } = event {
            schedule.notify_one();
        }
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Full<Bytes>>>();
    let backoff = Backoff::new().with_cap(Duration::from_millis(1));
    let policy = RetryPolicy::new()
        .with_max_sends(max_sends)
        .with_backoff(backoff);
    let service = ServiceBuilder::new()
        .layer(ReplayLayer::new())
        .layer(RetryLayer::typed(policy).with_observer(observer))
        .map_response(move |response: Response<Incoming>| {
            let read = read.clone();
            let frames = response.map(|body| {
                body.map_frame(move |frame| {
                    read.notify_one();
                    frame
                })
            });
            frames.map(Body::new)
        })
        .service(client)
        .map_err(Into::into);
    (BoxCloneSyncService::new(service), told)
}

fn put(address: &str) -> Request<Full<Bytes>> {
    Request::put(address).body(Full::from("payload")).unwrap()
}

/// Reads the next request. `None` when the connection is closed.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"payload") {
        request.push(stream.read_u8().await.ok()?);
    }
    Some(())
}

#[tokio::test]
async fn five_attempts_with_large_error_bodies_take_one_connection() {
    let (listener, address) = listen().await;
    let (client, told) = client(5);
    let connections = Arc::new(AtomicUsize::new(0));
    let accepted = connections.clone();
    tokio::spawn(async move {
        let sends = Arc::new(AtomicUsize::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            let (sends, scheduled) = (sends.clone(), told.scheduled.clone());
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    let last = sends.fetch_add(1, Ordering::SeqCst) == 4;
                    let (status, body) = if last { (200, 2) } else { (503, 64 * 1024) };
                    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {body}\r\n\r\n");
                    stream.write_all(head.as_bytes()).await.unwrap();
                    if !last {
                        // The client must drain the rest of the body.
                        scheduled.notified().await;
                    }
                    stream.write_all(&vec![b'x'; body]).await.unwrap();
                }
            });
        }
    });
    let response = client.oneshot(put(&address)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(Outcome::of(response.extensions()).unwrap().sends, 5);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "xx"
    );
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn scenario_30_a_call_that_is_dropped_during_a_drain_closes_its_connection() {
    let (listener, address) = listen().await;
    let (report, mut events) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        let head = b"HTTP/1.1 503 x\r\ncontent-length: 100\r\n\r\npart";
        stream.write_all(head).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        report.send("closed").unwrap();
    });
    let (mut client, told) = client(2);
    let call = client.ready().await.unwrap().call(put(&address));
    let call = async {
        call.await.unwrap();
    };
    tokio::select! {
        biased;
        () = call => panic!("the drain waits for the rest"),
        // The drain has read a part of the body.
        () = told.read.notified() => {}
    }
    let closed = time::timeout(Duration::from_secs(5), events.recv());
    assert_eq!(closed.await.unwrap(), Some("closed"));
}

#[tokio::test]
async fn a_response_that_is_returned_can_be_read_to_its_end() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while read_request(&mut stream).await.is_some() {
            let answer = b"HTTP/1.1 503 x\r\nretry-after: 181\r\ncontent-length: 4\r\n\r\nbusy";
            stream.write_all(answer).await.unwrap();
        }
    });
    let response = client(4).0.oneshot(put(&address)).await.unwrap();
    assert_eq!(Outcome::of(response.extensions()).unwrap().sends, 1);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "busy"
    );
}
