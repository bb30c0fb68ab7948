use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{
    connect_error::ConnectError,
    proxy::{Proxies, Proxy},
    tunnel,
};

/// A connection to a host: direct TCP, or a tunnel through a proxy that is
/// reached by TCP or TLS.
pub(super) type Transported = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects to hosts, through a proxy if there is one for the host. TLS with
/// the host is added by [`Connector`](super::connector::Connector).
#[derive(Clone)]
pub(super) struct Transport {
    /// For hosts without a proxy.
    tcp: HttpConnector,
    /// For proxies, over TCP or TLS as their URL says.
    to_proxy: HttpsConnector<HttpConnector>,
    /// `None`: no proxy for any host.
    proxies: Option<Arc<Proxies>>,
}

impl Transport {
    pub(super) fn new(
        tcp: HttpConnector,
        tls: Arc<ClientConfig>,
        proxies: Option<Proxies>,
    ) -> Self {
        Self {
            to_proxy: HttpsConnector::from((tcp.clone(), tls)),
            tcp,
            proxies: proxies.map(Arc::new),
        }
    }

    /// Returns the proxy for a destination, if there is one.
    pub(super) fn proxy(&self, dst: &Uri) -> Option<Proxy> {
        self.proxies.as_ref()?.of(dst)
    }
}

impl Service<Uri> for Transport {
    type Response = Transported;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Transported, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        // The destination decides which connector must be ready, so `call`
        // waits for that.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        match self.proxy(&dst) {
            None => Box::pin(direct(self.tcp.clone(), dst)),
            Some(proxy) => Box::pin(tunnelled(self.to_proxy.clone(), proxy, dst)),
        }
    }
}

/// Connects to the host itself.
async fn direct(mut tcp: HttpConnector, dst: Uri) -> Result<Transported, ConnectError> {
    let connected = match poll_fn(|cx| tcp.poll_ready(cx)).await {
        Ok(()) => tcp.call(dst.clone()).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(MaybeHttpsStream::Http(stream)),
        Err(error) => Err(ConnectError::unreachable(&dst, error.into())),
    }
}

/// Connects to the proxy, and asks it for a tunnel to the host.
async fn tunnelled(
    mut to_proxy: HttpsConnector<HttpConnector>,
    proxy: Proxy,
    dst: Uri,
) -> Result<Transported, ConnectError> {
    let connected = match poll_fn(|cx| to_proxy.poll_ready(cx)).await {
        Ok(()) => to_proxy.call(proxy.uri().clone()).await,
        Err(error) => Err(error),
    };
    let stream = connected.map_err(|error| ConnectError::proxy_unreachable(&proxy, error))?;
    tunnel::connect(stream, &dst, proxy.credentials())
        .await
        .map_err(|error| ConnectError::tunnel(&dst, &proxy, error))
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
