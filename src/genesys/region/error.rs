//! Why a text is not a region, base URL or path.

use std::{error::Error, fmt};

use crate::config_error::{ConfigError, ConfigErrorKind};

/// How much of a refused text an error repeats, in characters.
const ECHO: usize = 60;

/// A text that is not a valid [`Region`](super::Region), base URL or path.
///
/// The message says what to write instead. It repeats the refused text,
/// shortened and escaped. If the text may hold a password, the message
/// withholds it.
///
/// [`RegionErrorKind`] has an example.
#[derive(Clone, PartialEq, Eq)]
pub struct RegionError {
    kind: RegionErrorKind,
    message: Box<str>,
}

/// The cause of a [`RegionError`], for code that acts on it.
///
/// ```
/// use tower_genesys::{Region, genesys::RegionErrorKind};
///
/// let error = Region::parse("http://api.mypurecloud.ie").unwrap_err();
/// assert_eq!(error.kind(), RegionErrorKind::Insecure);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegionErrorKind {
    /// The text is empty.
    Empty,
    /// It is not the name, domain or host of a Genesys Cloud region.
    Unknown,
    /// It is `http://`, and Genesys Cloud speaks https only.
    Insecure,
    /// The text holds a user name or a password.
    UserInfo,
    /// A base URL has no scheme, such as `https://`.
    MissingScheme,
    /// The scheme is neither https nor http.
    UnsupportedScheme,
    /// A base URL has no host.
    MissingHost,
    /// The text holds a query or a fragment.
    QueryOrFragment,
    /// The host, port or path prefix of a base URL is invalid.
    InvalidUrl,
    /// A base URL ends in a path that requests add to it, such as
    /// `/oauth/token` or `/api/v2`.
    Endpoint,
    /// A path does not begin with `/`, could lead out of the base, or cannot be
    /// part of a URL.
    InvalidPath,
}

impl RegionError {
    /// Returns the error for a text that names no region.
    pub(super) fn region(kind: RegionErrorKind, text: &str) -> Self {
        let what = match kind {
            RegionErrorKind::Empty => "the region is empty".into(),
            RegionErrorKind::Insecure => {
                format!("{} is not https, which Genesys Cloud requires", echo(text))
            }
            RegionErrorKind::UserInfo => {
                "the region holds an `@`: leave out user name and password".into()
            }
            RegionErrorKind::QueryOrFragment => {
                "the region holds a query or a fragment: leave it out".into()
            }
            _ => format!("{} is not a Genesys Cloud region", echo(text)),
        };
        let message = format!(
            "{what}; write for instance `us-east-1`, `mypurecloud.ie` or `https://api.usw2.pure.cloud`, \
             or give the base URLs of your gateway (`Region::custom`, or GENESYS_LOGIN_URL and GENESYS_API_URL)"
        );
        Self::new(kind, message)
    }

    /// Returns the error for a base URL. `which` is "login" or "API".
    pub(super) fn base(kind: RegionErrorKind, which: &str, text: &str) -> Self {
        let text = echo(text);
        let what = match kind {
            RegionErrorKind::MissingScheme => format!("{text} does not begin with `https://`"),
            RegionErrorKind::UnsupportedScheme => format!("{text} is neither https nor http"),
            RegionErrorKind::MissingHost => format!("{text} has no host"),
            RegionErrorKind::UserInfo => "it holds a user name or a password".into(),
            RegionErrorKind::QueryOrFragment => "it holds a query or a fragment".into(),
            RegionErrorKind::Endpoint => format!(
                "{text} ends in a path that each request adds to the base (`/oauth/token` at login, \
                 `/api/v2` in the API): leave that out"
            ),
            _ => format!("{text} has an invalid host, port or path"),
        };
        let message = format!(
            "the base URL for {which} is invalid: {what}; write scheme and host, and if needed port and \
             path prefix, for instance `https://gateway.example:8443/genesys`"
        );
        Self::new(kind, message)
    }

    /// Returns the error for a fault at this byte of the path, or of one
    /// parameter of the query.
    pub(super) fn part(path_and_query: &str, at: usize, why: &str) -> Self {
        let Some(begin) = path_and_query.find('?').filter(|&begin| begin < at) else {
            return Self::path(path_and_query, why);
        };
        let (path, query) = (&path_and_query[..begin], &path_and_query[begin + 1..]);
        let at = at - begin - 1;
        let from = query[..at].rfind('&').map_or(0, |and| and + 1);
        let to = query[at..].find('&').map_or(query.len(), |and| at + and);
        let message = format!(
            "the query of the path {} is invalid at {}: {why}",
            echo(path),
            echo(&query[from..to])
        );
        Self::new(RegionErrorKind::InvalidPath, message)
    }

    /// Returns the error for a path, without its query.
    pub(super) fn path(path: &str, why: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let message = format!(
            "the path {} is invalid: {why}; write for instance `/api/v2/users?pageSize=100`",
            echo(path)
        );
        Self::new(RegionErrorKind::InvalidPath, message)
    }

    fn new(kind: RegionErrorKind, message: String) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Returns the cause, for code that acts on it.
    pub fn kind(&self) -> RegionErrorKind {
        self.kind
    }
}

/// Shortens and escapes a text for a message, and withholds it if it holds an
/// `@`, before which a password may stand.
fn echo(text: &str) -> String {
    if text.contains('@') || text.contains("%40") {
        return "what was given (withheld, for the `@` in it)".into();
    }
    let text = text.trim();
    let mut echo: String = text
        .chars()
        .take(ECHO)
        .flat_map(char::escape_default)
        .collect();
    if text.chars().nth(ECHO).is_some() {
        echo.push('…');
    }
    format!("`{echo}`")
}

impl fmt::Debug for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish()
    }
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RegionError {}

/// Keeps the error as the source, which says what to write instead.
impl From<RegionError> for ConfigError {
    fn from(error: RegionError) -> Self {
        let message = "the region or base URL is invalid; correct it as the cause says";
        Self::new(ConfigErrorKind::Region, message).with_source(error)
    }
}
