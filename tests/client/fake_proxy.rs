use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    task::AbortHandle,
};

/// A proxy that reads the head of a request on each connection, and answers
/// with fixed bytes.
pub(crate) struct FakeProxy {
    address: SocketAddr,
    heads: mpsc::UnboundedReceiver<String>,
    accept: AbortHandle,
}

impl FakeProxy {
    pub(crate) async fn start(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let (asked, heads) = mpsc::unbounded_channel();
        let accept = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let _ = asked.send(String::from_utf8_lossy(&head).into_owned());
                let _ = stream.write_all(answer).await;
            }
        });
        Self {
            address,
            heads,
            accept: accept.abort_handle(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The head of the next request that it has read.
    pub(crate) async fn head(&mut self) -> String {
        self.heads.recv().await.expect("it still runs")
    }
}

impl Drop for FakeProxy {
    fn drop(&mut self) {
        self.accept.abort();
    }
}
