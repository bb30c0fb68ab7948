//! Where a token may go.

use std::sync::Arc;

use http::{Uri, uri::Scheme};

use super::{OriginError, OriginErrorKind};
use crate::{
    authority::{Authority, Fault, Host, parse_port},
    config_error::{ConfigError, ConfigErrorKind},
};

/// The origins that may receive a token: listed hosts, over https.
///
/// An origin is a scheme, a host and a port (RFC 6454). Upper case, a trailing
/// dot and the default port make no difference. A host that merely starts or
/// ends like an allowed one does not match. Cheap to clone.
///
/// ```
/// use tower_genesys::bearer::Origins;
///
/// let origins = Origins::of_host("api.mypurecloud.com")?;
/// let allows = |uri: &str| uri.parse().map(|uri| origins.allows(&uri));
/// assert!(allows("https://API.mypurecloud.com:443/api/v2/users")?);
/// assert!(!allows("http://api.mypurecloud.com/api/v2/users")?);
/// assert!(!allows("https://api.mypurecloud.com.evil.example/")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// The listed hosts, in the form in which [`Authority`] displays them, and
    /// their ports.
    hosts: Arc<[(Box<str>, u16)]>,
    /// Whether this machine is allowed, over http too.
    loopback: bool,
    foreign: Foreign,
}

/// The treatment of requests to other origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    Refuse,
    WithoutToken,
}

/// The decision about a request to a URI.
pub(super) enum Verdict {
    /// Send it with the token.
    Token,
    /// Send it without a token.
    NoToken,
    /// Do not send it.
    Refused(OriginError),
}

/// The longest part of the text that an error repeats, in characters.
const ECHO: usize = 60;
const HTTPS_PORT: u16 = 443;

