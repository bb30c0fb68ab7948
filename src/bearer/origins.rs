use std::{error::Error, fmt, sync::Arc};

use http::{Uri, uri::Authority, uri::Scheme};

use crate::{error::find, loopback};

/// Where a token may be sent: https, and only to hosts that were named.
///
/// An origin is a host and a port (RFC 6454). Upper case, a trailing dot and the default port make
/// no difference; a host that merely begins or ends like an allowed one is another host. Cheap to
/// clone.
///
/// ```
/// use tower_genesys::Origins;
///
/// let origins = Origins::of_host("api.mypurecloud.com");
/// assert!(origins.allows(&"https://API.mypurecloud.com:443/api/v2/users".parse()?));
/// assert!(!origins.allows(&"http://api.mypurecloud.com/api/v2/users".parse()?));
/// assert!(!origins.allows(&"https://api.mypurecloud.com.evil.example/".parse()?));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    hosts: Arc<[(Box<str>, u16)]>,
    loopback: bool,
    foreign: Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    Refuse,
    WithoutToken,
}

/// What is to be done with a request to some URI.
pub(super) enum Verdict {
    Token,
    NoToken,
    Refused(OriginError),
}

const HTTPS_PORT: u16 = 443;

impl Origins {
    /// No origin at all, to add to.
    pub fn none() -> Self {
        Self {
            hosts: Arc::new([]),
            loopback: false,
            foreign: Foreign::Refuse,
        }
    }

    /// This host, on the default port of https or the one that stands behind a colon.
    pub fn of_host(host: &str) -> Self {
        Self::none().and_host(host)
    }

    /// One more host.
    ///
    /// What is no `host` or `host:port`, such as a whole URL, matches nothing.
    #[must_use]
    pub fn and_host(mut self, host: &str) -> Self {
        let parsed = host.parse::<Authority>().ok();
        if let Some(authority) = parsed.filter(|authority| !authority.as_str().contains('@')) {
            let host = authority.host();
            if let Some(port) = port_of(&authority, host) {
                let host = without_dot(host).to_ascii_lowercase().into();
                let known = self.hosts.iter().cloned();
                self.hosts = known.chain([(host, port)]).collect();
            }
        }
        self
    }

    /// The hosts of these origins too. A list that is the only one is shared, not copied: among ten
    /// thousand organisations of one region it stays in the cache.
    pub(crate) fn and_hosts_of(mut self, other: &Self) -> Self {
        self.hosts = match self.hosts.is_empty() {
            true => Arc::clone(&other.hosts),
            false => self.hosts.iter().chain(&*other.hosts).cloned().collect(),
        };
        self
    }

    /// Also this machine (`localhost`, `127.0.0.0/8`, `[::1]`) on any port, with https or http: for
    /// tests, and for a proxy on the same host. Default: no.
    #[must_use]
    pub const fn and_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sends requests to other origins without a token. Default: they fail with [`OriginError`].
    ///
    /// An `Authorization` that was on such a request is taken off, unless
    /// [`CallOptions::keep_authorization`](crate::CallOptions::keep_authorization) says otherwise.
    #[must_use]
    pub const fn foreign_without_token(mut self) -> Self {
        self.foreign = Foreign::WithoutToken;
        self
    }

    /// Whether a request to this URI gets a token.
    pub fn allows(&self, uri: &Uri) -> bool {
        self.allows_as_written(uri) || self.refusal(uri).is_none()
    }

    #[inline]
    pub(super) fn check(&self, uri: &Uri) -> Verdict {
        match self.allows_as_written(uri) {
            true => Verdict::Token,
            false => self.check_closely(uri),
        }
    }

    /// To take an authority apart costs more than all else here: almost all are allowed as they are
    /// written. What this allows, [`refusal`](Self::refusal) allows too.
    #[inline]
    fn allows_as_written(&self, uri: &Uri) -> bool {
        let written = uri.authority().map_or("", Authority::as_str);
        uri.scheme() == Some(&Scheme::HTTPS) && self.names(written, HTTPS_PORT)
            || self.loopback && is_http(uri) && is_this_machine(written)
    }

