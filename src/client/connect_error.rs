use std::{error::Error, fmt, io, time::Duration};

use http::{Uri, uri::Authority};
use rustls::CertificateError;

use super::{ClientErrorKind, proxy::Proxy, tunnel::TunnelError};
use crate::{BoxError, authority::without_user, error::find};

/// A failure to connect, inside of hyper-util's error.
///
/// [`ClientError`](super::ClientError) takes kind and message from it. Its own
/// `Display` is only the failed step, because the message is already further
/// out in the same chain.
#[derive(Debug)]
pub(super) struct ConnectError {
    kind: ClientErrorKind,
    /// The text for the user, which [`ClientError`](super::ClientError) shows.
    message: String,
    /// The step of connecting that failed.
    step: &'static str,
    source: Option<BoxError>,
}

impl ConnectError {
    fn new(kind: ClientErrorKind, step: &'static str, message: String) -> Self {
        Self {
            kind,
            message,
            step,
            source: None,
        }
    }

    fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) const fn kind(&self) -> ClientErrorKind {
        self.kind
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The error of DNS or TCP, without a proxy.
    pub(super) fn unreachable(dst: &Uri, error: BoxError) -> Self {
        let message = format!(
            "no connection to {}; check DNS, network and firewall, and whether a proxy is needed \
             (HTTPS_PROXY or `ClientBuilder::proxy`)",
            HostPort::of(dst)
        );
        Self::new(ClientErrorKind::Connect, "connect to the host", message).with_source(error)
    }

    /// The error of DNS, TCP or TLS on the way to the proxy.
    pub(super) fn proxy_unreachable(proxy: &Proxy, error: BoxError) -> Self {
        let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
        // The TCP connector wraps its I/O errors, so a bare one is from the TLS
        // handshake. A proxy that speaks plain http replies to the handshake
        // with an invalid message, or closes.
        match find::<rustls::Error>(&*error) {
            Some(rustls::Error::InvalidMessage(_)) => return Self::no_proxy_tls(proxy, error),
            Some(tls) => return Self::tls(proxy.uri(), tls.clone()).about(proxy),
            None if error.is::<io::Error>() => return Self::no_proxy_tls(proxy, error),
            None => {}
        }
        let message = format!(
            "no connection to the proxy {at}; check the host and port in {setting}, and the network"
        );
        Self::new(ClientErrorKind::Proxy, "connect to the proxy", message)
            .with_source(error)
            .about(proxy)
    }

    /// The error of a proxy that does not speak TLS.
    fn no_proxy_tls(proxy: &Proxy, error: BoxError) -> Self {
        let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
        let message = format!(
            "the proxy {at} does not speak TLS, which the `https://` in {setting} requires; if it is a \
             plain http proxy, as most are, write `http://` there (TLS with hosts stays as it is)"
        );
        Self::new(
            ClientErrorKind::Tls,
            "TLS handshake with the proxy",
            message,
        )
        .with_source(error)
        .about(proxy)
    }

    /// Adds the proxy exceptions of the environment that are ignored, since one
    /// of them may have been meant for this host.
    fn about(mut self, proxy: &Proxy) -> Self {
        if let Some(ignored) = proxy.ignored() {
            self.message.push_str(" (");
            self.message.push_str(ignored);
            self.message.push(')');
        }
        self
    }

    /// The error of the time limit for the whole connection.
    pub(super) fn timed_out(dst: &Uri, proxy: Option<&Proxy>, limit: Duration) -> Self {
        let host = HostPort::of(dst);
        let message = match proxy {
            Some(proxy) => format!(
                "no connection to {host} through the proxy {} within {limit:?}; check the scheme, host \
                 and port in {}, and whether the proxy can reach {host}",
                HostPort::of(proxy.uri()),
                proxy.setting()
            ),
            None => format!(
                "no connection to {host} within {limit:?}; check network and firewall, and whether a \
                 proxy is needed (HTTPS_PROXY or `ClientBuilder::proxy`)"
            ),
        };
        let error = Self::new(ClientErrorKind::TimedOut, "connect in time", message);
        match proxy {
            Some(proxy) => error.about(proxy),
            None => error,
        }
    }

    /// The error of a proxy that was reached, and did not connect to the host.
    pub(super) fn tunnel(dst: &Uri, proxy: &Proxy, error: TunnelError) -> Self {
        let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
        let host = HostPort::of(dst);
        let (kind, message) = match &error {
            TunnelError::Authentication { offers_basic } => (
                ClientErrorKind::ProxyAuthentication,
                unauthenticated(proxy, *offers_basic),
            ),
            TunnelError::Status(status) => (
                ClientErrorKind::Proxy,
                format!(
                    "the proxy {at} answered {} when asked to connect to {host}; allow the host there, or \
                     name it in NO_PROXY to reach it without the proxy",
                    status.as_u16()
                ),
            ),
            TunnelError::Broken(_) => (
                ClientErrorKind::Proxy,
                format!(
                    "the proxy {at} did not respond like a proxy when asked to connect to {host}; check \
                     the scheme, host and port in {setting}"
                ),
            ),
        };
        Self::new(kind, "ask the proxy to connect", message)
            .with_source(error)
            .about(proxy)
    }

    /// The error of TLS with the host, over an established connection.
    pub(super) fn handshake(dst: &Uri, error: BoxError) -> Self {
        // An error of the transport passes through here unchanged.
        match error.downcast::<Self>() {
            Ok(connect) => *connect,
            Err(error) => match find::<rustls::Error>(&*error) {
                Some(tls) => Self::tls(dst, tls.clone()),
                None => {
                    let message = format!(
                        "the connection to {} ended during the TLS handshake; check the port, and any \
                         firewall or gateway on the way",
                        HostPort::of(dst)
                    );
                    Self::new(ClientErrorKind::Tls, "TLS handshake", message).with_source(error)
                }
            },
        }
    }

    /// The error of a TLS handshake that rustls explains.
    fn tls(dst: &Uri, error: rustls::Error) -> Self {
        let host = HostPort::of(dst);
        let (kind, message) = match &error {
            rustls::Error::InvalidCertificate(certificate) => {
                (ClientErrorKind::Certificate, untrusted(&host, certificate))
            }
            _ => (
                ClientErrorKind::Tls,
                format!("no TLS with {host}; check that it speaks TLS 1.2 or 1.3 on this port"),
            ),
        };
        Self::new(kind, "TLS handshake", message).with_source(error)
    }
}