impl Origins {
    /// Creates an empty list, to add origins to.
    ///
    /// ```
    /// use tower_genesys::bearer::Origins;
    ///
    /// let origins = Origins::none()
    ///     .with_host("gw.example:8443")?
    ///     .with_loopback() // tests
    ///     .with_foreign_unsigned();
    /// assert!(origins.allows(&"https://gw.example:8443/a".parse()?));
    /// assert!(origins.allows(&"http://127.0.0.1:3000/a".parse()?));
    /// assert!(!origins.allows(&"https://other.example/a".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn none() -> Self {
        Self {
            hosts: Arc::new([]),
            loopback: false,
            foreign: Foreign::Refuse,
        }
    }

    /// Creates a list with this host, on the port after the colon or the
    /// default port of https: `api.example`, `gw.example:8443`,
    /// `[2001:db8::1]`.
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::Host`] if the text is anything other than `host` or
    /// `host:port` (a full URL, for example). The message says what to write
    /// instead:
    ///
    /// ```
    /// use tower_genesys::bearer::Origins;
    ///
    /// let error = Origins::of_host("https://gw.example/").unwrap_err();
    /// let expected = "`https://gw.example/` is not a host; write a host, with";
    /// assert!(error.to_string().starts_with(expected), "{error}");
    /// ```
    pub fn of_host(host: &str) -> Result<Self, ConfigError> {
        Self::none().with_host(host)
    }

    /// Adds a host.
    ///
    /// # Errors
    ///
    /// As for [`of_host`](Self::of_host).
    pub fn with_host(mut self, host: &str) -> Result<Self, ConfigError> {
        let authority = Authority::parse(host).map_err(|fault| invalid_host(host, fault))?;
        let added = (
            authority.host().to_string().into(),
            authority.port_or(HTTPS_PORT),
        );
        self.hosts = self.hosts.iter().cloned().chain([added]).collect();
        Ok(self)
    }

    /// Creates a list with a host that was checked before. An invalid one is
    /// left out, so that no token goes there.
    pub(crate) fn of_checked_host(host: &str) -> Self {
        Self::of_host(host).unwrap_or_else(|_| Self::none())
    }

    /// Adds the hosts of other origins. An empty list shares the other one
    /// instead of copying it, so that ten thousand organisations of one region
    /// use the same memory.
    pub(crate) fn and_hosts_of(mut self, other: &Self) -> Self {
        self.hosts = match self.hosts.is_empty() {
            true => Arc::clone(&other.hosts),
            false => self.hosts.iter().chain(&*other.hosts).cloned().collect(),
        };
        self
    }

    /// Allows this machine (`localhost`, `127.0.0.0/8`, `[::1]`) too, on any
    /// port, over https or http. Use it in tests, or for a proxy on the same
    /// host. Default: no.
    #[must_use]
    pub const fn with_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sends requests to other origins without a token. Default: they fail with
    /// [`OriginError`].
    ///
    /// The layer removes an `Authorization` from such a request, unless
    /// [`CallOptions::with_own_authorization`](crate::CallOptions::with_own_authorization)
    /// keeps it.
    #[must_use]
    pub const fn with_foreign_unsigned(mut self) -> Self {
        self.foreign = Foreign::WithoutToken;
        self
    }

    /// Returns whether a request to this URI gets a token.
    pub fn allows(&self, uri: &Uri) -> bool {
        self.allows_as_written(uri) || self.refusal(uri).is_none()
    }

    /// Decides about a request to this URI.
    #[inline]
    pub(super) fn check(&self, uri: &Uri) -> Verdict {
        match self.allows_as_written(uri) {
            true => Verdict::Token,
            false => self.check_closely(uri),
        }
    }

    /// Whether the URI is allowed as it is written, without parsing it.
    ///
    /// This is the fast path: parsing an authority costs more than all the
    /// rest, and almost all match as written. [`refusal`](Self::refusal) allows
    /// everything that this does.
    #[inline]
    fn allows_as_written(&self, uri: &Uri) -> bool {
        let written = uri.authority().map_or("", |authority| authority.as_str());
        uri.scheme() == Some(&Scheme::HTTPS) && self.names(written, HTTPS_PORT)
            || self.loopback && is_http(uri) && is_this_machine(written)
    }

    /// Decides about a URI that is not allowed as written.
    fn check_closely(&self, uri: &Uri) -> Verdict {
        match self.refusal(uri) {
            None => Verdict::Token,
            Some(_) if self.foreign == Foreign::WithoutToken => Verdict::NoToken,
            Some(kind) => Verdict::Refused(OriginError::new(kind, uri)),
        }
    }

    /// Returns the reason why a request to this URI gets no token, or `None` if
    /// it gets one.
    fn refusal(&self, uri: &Uri) -> Option<OriginErrorKind> {
        let authority = match Authority::of(uri) {
            Ok(authority) => Some(authority),
            Err(Fault::NoHost) => return Some(OriginErrorKind::NoHost),
            Err(Fault::UserInfo) => return Some(OriginErrorKind::UserInfo),
            // A malformed authority matches no listed host, however a connector
            // reads it.
            Err(Fault::Host | Fault::Port) => None,
        };
        // Loopback comes before the check of the scheme: it may use http.
        if self.loopback && is_http(uri) && authority.is_some_and(Authority::is_loopback) {
            return None;
        }
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Some(OriginErrorKind::NotHttps);
        }
        let named = authority.is_some_and(|authority| self.lists(authority));
        (!named).then_some(OriginErrorKind::Foreign)
    }

    /// Whether the list has this host, parsed, on its port.
    fn lists(&self, authority: Authority<'_>) -> bool {
        let port = authority.port_or(HTTPS_PORT);
        let named = |known| Host::parse(known).is_ok_and(|known| known == authority.host());
        self.hosts
            .iter()
            .any(|(known, on)| *on == port && named(known))
    }

    /// Whether the list has this host as it is written.
    fn names(&self, host: &str, port: u16) -> bool {
        let named = |known: &str| known == host || known.eq_ignore_ascii_case(host);
        self.hosts
            .iter()
            .any(|(known, on)| *on == port && named(known))
    }
}

fn is_http(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS)
}

/// Returns whether this authority is `127.0.0.1`, with at most a port. A user
/// name and password do not pass, because `@` is not a digit.
fn is_this_machine(authority: &str) -> bool {
    let port = authority.strip_prefix("127.0.0.1");
    port.is_some_and(|port| match port.strip_prefix(':') {
        Some(port) => parse_port(port).is_some(),
        None => port.is_empty(),
    })
}

/// Returns the error for a text that is not `host` or `host:port`.
///
/// It repeats the text shortened and escaped, or omits it if it may contain a
/// password.
fn invalid_host(text: &str, fault: Fault) -> ConfigError {
    let what = match fault {
        Fault::UserInfo => "the host contains a user name or a password".into(),
        Fault::NoHost if text.is_empty() => "the host is empty".into(),
        Fault::NoHost => format!("{} has no host", echo(text)),
        Fault::Host => format!("{} is not a host", echo(text)),
        Fault::Port => format!("{} has an invalid port", echo(text)),
    };
    let message = format!(
        "{what}; write a host, with a port if needed, such as `api.mypurecloud.com` or \
         `gw.example:8443`, without scheme and path"
    );
    ConfigError::new(ConfigErrorKind::Host, message)
}

fn echo(text: &str) -> String {
    let shown = text.chars().take(ECHO).flat_map(char::escape_default);
    let more = text.chars().nth(ECHO).map(|_| '…');
    format!("`{}`", shown.chain(more).collect::<String>())
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
