use std::{error::Error, fmt};

use http::Uri;

use crate::{authority::without_user, error::find};

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
    /// Its host and port are not among the [`Origins`](super::Origins).
    Foreign,
    /// It is not the URI: the request names no account, such as an [`Org`](crate::Org), and there
    /// is none for all requests.
    NoAccount,
}

impl OriginError {
    pub(super) fn no_account(uri: &Uri) -> Self {
        Self::new(OriginErrorKind::NoAccount, uri)
    }

    pub(super) fn new(kind: OriginErrorKind, uri: &Uri) -> Self {
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
                 `Origins::with_loopback` for a test server on this machine)"
            ),
            OriginErrorKind::Foreign => write!(
                f,
                "not sent to {host}: the token is not for that host; allow it with \
                 `Origins::with_host`, or send without a token with `CallOptions::without_auth`"
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
