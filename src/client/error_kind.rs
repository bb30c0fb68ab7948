/// What a [`ClientError`](super::ClientError) is about, for code that decides what to do.
///
/// An example: [`client`](crate::client).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// The URI was not https, and not one on this machine that
    /// [`ClientBuilder::allow_loopback`](super::ClientBuilder::allow_loopback) allows. Nothing was
    /// sent.
    NotHttps,
    /// The host was not reached. Nothing was sent.
    Connect,
    /// The connection, with proxy and TLS, was not there in time. Nothing was sent.
    TimedOut,
    /// The proxy was not reached, or does not connect to the host. Nothing was sent.
    Proxy,
    /// The proxy wants a user and a password, or others than it was given. Nothing was sent, and
    /// [`Retry`](crate::retry) does not try again: a proxy may lock the account.
    ProxyAuthentication,
    /// The certificate of the host, or of the proxy, is not to be trusted: its CA is not known, it
    /// is for another host, or it has expired. Nothing was sent.
    Certificate,
    /// There is no TLS with the host, or with the proxy. Nothing was sent.
    Tls,
    /// The connection was there, and broke, or the body of the request failed. What the server has
    /// done is not known.
    Exchange,
    /// The head of the response, or the next part of its body, did not come in time
    /// ([`response_timeout`](super::ClientBuilder::response_timeout),
    /// [`body_idle_timeout`](super::ClientBuilder::body_idle_timeout)). What the server has done is
    /// not known.
    ResponseTimedOut,
    /// The response was awaited outside of a tokio runtime. Nothing was sent.
    NoRuntime,
}
