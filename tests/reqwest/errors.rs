use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header::LOCATION};
use http_body_util::Empty;
use reqwest::{Client, Error};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;
use tower_genesys::{
    BoxError,
    reqwest::HttpService,
    retry::{BoxErrorClassifier, Class, ErrorClassifier},
    testing::USERS,
};

use crate::setup::{setup, setup_as_it_comes};

const TRANSIENT: Class = Class::Transient { after: None };

async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    format!("http://{}", listener.local_addr().expect("it has one"))
}

async fn error_of(client: HttpService, url: &str) -> Error {
    let request = Request::get(url).body(Empty::<Bytes>::new());
    let sent = client.oneshot(request.expect("a request"));
    let sent = tokio::time::timeout(Duration::from_secs(10), sent).await;
    sent.expect("it ends").expect_err("it fails")
}

fn client() -> HttpService {
    HttpService::from_builder(Client::builder()).expect("it has no TLS")
}

/// The class by both classifiers, which agree.
fn class(error: Error) -> Class {
    let typed = ErrorClassifier::new().class_of(&error);
    let boxed: BoxError = Box::new(io::Error::other(error));
    assert_eq!(
        BoxErrorClassifier::new().class_of(&*boxed),
        typed,
        "{boxed:?}"
    );
    typed
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let error = error_of(client(), &closed_port().await).await;
    assert!(error.is_connect());
    assert_eq!(class(error), Class::NotSent);
    // A client that follows redirects had no connection either.
    let error = error_of(HttpService::new(Client::new()), &closed_port().await).await;
    assert_eq!(class(error), Class::NotSent);
    let error = error_of(client(), "http://no-such-host.invalid/").await;
    assert_eq!(class(error), Class::NotSent);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _: Result<u8, _> = TcpStream::read_u8(&mut stream).await;
        }
    });
    assert_eq!(class(error_of(client(), &url).await), TRANSIENT);
}

#[tokio::test]
async fn a_request_that_reqwest_cannot_build_is_final() {
    let error = error_of(client(), "ftp://127.0.0.1/").await;
    assert!(error.is_builder(), "{error:?}");
    assert_eq!(class(error), Class::Final);
    let https_only = HttpService::from_builder(Client::builder().https_only(true));
    let error = error_of(https_only.expect("it builds"), "http://127.0.0.1/").await;
    assert_eq!(class(error), Class::Final);
}

#[tokio::test]
async fn a_circle_of_redirects_is_final() {
    let setup = setup_as_it_comes(|builder| builder).await;
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_static("/api/v2/users"));
    setup
        .mock
        .on(USERS)
        .reply(http::StatusCode::FOUND, headers, "");
    let request = setup.client.get(setup.url("/api/v2/users")).build();
    let error = setup.genesys.execute(request.expect("a request")).await;
    let error = error.expect_err("it never ends");
    let error = error.downcast::<Error>().expect("it is reqwest's");
    assert!(error.is_redirect());
    assert_eq!(
        (setup.sends(), setup.mock.count(USERS)),
        (1, 11),
        "one call, ten redirects"
    );
}

#[tokio::test]
async fn a_refused_connection_is_retried_whatever_the_method() {
    let setup = setup().await;
    setup.org.tokens().warm_up().await.expect("a token");
    let url = format!("{}/api/v2/users", closed_port().await);
    let request = setup
        .client
        .post(url)
        .body("{}")
        .build()
        .expect("a request");
    let error = setup
        .genesys
        .execute(request)
        .await
        .expect_err("nothing listens");
    let error = error.downcast::<Error>().expect("it is reqwest's");
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(setup.sends(), 4);
}

#[tokio::test]
async fn an_error_shows_no_query_and_no_password() {
    let base = closed_port().await;
    let url = format!("{}/users?q=Ada#top", base.replace("//", "//me:s3cr3t@"));
    let error = error_of(client(), &url).await;
    let text = format!("{error} {error:?}");
    assert_eq!(
        error.url().map(|url| url.as_str()),
        Some(&*format!("{base}/users"))
    );
    for hidden in ["Ada", "top", "me:", "s3cr3t"] {
        assert!(!text.contains(hidden), "{text}");
    }
}

#[tokio::test]
async fn reqwest_itself_never_retries_below_the_layers() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    let refused = Arc::new(AtomicUsize::new(0));
    let counter = refused.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let _: &mut h2::server::SendResponse<Bytes> = &mut respond;
                    counter.fetch_add(1, Ordering::SeqCst);
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
            });
        }
    });
    let plain = Client::builder()
        .http2_prior_knowledge()
        .build()
        .expect("it has no TLS");
    // Without the adapter, reqwest sends a GET three times.
    plain.get(&url).send().await.expect_err("it is refused");
    assert_eq!(refused.swap(0, Ordering::SeqCst), 3);
    let own = HttpService::from_builder(Client::builder().http2_prior_knowledge());
    let error = error_of(own.expect("it has no TLS"), &url).await;
    assert_eq!(class(error), Class::Unprocessed);
    assert_eq!(refused.swap(0, Ordering::SeqCst), 1);
    // The server may have refused the hop of a redirect, after it carried out
    // the request itself.
    let error = error_of(HttpService::new(plain), &url).await;
    assert_eq!(class(error), TRANSIENT);
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}
