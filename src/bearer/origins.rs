use std::{error::Error, fmt, sync::Arc};

use http::{Uri, uri::Scheme};

use super::InvalidHost;
use crate::{
    authority::{Authority, Fault, Host, parse_port, without_user},
    error::find,
};

/// Where a token may be sent: https, and only to hosts that were named.
///
/// An origin is a host and a port (RFC 6454). Upper case, a trailing dot and the default port make
/// no difference; a host that merely begins or ends like an allowed one is another host. Cheap to
/// clone.
///
/// ```
/// use tower_genesys::Origins;
///
/// let origins = Origins::of_host("api.mypurecloud.com")?;
/// assert!(origins.allows(&"https://API.mypurecloud.com:443/api/v2/users".parse()?));
/// assert!(!origins.allows(&"http://api.mypurecloud.com/api/v2/users".parse()?));
/// assert!(!origins.allows(&"https://api.mypurecloud.com.evil.example/".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// As an [`Authority`] shows its host.
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

    /// Allows this host, on the default port of https or the one behind a colon: `api.example`,
    /// `gw.example:8443`, `[2001:db8::1]`.
    ///
    /// # Errors
    ///
    /// An [`InvalidHost`] if the text is anything else, such as a whole URL.
    pub fn of_host(host: &str) -> Result<Self, InvalidHost> {
        Self::none().and_host(host)
    }

    /// Allows one more host.
    ///
    /// # Errors
    ///
    /// As for [`of_host`](Self::of_host).
    pub fn and_host(mut self, host: &str) -> Result<Self, InvalidHost> {
        let authority = Authority::parse(host).map_err(|fault| InvalidHost::new(host, fault))?;
        let added = (
            authority.host().to_string().into(),
            authority.port_or(HTTPS_PORT),
        );
        self.hosts = self.hosts.iter().cloned().chain([added]).collect();
        Ok(self)
    }

    /// Allows a host that was checked before.
    pub(crate) fn of_checked_host(host: &str) -> Self {
        Self::of_host(host).unwrap_or_else(|_| Self::none())
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
        let written = uri.authority().map_or("", |authority| authority.as_str());
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
        let authority = match Authority::of(uri) {
            Ok(authority) => Some(authority),
            Err(Fault::NoHost) => return Some(OriginErrorKind::NoHost),
            Err(Fault::UserInfo) => return Some(OriginErrorKind::UserInfo),
            // No host of a list, whatever a connector makes of it.
            Err(Fault::Host | Fault::Port) => None,
        };
        if self.loopback && is_http(uri) && authority.is_some_and(Authority::is_loopback) {
            return None;
        }
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Some(OriginErrorKind::NotHttps);
        }
        let named = authority.is_some_and(|authority| self.lists(authority));
        (!named).then_some(OriginErrorKind::Foreign)
    }

    fn lists(&self, authority: Authority<'_>) -> bool {
        let port = authority.port_or(HTTPS_PORT);
        match authority.host() {
            Host::Name(name) => self.names(name, port),
            host @ Host::Address(_) => self.names(&host.to_string(), port),
        }
    }

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

/// Whether this authority is the usual address of this machine, and at most a port: of a name and
/// password, the `@` is no digit.
fn is_this_machine(authority: &str) -> bool {
    let port = authority.strip_prefix("127.0.0.1");
    port.is_some_and(|port| match port.strip_prefix(':') {
        Some(port) => parse_port(port).is_some(),
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
        let written = uri.authority().map(|authority| authority.as_str());
        let host = written.map(|written| without_user(written).into());
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
        let origins = Origins::of_host("API.mypurecloud.com.").unwrap();
        let origins = origins.and_host("[2001:db8:0::1]:8443").unwrap();
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
        let origins = Origins::of_host("api.mypurecloud.com").unwrap();
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
            ("https://api.mypurecloud.com:+443/", Kind::Foreign),
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
            "http://localhost./",
            "http://127.0.0.1.:8080/",
            "http://[0:0:0:0:0:0:0:1]:8080/",
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
        let origins = Origins::of_host("api.mypurecloud.com").unwrap();
        let uri = "https://user:pw@evil.example/".parse().unwrap();
        let Verdict::Refused(error) = origins.check(&uri) else {
            panic!("it was allowed")
        };
        assert!(!format!("{error} {error:?}").contains("pw"));
        assert!(error.to_string().contains("evil.example"));
    }

    #[test]
    fn what_is_no_host_is_an_error_that_says_what_to_write_and_shows_no_password() {
        for (text, expected) in [
            (
                "https://api.mypurecloud.com/",
                "`https://api.mypurecloud.com/`",
            ),
            ("", "is empty"),
            ("api.mypurecloud.com:+443", "`api.mypurecloud.com:+443`"),
            ("me:s3cr3t@api.mypurecloud.com", "a user name or a password"),
        ] {
            let error = Origins::of_host(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(expected), "{shown}");
            assert!(shown.contains("gw.example:8443"), "{shown}");
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        let error = Origins::of_host(&"é\n".repeat(10_000)).unwrap_err();
        assert!(error.to_string().len() < 1000);
    }
}
