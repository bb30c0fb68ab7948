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

/// A request of a [`Client`](super::Client) that got no response, or not all of
/// it.
///
/// The message names the host and the next step. The sources are hyper-util's
/// errors, which [`Retry`](crate::retry) classifies. [`find`](Self::find) finds
/// it inside the errors of a stack, also inside a
/// [`TokenError`](crate::TokenError). The [module docs](super#errors) have an
/// example.
///
/// It shows a host and a port, and never a path, a header, or the user and
/// password of a proxy.
#[derive(Debug)]
pub struct ClientError {
    kind: ClientErrorKind,
    message: String,
    source: BoxError,
}

impl ClientError {
    /// Refuses a URI without https: a token would travel unencrypted.
    pub(super) fn not_https(uri: &Uri) -> Self {
        let message = format!(
            "not sent to {}: the URI must be absolute and begin with https:// (http:// works only for this \
             machine, with `ClientBuilder::allow_loopback` or GENESYS_ALLOW_LOOPBACK=1)",
            HostPort::of(uri)
        );
        Self {
            kind: ClientErrorKind::NotHttps,
            message,
            // The classifiers know it as final: a retry would be refused again.
            source: Refused::new("not https").into(),
        }
    }

    /// Refuses a request outside of a runtime, where no connection could run.
    pub(super) fn no_runtime(host: Option<&Authority>) -> Self {
        let message = format!(
            "not sent to {}: no tokio runtime is running here; await the response inside of one, or \
             enter one with `Handle::enter` at each poll",
            HostPort(host)
        );
        Self {
            kind: ClientErrorKind::NoRuntime,
            message,
            source: Refused::new("no tokio runtime").into(),
        }
    }

    /// The head of the response did not arrive within the limit.
    pub(super) fn response_timed_out(host: Option<&Authority>, limit: Duration) -> Self {
        let message = format!(
            "no response from {} within {limit:?}, and it may have executed the request; if responses \
             take longer, raise `ClientBuilder::response_timeout`",
            HostPort(host)
        );
        Self::silent(message)
    }

    /// The next part of the response body did not arrive within the limit.
    pub(super) fn body_timed_out(host: Option<&Authority>, limit: Duration) -> Self {
        let message = format!(
            "the response from {} paused for longer than {limit:?}; if that is normal, raise \
             `ClientBuilder::body_idle_timeout`",
            HostPort(host)
        );
        Self::silent(message)
    }

    /// A server that sends nothing. The source tells the classifiers that the
    /// request may have been executed.
    fn silent(message: String) -> Self {
        Self {
            kind: ClientErrorKind::ResponseTimedOut,
            message,
            source: io::Error::from(io::ErrorKind::TimedOut).into(),
        }
    }

    /// Wraps the error of a response body that broke off.
    pub(super) fn broken_off(host: Option<&Authority>, error: hyper::Error) -> Self {
        Self {
            kind: ClientErrorKind::Exchange,
            message: format!(
                "the response from {} broke off; check the network and any gateway on the way, and \
                 repeat the request if that is safe",
                HostPort(host)
            ),
            source: error.into(),
        }
    }

    /// Wraps an error of hyper-util.
    pub(super) fn new(host: Option<&Authority>, error: legacy::Error) -> Self {
        let host = HostPort(host);
        // The connector's own error says most. Without it, hyper-util still
        // tells whether the connection broke before the request.
        let (kind, message) = match find::<ConnectError>(&error) {
            Some(connect) => (connect.kind(), connect.message().to_owned()),
            None if error.is_connect() => (
                ClientErrorKind::Connect,
                format!(
                    "the connection to {host} broke before anything was sent; check the network and \
                     any gateway on the way"
                ),
            ),
            None => (
                ClientErrorKind::Exchange,
                format!(
                    "the exchange with {host} broke off, and {host} may have executed the request; \
                     repeat it only if that is safe"
                ),
            ),
        };
        let source = match kind {
            // A proxy may lock the account after repeated wrong passwords, so
            // this is final.
            ClientErrorKind::ProxyAuthentication => Refused::new(error).into(),
            // A pooled connection that served before was probably closed by the
            // server while idle.
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

    /// Returns the kind of the error, for code that decides by it.
    pub const fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    /// Finds the first `ClientError` in a chain of errors.
    ///
    /// ```
    /// use std::{error::Error, io};
    /// use tower_genesys::client::ClientError;
    ///
    /// fn advice(error: &(dyn Error + 'static)) -> String {
    ///     match ClientError::find(error) {
    ///         Some(client) => format!("{:?}: {client}", client.kind()),
    ///         None => "not an error of the client".to_owned(),
    ///     }
    /// }
    ///
    /// let other = io::Error::other("the disk is full");
    /// assert_eq!(advice(&other), "not an error of the client");
    /// ```
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
