//! The classes of errors of hyper, hyper-util and h2, which real connections on
//! the loopback produce.

use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time,
};
use tower_genesys::{
    BoxError, ReplayBody, TokenError,
    retry::{BoxErrorClassifier, Class, ErrorClassifier},
    token::TokenErrorKind,
};

use crate::sockets::{goaway, listen, read_http2_head, until_closed};

const TRANSIENT: Class = Class::Transient { after: None };

/// The class of an error, on which both classifiers must agree.
fn class<E: std::error::Error + Send + Sync + 'static>(error: E) -> Class {
    let typed = ErrorClassifier::new().class_of(&error);
    let boxed: BoxError = Box::new(error);
    assert_eq!(
        BoxErrorClassifier::new().class_of(&*boxed),
        typed,
        "{boxed:?}"
    );
    let nested: BoxError = Box::new(io::Error::other(boxed));
    assert_eq!(
        BoxErrorClassifier::new().class_of(&*nested),
        typed,
        "{nested:?}"
    );
    typed
}

/// Starts a server that handles each connection the same way. Returns its URL.
async fn server<F, T>(handle: F) -> String
where
    F: Fn(TcpStream) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

fn client<B>() -> Client<HttpConnector, B>
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new()).build_http()
}

async fn get(address: &str) -> ClientError {
    let request = Request::get(address).body(Empty::<Bytes>::new()).unwrap();
    let response = time::timeout(Duration::from_secs(10), client().request(request));
    response.await.unwrap().unwrap_err()
}

async fn connect(url: &str) -> TokioIo<TcpStream> {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    TokioIo::new(TcpStream::connect(address).await.unwrap())
}

#[tokio::test]
async fn closed_port_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = get(&format!("http://{address}/")).await;
    assert!(error.is_connect());
    assert_eq!(class(error), Class::NotSent);
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(class(error), Class::NotSent);
}

#[tokio::test]
async fn host_without_an_address_is_not_sent() {
    assert_eq!(
        class(get("http://no-such-host.invalid/").await),
        Class::NotSent
    );
}

#[tokio::test]
async fn connection_closed_after_the_request_is_transient() {
    let address = server(|mut stream| async move { read_head(&mut stream).await }).await;
    let error = get(&address).await;
    assert!(find_hyper(&error).is_incomplete_message());
    assert_eq!(class(error), TRANSIENT);
}

#[tokio::test]
async fn reset_after_the_request_is_transient() {
    // A socket that is closed with unread input resets its connection.
    let address = server(|mut stream| async move {
        stream.read_u8().await.unwrap();
    })
    .await;
    assert_eq!(class(get(&address).await), TRANSIENT);
}

#[tokio::test]
async fn response_that_is_not_http_is_transient() {
    let address = server(|mut stream| async move {
        read_head(&mut stream).await;
        stream
            .write_all(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let error = get(&address).await;
    assert!(find_hyper(&error).is_parse());
    assert_eq!(class(error), TRANSIENT);
}

fn find_hyper(error: &ClientError) -> &hyper::Error {
    std::error::Error::source(error)
        .unwrap()
        .downcast_ref()
        .unwrap()
}

#[tokio::test]
async fn request_that_the_client_refuses_is_final() {
    let relative = Request::get("/users").body(Empty::<Bytes>::new()).unwrap();
    let error = client().request(relative).await.unwrap_err();
    assert_eq!(class(error), Class::Final);
    let mut ancient = Request::get("http://127.0.0.1/")
        .body(Empty::<Bytes>::new())
        .unwrap();
    *ancient.version_mut() = Version::HTTP_09;
    let error = client().request(ancient).await.unwrap_err();
    assert_eq!(class(error), Class::Final);
}

#[tokio::test]
async fn failure_of_the_callers_body_is_final() {
    let address = server(until_closed).await;
    let broken = || Err::<Frame<Bytes>, _>(io::Error::from(io::ErrorKind::ConnectionRefused));
    let body = StreamBody::new(futures_util::stream::iter([broken()]));
    let request = Request::post(&address).body(body).unwrap();
    let error = client().request(request).await.unwrap_err();
    assert!(find_hyper(&error).is_user());
    assert_eq!(class(error), Class::Final);
    let body = StreamBody::new(futures_util::stream::iter([broken()]));
    let request = Request::post(&address).body(ReplayBody::new(body)).unwrap();
    let error = client().request(request).await.unwrap_err();
    assert_eq!(class(error), Class::Final);
}

#[tokio::test]
async fn replay_body_error_is_final_without_a_client_around_it() {
    let broken = Err::<Frame<Bytes>, _>(io::Error::from(io::ErrorKind::ConnectionRefused));
    let body = StreamBody::new(futures_util::stream::iter([broken]));
    let error = ReplayBody::new(body).collect().await.map(drop).unwrap_err();
    assert_eq!(class(error), Class::Final);
}

#[tokio::test]
async fn connection_that_closes_before_the_request_leaves_it_unprocessed() {
    let address = server(|stream| async move { drop(stream) }).await;
    let stream = connect(&address).await;
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let _ = connection.await;
    let request = || Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    let error = send.send_request(request()).await.unwrap_err();
    assert!(error.is_canceled());
    assert_eq!(class(error), Class::Unprocessed);
    let error = send.ready().await.unwrap_err();
    assert!(error.is_closed());
    assert_eq!(class(error), Class::Unprocessed);
}

#[tokio::test]
async fn request_in_the_queue_of_a_connection_that_breaks_is_unprocessed() {
    let address = server(|stream| async move { drop(stream) }).await;
    let stream = connect(&address).await;
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    let answer = send.send_request(request);
    drop(connection);
    let error = answer.await.unwrap_err();
    assert!(error.is_canceled());
    assert_eq!(class(error), Class::Unprocessed);
}

#[tokio::test]
async fn connection_whose_task_is_aborted_is_transient() {
    let arrived = Arc::new(Notify::new());
    let arrives = Arc::clone(&arrived);
    let address = server(move |mut stream| {
        let arrives = Arc::clone(&arrives);
        async move {
            read_head(&mut stream).await;
            arrives.notify_one();
            until_closed(stream).await;
        }
    })
    .await;
    let stream = connect(&address).await;
    let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    let answer = tokio::spawn(send.send_request(request));
    arrived.notified().await;
    driver.abort();
    let error = answer.await.unwrap().unwrap_err();
    assert!(error.is_user(), "{error:?}");
    assert_eq!(class(error), TRANSIENT);
}

/// Starts an HTTP/2 server that handles each request with `handle`, and ends
/// the connection for the reason that it returns.
async fn h2_server(
    handle: impl Fn(h2::server::SendResponse<Bytes>) -> Option<h2::Reason> + Send + Copy + 'static,
) -> String {
    server(move |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_request, respond))) = connection.accept().await {
            if let Some(reason) = handle(respond) {
                connection.abrupt_shutdown(reason);
            }
        }
    })
    .await
}

