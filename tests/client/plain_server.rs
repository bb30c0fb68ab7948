use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Uri;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

/// A server without TLS on a loopback port. The test decides what it does with
/// each connection.
pub(crate) struct PlainServer {
    port: u16,
    requests: Arc<AtomicUsize>,
}

/// One connection to a [`PlainServer`].
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    requests: Arc<AtomicUsize>,
}

impl PlainServer {
    pub(crate) async fn start<F, T>(serve: F) -> Self
    where
        F: Fn(Connection) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let requests = Arc::clone(&counter);
                tokio::spawn(serve(Connection { stream, requests }));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn uri(&self) -> Uri {
        let uri = format!("http://127.0.0.1:{}/", self.port);
        uri.parse().expect("a URI")
    }

    /// How many heads of requests it has read.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Connection {
    /// The head of the next request, in lower case, or `None` once the client
    /// has closed the connection.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        Some(String::from_utf8_lossy(&head).to_lowercase())
    }
}
