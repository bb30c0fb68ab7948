//! The mock on the wire: accepts connections, and gives each request to
//! `exchange.rs`, as the in-memory service does.

use std::{fmt, future::pending, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
};

use super::{MockBody, MockError, MockErrorKind, exchange, state::Shared};
use crate::genesys::Region;

/// How much the server reads of a body that a script leaves unread, like
/// buffers on the way.
const BUFFERED: usize = 64 * 1024;

/// A [`MockGenesys`](super::MockGenesys) on a port of 127.0.0.1, for any HTTP
/// client.
///
/// It speaks HTTP/1.1, and HTTP/2 with prior knowledge (h2c). Dropping it
/// closes the port and all connections; the mock keeps the counts. All servers
/// and services of one mock share everything except connections.
///
/// ```
/// use tower_genesys::testing::MockGenesys;
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// let server = mock.serve().await?;
/// let token_url = format!("{}/oauth/token", server.url());
/// assert_eq!(server.region().token_url().to_string(), token_url);
/// assert!(server.address().ip().is_loopback());
/// # Ok::<_, std::io::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping it stops the server"]
pub struct MockServer {
    /// Without a final slash.
    url: String,
    address: SocketAddr,
    /// Both base URLs lead to this server.
    region: Region,
    /// Ends the task that owns all connections.
    accept: AbortHandle,
}

/// Counts a connection for as long as it is open.
struct Open {
    shared: Arc<Shared>,
}

impl MockServer {
    /// Binds a free port, and starts to accept connections.
    pub(super) async fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        // Prefixes of the mock's region stay, so a client under test must keep
        // them.
        let login = format!("{url}{}", shared.region.login_prefix());
        let api = format!("{url}{}", shared.region.api_prefix());
        let region = Region::custom(&login, &api).map_err(io::Error::other)?;
        let accept = tokio::spawn(accept(shared, listener)).abort_handle();
        Ok(Self {
            url,
            address,
            region,
            accept,
        })
    }

    /// Returns the URL of the server, such as `http://127.0.0.1:40123`, without
    /// a final slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a region with the server's base URLs for login and API. The path
    /// prefixes are those of the mock's region.
    pub fn region(&self) -> Region {
        self.region.clone()
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl fmt::Debug for MockServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockServer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Accepts connections, and owns them all, so that they end with this task.
async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let open = Open::new(Arc::clone(&shared));
                    connections.spawn(serve(open, stream));
                }
                // Perhaps the process is out of file descriptors: a closing
                // connection frees one.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            // Only to free the tasks of connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        let mut state = shared.lock();
        state.connections.accepted += 1;
        state.connections.open += 1;
        drop(state);
        shared.changed.notify_waiters();
        Self { shared }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.lock().connections.open -= 1;
        self.shared.changed.notify_waiters();
    }
}

/// Serves one connection until it ends, or until a script cuts it.
async fn serve(open: Open, stream: TcpStream) {
    // Responses are small, so each is sent at once.
    let _ = stream.set_nodelay(true);
    let (_closing, closed) = watch::channel(());
    let cut = Arc::new(Notify::new());
    let service = service_fn(|request| {
        respond(
            Arc::clone(&open.shared),
            request,
            Arc::clone(&cut),
            closed.clone(),
        )
    });
    let builder = Builder::new(TokioExecutor::new());
    tokio::select! {
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = cut.notified() => {}
    }
}

/// Responds to one request of a connection.
async fn respond(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    cut: Arc<Notify>,
    closed: watch::Receiver<()>,
) -> Result<Response<MockBody>, MockError> {
    let http2 = request.version() == Version::HTTP_2;
    match exchange::respond(&shared, request).await {
        Ok((response, None)) => Ok(response),
        // Holding the body would withhold its part of the connection's window
        // from other streams.
        Ok((response, Some(_))) if http2 => Ok(response),
        Ok((response, Some(unread))) => {
            tokio::spawn(leave_unread(unread, closed));
            Ok(response)
        }
        Err(error) if error.kind() == MockErrorKind::Reset => {
            // On HTTP/2, an error of the service would reset one stream only.
            // Dropping the connection cuts all of it.
            cut.notify_one();
            pending().await
        }
        Err(error) => Err(error),
    }
}

/// Holds an unread body until its connection closes. If it were dropped, hyper
/// would close the connection at once.
async fn leave_unread(mut body: Pin<Box<Incoming>>, mut closed: watch::Receiver<()>) {
    let take_in = async {
        let mut taken = 0;
        while taken < BUFFERED {
            match body.frame().await {
                Some(Ok(frame)) => taken += frame.data_ref().map_or(0, |data| data.len()),
                Some(Err(_)) | None => return,
            }
        }
        pending().await
    };
    tokio::select! {
        () = take_in => {}
        _ = closed.changed() => {}
    }
}