async fn h2_get(address: &str) -> ClientError {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = Request::get(address).body(Empty::new()).unwrap();
    let response = time::timeout(Duration::from_secs(10), client.request(request));
    response.await.unwrap().unwrap_err()
}

fn h2_reason(error: &ClientError) -> Option<&h2::Error> {
    find_hyper(error);
    std::error::Error::source(find_hyper(error))?.downcast_ref()
}

#[tokio::test]
async fn stream_that_is_refused_is_unprocessed() {
    let address = h2_server(|mut respond| {
        respond.send_reset(h2::Reason::REFUSED_STREAM);
        None
    })
    .await;
    let error = h2_get(&address).await;
    assert!(h2_reason(&error).unwrap().is_reset());
    assert_eq!(class(error), Class::Unprocessed);
}

#[tokio::test]
async fn stream_that_is_reset_for_another_reason_is_transient() {
    let address = h2_server(|mut respond| {
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
        None
    })
    .await;
    let error = h2_get(&address).await;
    assert!(h2_reason(&error).unwrap().is_reset());
    assert_eq!(class(error), TRANSIENT);
}

/// Starts a server that answers the first request of an HTTP/2 connection with
/// these frames.
async fn raw_h2(frames: &'static [u8]) -> String {
    server(move |mut stream| async move {
        read_http2_head(&mut stream).await;
        stream.write_all(frames).await.unwrap();
        until_closed(stream).await;
    })
    .await
}

#[tokio::test]
async fn stream_above_the_last_one_of_a_goaway_is_unprocessed() {
    // ENHANCE_YOUR_CALM.
    const CALM: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    for frames in [&const { goaway(0) }, CALM] {
        let error = h2_get(&raw_h2(frames).await).await;
        let h2 = h2_reason(&error).unwrap();
        assert!(h2.is_go_away() && h2.is_remote());
        assert_eq!(class(error), Class::Unprocessed);
    }
}

#[tokio::test]
async fn stream_that_a_goaway_lets_finish_and_that_breaks_is_transient() {
    // The last stream is 1, which is the request's; then the connection ends.
    let address = server(|mut stream| async move {
        read_http2_head(&mut stream).await;
        stream.write_all(&goaway(1)).await.unwrap();
        stream.shutdown().await.unwrap();
        until_closed(stream).await;
    })
    .await;
    assert_eq!(class(h2_get(&address).await), TRANSIENT);
}

#[tokio::test]
async fn goaway_of_the_client_to_a_broken_server_is_transient() {
    // DATA on stream 0 is a connection error, to which h2 responds with a
    // GOAWAY.
    let address = raw_h2(&[0, 0, 1, 0, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(class(h2_get(&address).await), TRANSIENT);
}

#[tokio::test]
async fn token_error_is_final_even_if_its_cause_is_a_connect_error() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = TokenError::new(TokenErrorKind::Transport, "the token endpoint is down");
    assert_eq!(class(error.with_source(get(&address).await)), Class::Final);
}
