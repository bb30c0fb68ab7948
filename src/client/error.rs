use std::{error::Error, fmt, io, time::Duration};

use http::{Uri, uri::Authority};
use hyper_util::client::legacy;

use super::{
    ClientErrorKind,
    connect_error::{ConnectError, HostPort},
    served::Served,
};
use crate::{
    BoxError,
    call::Refused,
    error::{StaleConnection, find},
};

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

    pub(super) fn no_runtime(host: Option<&Authority>) -> Self {
        let message = format!(
            "not sent to {}: there is no tokio runtime here; await the response within one, or enter \
             one by `Handle::enter` at each poll",
            HostPort(host)
        );
        Self {
            kind: ClientErrorKind::NoRuntime,
            message,
            source: Refused::new("no tokio runtime").into(),
        }
    }

    pub(super) fn response_timed_out(host: Option<&Authority>, limit: Duration) -> Self {
        let message = format!(
            "no response from {} within {limit:?}, and what it has done with the request is not known; \
             if it may take longer, raise `ClientBuilder::response_timeout`",
            HostPort(host)
        );
        Self::silent(message)
    }

    pub(super) fn body_timed_out(host: Option<&Authority>, limit: Duration) -> Self {
        let message = format!(
            "nothing more of the response from {} came within {limit:?}; if pauses may be longer, raise \
             `ClientBuilder::body_idle_timeout`",
            HostPort(host)
        );
        Self::silent(message)
    }

    fn silent(message: String) -> Self {
        Self {
            kind: ClientErrorKind::ResponseTimedOut,
            message,
            source: io::Error::from(io::ErrorKind::TimedOut).into(),
        }
    }

    /// The body of a response broke off.
    pub(super) fn broken_off(host: Option<&Authority>, error: hyper::Error) -> Self {
        Self {
            kind: ClientErrorKind::Exchange,
            message: format!("the response from {} broke off", HostPort(host)),
            source: error.into(),
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
            ClientErrorKind::Exchange if Served::is_noted(&error) => {
                StaleConnection::new(error).into()
            }
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
