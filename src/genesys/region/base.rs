//! A base URL, and the paths that may follow it.
//!
//! Both are checked here once, so that joining them later cannot lead to
//! another host or to another folder of a gateway.

use std::{borrow::Cow, fmt};

use http::Uri;

use super::{RegionError, RegionErrorKind as Kind};
use crate::authority::{Authority, Fault};

/// The paths that requests add. A base URL that ends in one is the URL of a
/// request.
const ENDPOINTS: [&str; 3] = ["/oauth/token", "/oauth/authorize", "/api/v2"];

/// Scheme, host and path prefix, normalised, so that equal bases are the same
/// place.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Base {
    /// In lower case.
    scheme: &'static str,
    /// With the port, unless it is the scheme's default.
    pub(super) host: Cow<'static, str>,
    /// Empty, or with a slash at the front and none at the end.
    pub(super) prefix: Cow<'static, str>,
}

impl Base {
    /// Returns the base of a listed region, which needs no check.
    pub(super) const fn https(host: &'static str) -> Self {
        Self {
            scheme: "https",
            host: Cow::Borrowed(host),
            prefix: Cow::Borrowed(""),
        }
    }

    /// Returns an https base on a host that [`Authority`] has checked.
    pub(super) fn of_host(host: String) -> Self {
        Self {
            scheme: "https",
            host: Cow::Owned(host),
            prefix: Cow::Borrowed(""),
        }
    }

    /// Parses a base URL. `which` names it in errors: the one for login or for
    /// the API.
    pub(super) fn parse(which: &str, text: &str) -> Result<Self, RegionError> {
        let error = |kind| RegionError::base(kind, which, text);
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(error(Kind::MissingScheme))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => "https",
            "http" => "http",
            _ => return Err(error(Kind::UnsupportedScheme)),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // In the path, an `@` hides no host.
        if authority.contains('@') {
            return Err(error(Kind::UserInfo));
        }
        if rest.contains(['?', '#']) {
            return Err(error(Kind::QueryOrFragment));
        }
        let host = normal_host(scheme, authority).map_err(error)?;
        let prefix = rest[authority.len()..].trim_end_matches('/').to_owned();
        if !prefix.is_empty() {
            check_path(&prefix).map_err(|_| error(Kind::InvalidUrl))?;
        }
        // Each request adds such a path, so it would occur twice.
        let lower = prefix.to_ascii_lowercase();
        if ENDPOINTS.iter().any(|endpoint| lower.ends_with(endpoint)) {
            return Err(error(Kind::Endpoint));
        }
        let base = Self {
            scheme,
            host: Cow::Owned(host),
            prefix: Cow::Owned(prefix),
        };
        // `uri` joins such paths later, and relies on it.
        base.join("/oauth/token")
            .map_err(|_| error(Kind::InvalidUrl))?;
        Ok(base)
    }

    /// Joins the base with a checked path and query.
    pub(super) fn join(&self, path_and_query: &str) -> Result<Uri, RegionError> {
        Uri::builder()
            .scheme(self.scheme)
            .authority(&*self.host)
            .path_and_query(format!("{}{path_and_query}", self.prefix))
            .build()
            .map_err(|_| {
                let bytes = self.prefix.len() + path_and_query.len();
                let why =
                    format!("no URL can hold it and its query ({bytes} bytes; 65534 are the most)");
                RegionError::path(path_and_query, &why)
            })
    }

    /// Joins the base with one of the crate's own paths.
    #[expect(
        clippy::expect_used,
        reason = "parse has joined such a path, and a test joins one to each in the table"
    )]
    pub(super) fn uri(&self, path: &str) -> Uri {
        let slash = if self.prefix.is_empty() && path.is_empty() {
            "/"
        } else {
            path
        };
        self.join(slash).expect("a base takes a plain path")
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.host, self.prefix)
    }
}

/// Formats a host as [`Authority`] does, without the scheme's default port.
fn normal_host(scheme: &str, authority: &str) -> Result<String, Kind> {
    let usual = if scheme == "https" { 443 } else { 80 };
    match Authority::parse(authority) {
        Ok(authority) => Ok(authority.without_port(usual).to_string()),
        Err(Fault::NoHost) => Err(Kind::MissingHost),
        Err(Fault::UserInfo) => Err(Kind::UserInfo),
        Err(Fault::Host | Fault::Port) => Err(Kind::InvalidUrl),
    }
}

/// Refuses a path that could lead out of the base URL that it follows, or that
/// a URL cannot hold. The error names the first fault.
pub(super) fn check_path(path_and_query: &str) -> Result<(), RegionError> {
    let refuse = |why| Err(RegionError::path(path_and_query, why));
    if !path_and_query.starts_with('/') {
        return refuse("it must begin with `/`");
    }
    if let Some((at, char)) = stray(path_and_query) {
        let why = format!("percent-encode {char:?}, as `Org::api_with_query` does in a query");
        return Err(RegionError::part(path_and_query, at, &why));
    }
    if let Some(at) = path_and_query.find('#') {
        let why = "a fragment is never sent: percent-encode `#` as `%23`";
        return Err(RegionError::part(path_and_query, at, why));
    }
    let path = path_and_query.split('?').next().unwrap_or_default();
    // A server or gateway may decode these before it looks at the segments.
    let path = path.to_ascii_lowercase();
    let plain = path
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    if plain.contains('\\') {
        return refuse("some servers treat a backslash as `/`");
    }
    if plain.starts_with("//") {
        return refuse("a host follows `//`, not a path");
    }
    if plain
        .split('/')
        .any(|segment| segment == ".." || segment == ".")
    {
        return refuse("the segments `.` and `..` lead elsewhere");
    }
    Ok(())
}

/// Returns the first character that a URL must percent-encode, and its
/// position. Only what `http` accepts passes: `"` in a path, and a backtick in
/// a query.
fn stray(path_and_query: &str) -> Option<(usize, char)> {
    let query = path_and_query.find('?').unwrap_or(path_and_query.len());
    path_and_query
        .char_indices()
        .find(|&(at, char)| match char {
            '<' | '>' => true,
            '`' => at < query,
            '"' => at > query,
            char => !char.is_ascii_graphic(),
        })
}
