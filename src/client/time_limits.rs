use std::time::Duration;

use super::ClientBuilder;

/// The shortest interval of HTTP/2 pings and of TCP's first probe. A zero would
/// be an error for one of them, and a constant stream for the other.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Time-outs, and how long the client keeps connections.
///
/// For example, a service that downloads long recordings over HTTP/1.1:
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::client::ClientBuilder;
///
/// # type Body = http_body_util::Full<bytes::Bytes>;
/// let client = ClientBuilder::new()
///     .http1_only()
///     .user_agent("recordings/1.0".parse()?)
///     .without_response_timeout() // a recording may be prepared for minutes
///     .without_body_idle_timeout()
///     .tcp_keepalive(Duration::from_secs(20))
///     .pool_idle_timeout(Duration::from_secs(30))
///     .pool_max_idle_per_host(4)
///     .build::<Body>()?;
/// # let _ = client;
/// # Ok::<_, tower_genesys::BoxError>(())
/// ```
impl ClientBuilder {
    /// Limits the time to connect: DNS, TCP, the proxy's work and TLS together.
    ///
    /// # Default
    ///
    /// 5 seconds. The first two packets may be lost: TCP resends them after one
    /// and after three seconds. The limit is below the eight seconds after
    /// which the token cache sends a second request, so that the error of a
    /// token names the connection as the cause.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use bytes::Bytes;
    /// # use http::Request;
    /// # use http_body_util::Full;
    /// # use tower::ServiceExt;
    /// use tower_genesys::client::{ClientBuilder, ClientErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// // This server accepts TCP connections, and never speaks TLS.
    /// let server = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let uri = format!("https://{}/", server.local_addr()?);
    ///
    /// let client = ClientBuilder::new()
    ///     .without_proxy()
    ///     .connect_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let request = Request::get(uri).body(Full::<Bytes>::default())?;
    /// let error = client.oneshot(request).await.unwrap_err();
    /// assert_eq!(error.kind(), ClientErrorKind::TimedOut);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits the wait for the head of a response, also for a POST that must
    /// not be repeated.
    ///
    /// The limit counts from the send, and during an upload from the last part
    /// that was sent. While the client waits for the request body's next part,
    /// it does not count. After the limit, the request fails with
    /// [`ResponseTimedOut`](super::ClientErrorKind::ResponseTimedOut).
    ///
    /// [`Retry`](crate::retry) has a separate, shorter time-out for attempts.
    /// It ends an attempt only if another one can follow.
    ///
    /// # Default
    ///
    /// 75 seconds. AWS's load balancers, in front of Genesys Cloud, respond
    /// with 504 after 60 seconds without a response; 15 seconds remain for that
    /// 504 to arrive.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use bytes::Bytes;
    /// # use http::Request;
    /// # use http_body_util::Full;
    /// # use tower::ServiceExt;
    /// use tower_genesys::client::{ClientBuilder, ClientErrorKind};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// // This server accepts connections, and never responds.
    /// let server = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let uri = format!("http://{}/", server.local_addr()?);
    ///
    /// let client = ClientBuilder::new()
    ///     .without_proxy()
    ///     .allow_loopback()
    ///     .response_timeout(Duration::from_millis(50))
    ///     .build()?;
    /// let request = Request::get(uri).body(Full::<Bytes>::default())?;
    /// let error = client.oneshot(request).await.unwrap_err();
    /// assert_eq!(error.kind(), ClientErrorKind::ResponseTimedOut);
    /// # Ok(())
    /// # }
    /// ```
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.limits.response = Some(limit);
        self
    }

    /// Removes the limit on the wait for a response's head: the client waits as
    /// long as the connection lasts.
    pub fn without_response_timeout(mut self) -> Self {
        self.limits.response = None;
        self
    }

    /// Limits the time between two parts of a response body. As long as parts
    /// arrive, a download may take any time.
    ///
    /// The limit counts only while the reader waits. After it, the body fails
    /// with [`ResponseTimedOut`](super::ClientErrorKind::ResponseTimedOut).
    ///
    /// # Default
    ///
    /// 75 seconds, for the reason of
    /// [`response_timeout`](Self::response_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// let builder = ClientBuilder::new().body_idle_timeout(Duration::from_secs(20));
    /// assert!(builder.build::<Body>().is_ok());
    /// ```
    pub fn body_idle_timeout(mut self, limit: Duration) -> Self {
        self.limits.body_idle = Some(limit);
        self
    }

    /// Removes the limit on the time between two parts of a response body. Use
    /// it for streams with long pauses: the client waits as long as the
    /// connection lasts.
    pub fn without_body_idle_timeout(mut self) -> Self {
        self.limits.body_idle = None;
        self
    }

    /// Sets how long a connection may be idle before the client closes it.
    ///
    /// # Default
    ///
    /// 50 seconds: less than the 60 seconds after which AWS's load balancers,
    /// in front of Genesys Cloud, close it. A request sent while they close it
    /// is lost, and may have been executed.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.pools.idle_timeout = limit;
        self
    }

    /// Sets how many idle connections the client keeps for each host.
    ///
    /// # Default
    ///
    /// 32, which matters for HTTP/1.1 only. At 300 requests a minute, fewer are
    /// in flight at once; and after a burst, no hundreds of sockets stay open.
    pub fn pool_max_idle_per_host(mut self, count: usize) -> Self {
        self.pools.max_idle_per_host = count;
        self
    }

    /// Sets how long an HTTP/2 connection with requests in flight may be silent
    /// before the client sends a ping. At least one second.
    ///
    /// # Default
    ///
    /// 15 seconds. With the 10 seconds of
    /// [`http2_keep_alive_timeout`](Self::http2_keep_alive_timeout), the client
    /// detects a dead connection within the 30 seconds that
    /// [`RetryPolicy`](crate::RetryPolicy) gives an attempt. Idle connections
    /// get no pings, because they are closed soon.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::client::ClientBuilder;
    ///
    /// # type Body = http_body_util::Full<bytes::Bytes>;
    /// // A network that drops connections without notice.
    /// let builder = ClientBuilder::new()
    ///     .http2_keep_alive_interval(Duration::from_secs(5))
    ///     .http2_keep_alive_timeout(Duration::from_secs(2));
    /// assert!(builder.build::<Body>().is_ok());
    /// ```
    pub fn http2_keep_alive_interval(mut self, interval: Duration) -> Self {
        self.pools.http2_keep_alive.0 = interval.max(SHORTEST_KEEP_ALIVE);
        self
    }

    /// Sets how long the client waits for the reply to an HTTP/2 ping before
    /// it closes the connection. At least one second.
    ///
    /// # Default
    ///
    /// 10 seconds: see
    /// [`http2_keep_alive_interval`](Self::http2_keep_alive_interval).
    pub fn http2_keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.pools.http2_keep_alive.1 = timeout.max(SHORTEST_KEEP_ALIVE);
        self
    }

    /// Sets how long a TCP connection may be silent before the first probe. At
    /// least one second; the kernel counts whole seconds. Two more probes
    /// follow, each after ten seconds.
    ///
    /// # Default
    ///
    /// 30 seconds. With HTTP/1.1, firewalls and NATs then keep the connection
    /// of a query that takes minutes, and the client detects a dead connection
    /// within a minute.
    pub fn tcp_keepalive(mut self, idle: Duration) -> Self {
        self.tcp_keepalive = idle.max(SHORTEST_KEEP_ALIVE);
        self
    }
}
