use std::{error::Error, fmt};

use http::Uri;

use crate::{authority::without_user, error::find};

/// The error of a request that was not sent, because its token must not go to
/// that URI.
///
/// The layer returns it inside a [`Refused`](crate::call::Refused).
/// [`find`](Self::find) finds it there. The [module docs](super#example) have
/// an example.
#[derive(Clone, Debug)]
pub struct OriginError {
    kind: OriginErrorKind,
    /// The authority of the URI without user and password.
    host: Option<Box<str>>,
}

/// The reason why a request was refused.
///
/// The [guide](crate::guide::operating#originerrorkind) names the next step for
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginErrorKind {
    /// The URI has no host.
    NoHost,
    /// The URI contains a user name or password.
    UserInfo,
    /// The URI is not https, so the token would be readable on the network.
    NotHttps,
    /// The URI's host and port are not among the [`Origins`](super::Origins).
    Foreign,
    /// The request selects no account, such as an [`Org`](crate::Org), and the
    /// layer has no default account.
    NoAccount,
}

impl OriginError {
    /// Creates the error of a request that selects no account.
    pub(super) fn no_account(uri: &Uri) -> Self {
        Self::new(OriginErrorKind::NoAccount, uri)
    }

    /// Creates the error of a request to this URI. It keeps no path, query or
    /// password.
    pub(super) fn new(kind: OriginErrorKind, uri: &Uri) -> Self {
        let written = uri.authority().map(|authority| authority.as_str());
        let host = written.map(|written| without_user(written).into());
        Self { kind, host }
    }

    /// Finds the first `OriginError` in a chain of errors, through any number
    /// of boxes that a stack of layers puts around it.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }

    /// Returns the reason.
    pub const fn kind(&self) -> OriginErrorKind {
        self.kind
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or_default();
        // Each text says what to do about this refusal: a resend is refused,
        // too.
        match self.kind {
            OriginErrorKind::NoHost => f.write_str(
                "not sent: the URI of the request names no host; use an absolute one \
                 (`org.api(\"/api/v2/…\")` does)",
            ),
            OriginErrorKind::UserInfo => write!(
                f,
                "not sent to {host}: the URI contains a user name or password; remove it"
            ),
            OriginErrorKind::NotHttps => write!(
                f,
                "not sent to {host}: the token would go unencrypted; use https (or \
                 `Origins::with_loopback` for a test server on this machine)"
            ),
            OriginErrorKind::Foreign => write!(
                f,
                "not sent to {host}: the token is not for that host; allow the host with \
                 `Origins::with_host`, or send without a token with `CallOptions::without_auth`"
            ),
            OriginErrorKind::NoAccount => write!(
                f,
                "not sent to {host}: the request selects no account; put an `Org` (or the extension \
                 of your `SelectAccount`) into its extensions, and follow redirects inside the \
                 layers, because a redirect outside loses the extensions"
            ),
        }
    }
}

impl Error for OriginError {}