    fn check_closely(&self, uri: &Uri) -> Verdict {
        match self.refusal(uri) {
            None => Verdict::Token,
            Some(_) if self.foreign == Foreign::WithoutToken => Verdict::NoToken,
            Some(kind) => Verdict::Refused(OriginError::new(kind, uri)),
        }
    }

    fn refusal(&self, uri: &Uri) -> Option<OriginErrorKind> {
        let Some(authority) = uri.authority() else {
            return Some(OriginErrorKind::NoHost);
        };
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        if authority.as_str().contains('@') {
            return Some(OriginErrorKind::UserInfo);
        }
        let name = authority.host();
        let host = without_dot(name);
        if self.loopback && loopback::is_host(host) && is_http(uri) {
            return None;
        }
        if !https {
            return Some(OriginErrorKind::NotHttps);
        }
        let named = port_of(authority, name).is_some_and(|port| self.names(host, port));
        (!named).then_some(OriginErrorKind::Foreign)
    }

    fn names(&self, host: &str, port: u16) -> bool {
        let named = |known: &str| known == host || known.eq_ignore_ascii_case(host);
        self.hosts
            .iter()
            .any(|(known, on)| *on == port && named(known))
    }
}

/// The port, or that of https where there is none; `None` for what is no port.
fn port_of(authority: &Authority, host: &str) -> Option<u16> {
    match authority.as_str().len() == host.len() {
        true => Some(HTTPS_PORT),
        false => authority.port_u16(),
    }
}

/// A fully qualified name is the same with a dot at its end.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn is_http(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS)
}

/// Whether this authority is the usual address of this machine, and at most a port: of a name and
/// password, the `@` is no digit.
fn is_this_machine(authority: &str) -> bool {
    let port = authority.strip_prefix("127.0.0.1");
    port.is_some_and(|port| match port.strip_prefix(':') {
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    })
}

/// A request was not sent, because its token would have gone where it does not belong.
///
/// It comes inside of a [`Refused`](crate::call::Refused); [`find`](Self::find) gets it out.
#[derive(Clone, Debug)]
pub struct OriginError {
    kind: OriginErrorKind,
    host: Option<Box<str>>,
}

/// What is wrong with a request that was refused.
///
/// What to do about each is in the [guide](crate::guide::operating#originerrorkind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginErrorKind {
    /// It names no host.
    NoHost,
    /// It holds a user name or password before its host.
    UserInfo,
    /// It is not https, so that everybody on the way could read the token.
    NotHttps,
    /// Its host and port are not among the [`Origins`].
    Foreign,
    /// It is not the URI: the request names no account, such as an [`Org`](crate::Org), and there
    /// is none for all requests.
    NoAccount,
}

impl OriginError {
    pub(super) fn no_account(uri: &Uri) -> Self {
        Self::new(OriginErrorKind::NoAccount, uri)
    }

    fn new(kind: OriginErrorKind, uri: &Uri) -> Self {
        let host = uri.authority().map(|authority| {
            let host = authority.host();
            authority
                .port()
                .map_or_else(|| host.into(), |port| format!("{host}:{port}").into())
        });
        Self { kind, host }
    }

    /// The `OriginError` in a chain of errors, however many boxes a stack of layers has put around
    /// it.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }

    /// What is wrong.
    pub const fn kind(&self) -> OriginErrorKind {
        self.kind
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or_default();
        match self.kind {
            OriginErrorKind::NoHost => f.write_str(
                "not sent: the URI of the request names no host; make it an absolute one \
                 (`org.api(\"/api/v2/…\")` does)",
            ),
            OriginErrorKind::UserInfo => write!(
                f,
                "not sent to {host}: the URI holds a user name or password; take it out"
            ),
            OriginErrorKind::NotHttps => write!(
                f,
                "not sent to {host}: the token would go unencrypted; use https (or \
                 `Origins::and_loopback` for a test server on this machine)"
            ),
            OriginErrorKind::Foreign => write!(
                f,
                "not sent to {host}: the token is not for that host; allow it with \
                 `Origins::and_host`, or send without a token with `CallOptions::without_auth`"
            ),
            OriginErrorKind::NoAccount => write!(
                f,
                "not sent to {host}: the request does not say whose token it is to go with; put an \
                 `Org` (or what `SelectAccount` looks for) into its extensions, which are lost where \
                 redirects are followed outside of the layers"
            ),
        }
    }
}

