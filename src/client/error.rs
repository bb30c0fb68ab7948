use std::{error::Error, fmt};

use http::{Uri, uri::Authority};
use hyper_util::client::legacy;

use super::connect_error::ConnectError;
use crate::{BoxError, call::Refused, error::find};

/// A request that a [`Client`](super::Client) got no answer to.
///
/// The message names the host and the next step; the causes are those of hyper-util, which
/// [`Retry`](crate::retry) knows. [`find`](Self::find) gets it back out of the boxes that a stack
/// of layers puts around it, a [`TokenError`](crate::TokenError) among them.
///
/// It shows a host and a port, never a path, a header, or the user and password of a proxy.
#[derive(Debug)]
pub struct ClientError {
    kind: ClientErrorKind,
    message: String,
    source: BoxError,
}

/// What a [`ClientError`] is about, for code that decides what to do.
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
}

impl ClientError {
    pub(super) fn not_https(uri: &Uri) -> Self {
        let message = format!(
            "not sent to {}: the URI is not an absolute one with https (http is for this machine, and \
             only with `ClientBuilder::allow_loopback` or GENESYS_ALLOW_LOOPBACK=1)",
            HostPort::of(uri)
        );
        Self {
            kind: ClientErrorKind::NotHttps,
            message,
            // Known to the classifiers: the same request would be refused again.
            source: Refused::new("not https").into(),
        }
    }

    pub(super) fn new(host: Option<&Authority>, error: legacy::Error) -> Self {
        let host = HostPort(host);
        let (kind, message) = match find::<ConnectError>(&error) {
            Some(connect) => (connect.kind(), connect.message().to_owned()),
            None if error.is_connect() => (
                ClientErrorKind::Connect,
                format!("the connection to {host} broke before anything was sent"),
            ),
            None => (
                ClientErrorKind::Exchange,
                format!("the exchange with {host} broke off"),
            ),
        };
        let source = match kind {
            // Whoever tries the same password again and again may be locked out.
            ClientErrorKind::ProxyAuthentication => Refused::new(error).into(),
            _ => error.into(),
        };
        Self {
            kind,
            message,
            source,
        }
    }

    /// What it is about.
    pub const fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    /// The first of its kind in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The host, and the port if one is named: without what may stand in front of an `@`.
pub(super) struct HostPort<'a>(pub(super) Option<&'a Authority>);

impl<'a> HostPort<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        Self(uri.authority())
    }
}

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(authority) = self.0 else {
            return f.write_str("no host");
        };
        f.write_str(authority.host())?;
        match authority.port_u16() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
