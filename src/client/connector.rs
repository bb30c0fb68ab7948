use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use super::{
    connect_error::ConnectError,
    proxy::{Proxies, Proxy},
    served::Noted,
    tls::Tls,
    tunnel,
};
use crate::error::causes;

/// Connects to hosts within a time limit: directly or through a proxy, with
/// TLS.
#[derive(Clone)]
pub(super) struct Connector {
    /// For the error of a time-out, which names the proxy.
    transport: Transport,
    tls: HttpsConnector<Transport>,
    /// The time limit for DNS, TCP, the proxy and TLS together.
    limit: Duration,
}

/// A connection to a host: direct TCP, or a tunnel through a proxy that is
/// reached by TCP or TLS.
type Transported = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects to hosts, through a proxy if there is one for the host.
/// [`Connector`] adds TLS with the host.
#[derive(Clone)]
struct Transport {
    /// For hosts without a proxy.
    tcp: HttpConnector,
    /// For proxies, over TCP or TLS as their URL says.
    to_proxy: HttpsConnector<HttpConnector>,
    /// `None`: no proxy for any host.
    proxies: Option<Arc<Proxies>>,
}

impl Connector {
    pub(super) fn new(
        mut tcp: HttpConnector,
        tls: Tls,
        proxies: Option<Proxies>,
        limit: Duration,
    ) -> Self {
        // TLS comes on top of this connector, so its URIs are https.
        tcp.enforce_http(false);
        // The connector divides the limit among a name's addresses, so a dead
        // one leaves time for the next.
        tcp.set_connect_timeout(Some(limit));
        let transport = Transport::new(tcp, tls.proxies, proxies);
        Self {
            tls: HttpsConnector::from((transport.clone(), tls.hosts)),
            transport,
            limit,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Noted<MaybeHttpsStream<Transported>>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.transport.poll_ready(cx)
    }

    fn call(&mut self, dst: Uri) -> Self::Future {
        let (limit, transport) = (self.limit, self.transport.clone());
        let connecting = self.tls.call(dst.clone());
        Box::pin(async move {
            match timeout(limit, connecting).await {
                Ok(Ok(stream)) => Ok(Noted::new(stream)),
                Ok(Err(error)) if !timed_out(&*error) => Err(ConnectError::handshake(&dst, error)),
                // Either the last address used up its share, or the whole limit
                // has passed.
                Ok(Err(_)) | Err(_) => {
                    let proxy = transport.proxy(&dst);
                    Err(ConnectError::timed_out(&dst, proxy.as_ref(), limit))
                }
            }
        })
    }
}

impl Transport {
    fn new(tcp: HttpConnector, tls: Arc<ClientConfig>, proxies: Option<Proxies>) -> Self {
        Self {
            to_proxy: HttpsConnector::from((tcp.clone(), tls)),
            tcp,
            proxies: proxies.map(Arc::new),
        }
    }

    /// Returns the proxy for a destination, if there is one.
    fn proxy(&self, dst: &Uri) -> Option<Proxy> {
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

/// Returns whether the TCP connector ran out of its time for the last address.
fn timed_out(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::TimedOut)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("transport", &self.transport)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
