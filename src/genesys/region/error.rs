use std::{error::Error, fmt};

/// How much of the text that was refused an error repeats, in characters.
const ECHO: usize = 60;

/// Why a text names no [`Region`](super::Region), base URL or path.
///
/// The message says what to write instead. It repeats the refused text shortened and escaped, and
/// not at all where there might be a password in it.
///
/// An example is at [`RegionErrorKind`].
#[derive(Clone, PartialEq, Eq)]
pub struct RegionError {
    kind: RegionErrorKind,
    message: Box<str>,
}

/// What is wrong with it, for code that decides what to do.
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
    /// There is nothing.
    Empty,
    /// It is not the name, domain or host of a Genesys Cloud region.
    Unknown,
    /// It is `http://`, and Genesys Cloud speaks https only.
    Insecure,
    /// There is a user name or a password in it.
    UserInfo,
    /// A base URL does not begin with `https://`.
    MissingScheme,
    /// The scheme is neither https nor http.
    UnsupportedScheme,
    /// A base URL has no host.
    MissingHost,
    /// There is a query or a fragment in it.
    QueryOrFragment,
    /// Host, port or path prefix of a base URL cannot be right.
    InvalidUrl,
    /// A base URL ends in a path that requests add to it, such as `/oauth/token` or `/api/v2`.
    Endpoint,
    /// A path does not begin with `/`, could lead out of the base, or cannot be part of a URL.
    InvalidPath,
}

impl RegionError {
    pub(super) fn region(kind: RegionErrorKind, text: &str) -> Self {
        let what = match kind {
            RegionErrorKind::Empty => "the region is empty".into(),
            RegionErrorKind::Insecure => {
                format!(
                    "{} is not https, which Genesys Cloud insists on",
                    echo(text)
                )
            }
            RegionErrorKind::UserInfo => {
                "the region holds an `@`: leave out user name and password".into()
            }
            RegionErrorKind::QueryOrFragment => {
                "the region holds a query or a fragment: leave it out".into()
            }
            _ => format!("{} is no Genesys Cloud region", echo(text)),
        };
        let message = format!(
            "{what}; write for instance `us-east-1`, `mypurecloud.ie`, `https://api.usw2.pure.cloud`, \
             or give `Region::custom` the base URLs of your gateway"
        );
        Self::new(kind, message)
    }

    pub(super) fn base(kind: RegionErrorKind, which: &str, text: &str) -> Self {
        let text = echo(text);
        let what = match kind {
            RegionErrorKind::MissingScheme => format!("{text} does not begin with `https://`"),
            RegionErrorKind::UnsupportedScheme => format!("{text} is neither https nor http"),
            RegionErrorKind::MissingHost => format!("{text} has no host"),
            RegionErrorKind::UserInfo => "there is a user name or a password in it".into(),
            RegionErrorKind::QueryOrFragment => "there is a query or a fragment in it".into(),
            RegionErrorKind::Endpoint => format!(
                "{text} ends in a path that each request adds to the base (`/oauth/token` at login, \
                 `/api/v2` in the API): leave that out"
            ),
            _ => format!("{text} has a host, port or path that cannot be right"),
        };
        let message = format!(
            "the base URL for {which} does not do: {what}; write scheme and host, and where needed port \
             and path prefix, for instance `https://gateway.example:8443/genesys`"
        );
        Self::new(kind, message)
    }

    /// What is wrong is at this byte: in the path, or in one parameter of the query.
    pub(super) fn part(path_and_query: &str, at: usize, why: &str) -> Self {
        let Some(begin) = path_and_query.find('?').filter(|&begin| begin < at) else {
            return Self::path(path_and_query, why);
        };
        let (path, query) = (&path_and_query[..begin], &path_and_query[begin + 1..]);
        let at = at - begin - 1;
        let from = query[..at].rfind('&').map_or(0, |and| and + 1);
        let to = query[at..].find('&').map_or(query.len(), |and| at + and);
        let message = format!(
            "the query of the path {} does not do at {}: {why}",
            echo(path),
            echo(&query[from..to])
        );
        Self::new(RegionErrorKind::InvalidPath, message)
    }

    pub(super) fn path(path: &str, why: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let message = format!(
            "the path {} does not do: {why}; write for instance `/api/v2/users?pageSize=100`",
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

    /// What is wrong, for code that decides what to do.
    pub fn kind(&self) -> RegionErrorKind {
        self.kind
    }
}

/// The text as a message may show it: short, escaped, and withheld when it may hold a password.
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
