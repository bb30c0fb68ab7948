use std::time::Duration;

use tokio::{net::TcpListener, time::Instant};
use tower_genesys::client::{ClientBuilder, ClientErrorKind};

use crate::setup::{HttpClient, PATIENCE, refused};

const LIMIT: Duration = Duration::from_millis(300);

fn builder() -> ClientBuilder {
    ClientBuilder::new().without_proxy().connect_timeout(LIMIT)
}

/// Accepts whatever the backlog takes, and says nothing.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn timed_out(client: &HttpClient, uri: &str) -> String {
    let start = Instant::now();
    let text = refused(client, uri.parse().unwrap(), ClientErrorKind::TimedOut).await;
    let took = start.elapsed();
    assert!(took >= LIMIT && took < PATIENCE / 2, "{took:?}");
    assert!(text.contains("within 300ms"), "{text}");
    text
}

#[tokio::test]
async fn a_host_that_does_no_tls_is_given_up() {
    let (_silent, port) = silent().await;
    let client: HttpClient = builder().build().unwrap();
    let text = timed_out(&client, &format!("https://localhost:{port}/")).await;
    assert!(text.contains(&format!("localhost:{port}")), "{text}");
    assert!(text.contains("whether a proxy is needed"), "{text}");
}

#[tokio::test]
async fn a_proxy_that_answers_nothing_is_given_up() {
    let (_silent, port) = silent().await;
    for url in [
        format!("http://user:s3cr3t@localhost:{port}"),
        format!("https://user:s3cr3t@localhost:{port}"),
    ] {
        let client: HttpClient = builder().proxy(url).build().unwrap();
        let text = timed_out(&client, "https://api.mypurecloud.com/").await;
        assert!(
            text.contains(&format!("the proxy localhost:{port}")),
            "{text}"
        );
        assert!(text.contains("api.mypurecloud.com"), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}

// Elsewhere the kernel refuses what it has no room for.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_accepts_nothing_is_given_up() {
    use tokio::net::{TcpSocket, TcpStream};

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = tokio::time::timeout(LIMIT, TcpStream::connect(address)).await {
        held.push(stream.unwrap());
        assert!(held.len() < 100, "the backlog is full at some time");
    }
    let client: HttpClient = builder().build().unwrap();
    timed_out(&client, &format!("https://{address}/")).await;
}
