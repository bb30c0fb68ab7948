use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service;

use super::{
    connect_error::ConnectError,
    proxy::Proxies,
    served::Noted,
    tls::Tls,
    transport::{Transport, Transported},
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
