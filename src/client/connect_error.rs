use std::{error::Error, fmt, io, time::Duration};

use http::{Uri, uri::Authority};
use rustls::CertificateError;

use super::{ClientErrorKind, proxy::Proxy, tunnel::TunnelError};
use crate::{BoxError, authority::without_user, error::find};

/// Why there is no connection: what [`ClientError`](super::ClientError) says of it, for the inside
/// of hyper-util's own error.
///
/// It shows itself as the step that failed, since the message stands further out in the same chain.
#[derive(Debug)]
pub(super) struct ConnectError {
    kind: ClientErrorKind,
    message: String,
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

    /// Neither DNS nor TCP led to the host.
    pub(super) fn unreachable(dst: &Uri, error: BoxError) -> Self {
        let message = format!(
            "no connection to {}; check DNS, network and firewall, and whether a proxy is needed, which \
             HTTPS_PROXY or `ClientBuilder::proxy` names",
            HostPort::of(dst)
        );
        Self::new(ClientErrorKind::Connect, "connect to the host", message).with_source(error)
    }

    pub(super) fn proxy_unreachable(proxy: &Proxy, error: BoxError) -> Self {
        let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
        // TCP has errors of its own type: a bare one is from the handshake, which broke off.
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

    /// The proxy was reached, and does not speak TLS.
    fn no_proxy_tls(proxy: &Proxy, error: BoxError) -> Self {
        let (at, setting) = (HostPort::of(proxy.uri()), proxy.setting());
        let message = format!(
            "the proxy {at} does not speak TLS, which the `https://` in {setting} asks for; write \
             `http://` there if the proxy speaks http, as most do (hosts are reached by https all the \
             same)"
        );
        Self::new(
            ClientErrorKind::Tls,
            "TLS handshake with the proxy",
            message,
        )
        .with_source(error)
        .about(proxy)
    }

    /// Adds what the environment says in vain about hosts to reach without the proxy.
    fn about(mut self, proxy: &Proxy) -> Self {
        if let Some(ignored) = proxy.ignored() {
            self.message.push_str(" (");
            self.message.push_str(ignored);
            self.message.push(')');
        }
        self
    }

    pub(super) fn timed_out(dst: &Uri, proxy: Option<&Proxy>, limit: Duration) -> Self {
        let host = HostPort::of(dst);
        let message = match proxy {
            Some(proxy) => format!(
                "no connection to {host} by the proxy {} within {limit:?}; check the scheme, host and \
                 port in {}, and whether the proxy can reach {host}",
                HostPort::of(proxy.uri()),
                proxy.setting()
            ),
            None => format!(
                "no connection to {host} within {limit:?}; check network and firewall, and whether a \
                 proxy is needed, which HTTPS_PROXY or `ClientBuilder::proxy` names"
            ),
        };
        let error = Self::new(ClientErrorKind::TimedOut, "connect in time", message);
        match proxy {
            Some(proxy) => error.about(proxy),
            None => error,
        }
    }

    /// The proxy was reached, and does not connect to the host.
    pub(super) fn tunnel(dst: &Uri, proxy: &Proxy, error: TunnelError) -> Self {
        let (at, setting, host) = (
            HostPort::of(proxy.uri()),
            proxy.setting(),
            HostPort::of(dst),
        );
        let (kind, message) = match &error {
            TunnelError::Authentication {
                offers_basic: false,
            } => (
                ClientErrorKind::ProxyAuthentication,
                format!(
                    "the proxy {at} wants an authentication other than Basic, which is the one there is \
                     here; have Basic allowed there, or put a proxy in between that does the other one"
                ),
            ),
            TunnelError::Authentication { .. } if proxy.has_credentials() => (
                ClientErrorKind::ProxyAuthentication,
                format!(
                    "the proxy {at} does not take the user and password in {setting}; correct them \
                     there, with `%40` for `@`, `%3A` for `:`, `%2F` for `/` and `%23` for `#` within \
                     them"
                ),
            ),
            TunnelError::Authentication { .. } => (
                ClientErrorKind::ProxyAuthentication,
                format!(
                    "the proxy {at} wants a user and a password; put them into {setting}, as in \
                     http://USER:PASSWORD@HOST:PORT"
                ),
            ),
            TunnelError::Status(status) => (
                ClientErrorKind::Proxy,
                format!(
                    "the proxy {at} answered {} when asked to connect to {host}; have the host allowed \
                     there, or name it in NO_PROXY to reach it without the proxy",
                    status.as_u16()
                ),
            ),
            TunnelError::Broken(_) => (
                ClientErrorKind::Proxy,
                format!(
                    "the proxy {at} did not answer as one when asked to connect to {host}; check the \
                     scheme, host and port in {setting}"
                ),
            ),
        };
        Self::new(kind, "ask the proxy to connect", message)
            .with_source(error)
            .about(proxy)
    }

    /// A connection was there, and TLS with the host failed.
    pub(super) fn handshake(dst: &Uri, error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(connect) => *connect,
            Err(error) => match find::<rustls::Error>(&*error) {
                Some(tls) => Self::tls(dst, tls.clone()),
                None => {
                    let message = format!(
                        "the connection to {} ended during the TLS handshake; check the port, and what \
                         stands in between",
                        HostPort::of(dst)
                    );
                    Self::new(ClientErrorKind::Tls, "TLS handshake", message).with_source(error)
                }
            },
        }
    }

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

fn untrusted(host: &HostPort<'_>, error: &CertificateError) -> String {
    use CertificateError as Cert;
    match error {
        Cert::UnknownIssuer => format!(
            "the certificate of {host} is from a CA that is not known here; if a proxy or a gateway of \
             your own signs it, add its CA by `ClientBuilder::ca_file`"
        ),
        Cert::NotValidForName | Cert::NotValidForNameContext { .. } => format!(
            "the certificate of {host} is for another host name; check the name, and what answers \
             under it"
        ),
        Cert::Expired
        | Cert::ExpiredContext { .. }
        | Cert::NotValidYet
        | Cert::NotValidYetContext { .. } => format!(
            "the certificate of {host} is not valid at this time; check this machine's clock, and then \
             the certificate"
        ),
        _ => format!("the certificate of {host} is not to be trusted; check what answers there"),
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

/// Host and port as they were written, without what may stand in front of an `@`.
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
