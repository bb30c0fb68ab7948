use std::{future::pending, time::Duration};

use tokio::{net::TcpListener, time::Instant};
use tower_genesys::client::{ClientBuilder, ClientErrorKind};

use crate::setup::{HttpClient, refused};

const LIMIT: Duration = Duration::from_millis(300);

fn builder() -> ClientBuilder {
    ClientBuilder::new().without_proxy().connect_timeout(LIMIT)
}

/// A port whose connections meet silence.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Expects that a request to the silent port times out at its limit. Once the
/// connection is there, the clock passes the limit at once.
async fn timed_out(client: &HttpClient, uri: &str, silent: &TcpListener) -> String {
    let silence = async {
        let connection = silent.accept().await.unwrap();
        tokio::time::pause();
        pending::<()>().await;
        drop(connection);
    };
    let begun = Instant::now();
    let error = refused(client, uri.parse().unwrap(), ClientErrorKind::TimedOut);
    let text = tokio::select! {
        text = error => text,
        () = silence => unreachable!("it never ends"),
    };
    assert!(begun.elapsed() >= LIMIT, "{:?}", begun.elapsed());
    tokio::time::resume();
    assert!(text.contains("within 300ms"), "{text}");
    text
}

#[tokio::test]
async fn a_host_that_does_not_answer_the_tls_handshake_is_given_up() {
    let (silent, port) = silent().await;
    let client: HttpClient = builder().build().unwrap();
    let text = timed_out(&client, &format!("https://localhost:{port}/"), &silent).await;
    assert!(text.contains(&format!("localhost:{port}")), "{text}");
    assert!(text.contains("whether a proxy is needed"), "{text}");
}

#[tokio::test]
async fn a_proxy_that_answers_nothing_is_given_up() {
    let (silent, port) = silent().await;
    for url in [
        format!("http://user:s3cr3t@localhost:{port}"),
        format!("https://user:s3cr3t@localhost:{port}"),
    ] {
        let client: HttpClient = builder().proxy(url).build().unwrap();
        let text = timed_out(&client, "https://api.mypurecloud.com/", &silent).await;
        assert!(
            text.contains(&format!("the proxy localhost:{port}")),
            "{text}"
        );
        assert!(text.contains("api.mypurecloud.com"), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}

// Other kernels refuse a connection for which the backlog has no room.
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
        assert!(held.len() < 100, "the backlog is never full");
    }
    let client: HttpClient = builder().build().unwrap();
    let uri = format!("https://{address}/").parse().unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    let text = refused(&client, uri, ClientErrorKind::TimedOut).await;
    assert!(begun.elapsed() >= LIMIT, "{:?}", begun.elapsed());
    assert!(text.contains("within 300ms"), "{text}");
}
