/// The kind of a [`ClientError`](super::ClientError), for code that decides by
/// it.
///
/// The [module docs](super#errors) have an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The URI is not https, and not a URI of this machine that
    /// [`ClientBuilder::allow_loopback`](super::ClientBuilder::allow_loopback)
    /// allows. Nothing was sent.
    NotHttps,
    /// The client could not reach the host. Nothing was sent.
    Connect,
    /// The client could not connect in time, proxy and TLS included
    /// ([`connect_timeout`](super::ClientBuilder::connect_timeout)). Nothing
    /// was sent.
    TimedOut,
    /// The client could not reach the proxy, or the proxy refused to connect to
    /// the host. Nothing was sent.
    Proxy,
    /// The proxy requires a user and a password, or refused the given ones.
    /// Nothing was sent. [`Retry`](crate::retry) does not retry, because the
    /// proxy may lock the account.
    ProxyAuthentication,
    /// The certificate of the host, or of the proxy, is not trusted: its CA is
    /// unknown, it is for another host, or it has expired. Nothing was sent.
    Certificate,
    /// The TLS handshake with the host, or with the proxy, failed. Nothing was
    /// sent.
    Tls,
    /// The connection broke, or the request body failed. The server may have
    /// executed the request.
    Exchange,
    /// The head of the response, or the next part of its body, did not arrive
    /// in time ([`response_timeout`](super::ClientBuilder::response_timeout),
    /// [`body_idle_timeout`](super::ClientBuilder::body_idle_timeout)). The
    /// server may have executed the request.
    ResponseTimedOut,
    /// The response was awaited outside of a tokio runtime. Nothing was sent.
    NoRuntime,
}