/// Returns the message about a proxy that requires authentication.
fn unauthenticated(proxy: &Proxy, offers_basic: bool) -> String {
    let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
    match (offers_basic, proxy.has_credentials()) {
        (false, _) => format!(
            "the proxy {at} requires an authentication scheme other than Basic, the only one \
             supported; allow Basic there, or chain a local proxy that supports the other scheme"
        ),
        (true, true) => format!(
            "the proxy {at} refused the user and password in {setting}; correct them there, and \
             write `%40` for `@`, `%3A` for `:`, `%2F` for `/` and `%23` for `#` in them"
        ),
        (true, false) => format!(
            "the proxy {at} requires a user and a password; put them into {setting}, as in \
             http://USER:PASSWORD@HOST:PORT"
        ),
    }
}

/// Returns the message about a certificate that is not trusted.
fn untrusted(host: &HostPort<'_>, error: &CertificateError) -> String {
    use CertificateError as Cert;
    match error {
        Cert::UnknownIssuer => format!(
            "the certificate of {host} is from a CA that is not known here; if your own proxy or gateway \
             issued it, add its CA with `ClientBuilder::ca_file`"
        ),
        Cert::NotValidForName | Cert::NotValidForNameContext { .. } => format!(
            "the certificate of {host} is for another host name; check the name, and which server \
             responds there"
        ),
        Cert::Expired
        | Cert::ExpiredContext { .. }
        | Cert::NotValidYet
        | Cert::NotValidYetContext { .. } => format!(
            "the certificate of {host} is not valid at this time; check this machine's clock, and then \
             the certificate"
        ),
        _ => format!("the certificate of {host} is invalid; check which server responds there"),
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Host and port as written in the URI, without a user and password before an
/// `@`.
pub(super) struct HostPort<'a>(pub(super) Option<&'a Authority>);

impl<'a> HostPort<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        Self(uri.authority())
    }
}

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(authority) => without_user(authority.as_str()),
            None => "no host",
        })
    }
}