impl Error for OriginError {}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(origins: &Origins, uri: &str) -> Option<OriginErrorKind> {
        origins.refusal(&uri.parse().unwrap())
    }

    #[test]
    fn the_same_origin_in_other_spellings_is_allowed() {
        let origins = Origins::of_host("API.mypurecloud.com.").and_host("[2001:db8::1]:8443");
        for uri in [
            "https://api.mypurecloud.com/api/v2/users?pageSize=1",
            "https://API.MYPURECLOUD.COM/",
            "https://api.mypurecloud.com:443/",
            "https://api.mypurecloud.com./",
            "https://[2001:DB8::1]:8443/",
        ] {
            assert_eq!(refusal(&origins, uri), None, "{uri}");
        }
    }

    #[test]
    fn another_origin_is_not() {
        use OriginErrorKind as Kind;
        let origins = Origins::of_host("api.mypurecloud.com");
        for (uri, kind) in [
            ("/api/v2/users", Kind::NoHost),
            ("http://api.mypurecloud.com/", Kind::NotHttps),
            ("ws://api.mypurecloud.com/", Kind::NotHttps),
            ("https://api.mypurecloud.com@evil.example/", Kind::UserInfo),
            ("https://user:pw@api.mypurecloud.com/", Kind::UserInfo),
            ("https://api.mypurecloud.com.evil.example/", Kind::Foreign),
            ("https://evil-api.mypurecloud.com/", Kind::Foreign),
            ("https://mypurecloud.com/", Kind::Foreign),
            ("https://api.mypurecloud.com:8443/", Kind::Foreign),
            ("https://api.mypurecloud.com../", Kind::Foreign),
            ("https://127.0.0.1/", Kind::Foreign),
            ("https://localhost/", Kind::Foreign),
            ("https://api.mypurecloud.com:99999/", Kind::Foreign),
            ("https://api.mypurecloud.com:/", Kind::Foreign),
        ] {
            assert_eq!(refusal(&origins, uri), Some(kind), "{uri}");
        }
    }

    #[test]
    fn loopback_is_allowed_when_asked_for_and_nothing_that_looks_like_it() {
        let origins = Origins::none().and_loopback();
        for uri in [
            "http://127.0.0.1:8080/",
            "http://127.0.0.1/",
            "http://127.9.9.9:1/",
            "http://localhost:1/",
            "https://[::1]/",
        ] {
            assert_eq!(refusal(&origins, uri), None, "{uri}");
        }
        for uri in [
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.10.evil.example/",
            "http://localhost.evil.example/",
        ] {
            assert_eq!(
                refusal(&origins, uri),
                Some(OriginErrorKind::NotHttps),
                "{uri}"
            );
        }
        for uri in [
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1:80@evil.example/",
        ] {
            assert_eq!(
                refusal(&origins, uri),
                Some(OriginErrorKind::UserInfo),
                "{uri}"
            );
        }
        assert_eq!(
            refusal(&origins, "ftp://127.0.0.1/"),
            Some(OriginErrorKind::NotHttps)
        );
    }

    #[test]
    fn an_error_shows_no_user_info() {
        let origins = Origins::of_host("api.mypurecloud.com");
        let uri = "https://user:pw@evil.example/".parse().unwrap();
        let Verdict::Refused(error) = origins.check(&uri) else {
            panic!("it was allowed")
        };
        assert!(!format!("{error} {error:?}").contains("pw"));
        assert!(error.to_string().contains("evil.example"));
    }

    #[test]
    fn what_is_no_host_allows_nothing() {
        let origins = Origins::of_host("https://api.mypurecloud.com/");
        assert_eq!(origins, Origins::none());
        assert_eq!(Origins::of_host("me@api.mypurecloud.com"), Origins::none());
    }
}
