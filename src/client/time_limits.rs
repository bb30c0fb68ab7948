use std::time::Duration;

use super::ClientBuilder;

/// The least time between two HTTP/2 pings, and before TCP's first probe, which both take none for
/// an error or for all the time.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// How long the other side may take, and how long connections are kept.
impl ClientBuilder {
    /// How long it may take until there is a connection: DNS, TCP, what the proxy does, and TLS
    /// together.
    ///
    /// # Default
    ///
    /// 5 seconds: the first two packets may be lost, which TCP sends again after one and after
    /// three seconds. And it is less than the eight seconds that an attempt to get a token has, so
    /// that its error says that it was the connection.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits the time without the head of a response, also for a POST that must not be repeated.
    ///
    /// It counts from when the request was sent, and during an upload from the last part that the
    /// connection took. While the request's own body has nothing to give, it does not count. The
    /// request fails with [`ResponseTimedOut`](super::ClientErrorKind::ResponseTimedOut).
    ///
    /// [`Retry`](crate::retry) has a time-out for attempts of its own, which is shorter, and ends an
    /// attempt only if another one can follow.
    ///
    /// # Default
    ///
    /// 75 seconds: AWS' load balancers, which Genesys Cloud runs behind, answer 504 after 60 seconds
    /// without a response, and 15 seconds are left for that answer.
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.limits.response = Some(limit);
        self
    }

    /// Waits for the head of a response as long as the connection lasts.
    pub fn without_response_timeout(mut self) -> Self {
        self.limits.response = None;
        self
    }

    /// Limits the time between two parts of a response's body. A download may take any time, as long
    /// as something comes.
    ///
    /// It counts only while the body is waited for. The body fails with
    /// [`ResponseTimedOut`](super::ClientErrorKind::ResponseTimedOut).
    ///
    /// # Default
    ///
    /// 75 seconds, for the reason of [`response_timeout`](Self::response_timeout).
    pub fn body_idle_timeout(mut self, limit: Duration) -> Self {
        self.limits.body_idle = Some(limit);
        self
    }

    /// Waits for the next part of a body as long as the connection lasts, for streams that may be
    /// silent for longer.
    pub fn without_body_idle_timeout(mut self) -> Self {
        self.limits.body_idle = None;
        self
    }

    /// How long a connection may be idle before it is closed.
    ///
    /// # Default
    ///
    /// 50 seconds: less than the 60 after which AWS' load balancers close it, which Genesys Cloud
    /// runs behind. A request that crosses their closing is lost, and nobody knows whether it was
    /// executed.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.pools.idle_timeout = limit;
        self
    }

    /// How many idle connections are kept for each host.
    ///
    /// # Default
    ///
    /// 32, which matters with HTTP/1.1 only: more than requests at a time are at 300 a minute, and
    /// a burst leaves no hundreds of sockets behind.
    pub fn pool_max_idle_per_host(mut self, count: usize) -> Self {
        self.pools.max_idle_per_host = count;
        self
    }

    /// How long an HTTP/2 connection with requests in flight may be silent before it is sent a
    /// ping. At least a second.
    ///
    /// # Default
    ///
    /// 15 seconds. With the 10 of
    /// [`http2_keep_alive_timeout`](Self::http2_keep_alive_timeout) a dead connection is found within
    /// the 30 that [`RetryPolicy`](crate::RetryPolicy) gives an attempt. Idle ones are sent none;
    /// they are closed soon.
    pub fn http2_keep_alive_interval(mut self, interval: Duration) -> Self {
        self.pools.http2_keep_alive.0 = interval.max(SHORTEST_KEEP_ALIVE);
        self
    }

    /// How long the answer to an HTTP/2 ping may take before the connection is given up. At least a
    /// second.
    ///
    /// # Default
    ///
    /// 10 seconds: see [`http2_keep_alive_interval`](Self::http2_keep_alive_interval).
    pub fn http2_keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.pools.http2_keep_alive.1 = timeout.max(SHORTEST_KEEP_ALIVE);
        self
    }

    /// How long a TCP connection may be silent before it is probed. At least a second; the kernel
    /// counts in whole ones. Two more probes follow, each after ten seconds.
    ///
    /// # Default
    ///
    /// 30 seconds: with HTTP/1.1, a query that takes minutes keeps its place in firewalls and NATs,
    /// and a dead connection is found in one.
    pub fn tcp_keepalive(mut self, idle: Duration) -> Self {
        self.tcp_keepalive = idle.max(SHORTEST_KEEP_ALIVE);
        self
    }
}
