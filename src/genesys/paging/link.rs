//! Where a page's link leads: to the same operation of the same organisation,
//! or it is refused. The bearer token would go with it, so this file decides
//! where the stack sends a token because a response said so.

use http::{Uri, uri::Scheme};

use super::{PageError, PageErrorKind, query};
use crate::{
    authority::Authority,
    genesys::{Operation, Org},
};

/// The request that brought the page, to whose operation the link must lead.
pub(super) struct Asked<'a> {
    pub(super) org: &'a Org,
    pub(super) method: &'a str,
    /// Its path and query, relative to the base URL of the API.
    pub(super) path: &'a str,
    /// Whether the link has the whole query, so that no parameter of the
    /// request is added.
    pub(super) verbatim: bool,
}

/// The beginning of every path of the API.
const VERSION: &str = "/api/v2/";

/// Parameters that select a page. They are not copied from the request to a
/// link: a link that lacks them would otherwise lead to the same page again.
const POSITIONS: [&str; 7] = [
    "after",
    "before",
    "cursor",
    "nextPage",
    "pageNumber",
    "previousPage",
    "startIndex",
];

/// Returns the path and query of the next page, relative to the base URL of the
/// organisation's API.
///
/// It refuses any link that does not lead to the same operation on the API's
/// own origin, whatever other origins the layers below allow.
///
/// # Errors
///
/// [`PageErrorKind::ForeignLink`].
pub(super) fn resolve(asked: &Asked<'_>, link: &str) -> Result<String, PageError> {
    let link = encoded(link).ok_or_else(|| foreign(link))?;
    let candidates = candidates(asked, &link).ok_or_else(|| foreign(&link))?;
    // `api` refuses paths that climb out of the base, `is_same` all but the
    // operation.
    let is_own = |path: &String| asked.org.api(path).is_ok() && asked.is_same(path);
    let path = candidates
        .into_iter()
        .find(is_own)
        .ok_or_else(|| foreign(&link))?;
    // Some lists drop the caller's filters from their links. Without them, the
    // next page would be one of another list.
    Ok(if asked.verbatim {
        path
    } else {
        query::complete(&path, asked.path, &POSITIONS)
    })
}

impl Asked<'_> {
    /// Returns whether this path leads to the same operation.
    fn is_same(&self, path: &str) -> bool {
        let (path, own) = (query::without(path), query::without(self.path));
        if path.trim_end_matches('/') == own.trim_end_matches('/') {
            return true;
        }
        // A link may name the list by another id, such as the user's for `me`.
        // Only for GET: the effect of a POST may depend on the id.
        let operation = |path| Operation::at(self.method, path);
        let is_operation = || operation(own).is_some_and(|own| operation(path) == Some(own));
        // `Operation::at` ignores a prefix before the version. A gateway may
        // route by it, so it must be the same.
        let is_beside = own
            .find(VERSION)
            .is_some_and(|at| path.find(VERSION) == Some(at) && path[..at] == own[..at]);
        self.method == "GET" && is_beside && is_operation()
    }
}

/// Returns the paths that a link may mean, relative to the base of the API. If
/// the base has a prefix (a gateway's), the link may repeat it or not, so there
/// can be two. The other forms are those of RFC 3986, section 4.2: a query
/// only, a path relative to the folder, and a whole URI.
fn candidates(asked: &Asked<'_>, link: &str) -> Option<Vec<String>> {
    let base = asked.org.region().api_base();
    let prefix = base.path().trim_end_matches('/').to_owned();
    let unprefixed = |path: &str| {
        let rest = path.strip_prefix(&*prefix)?;
        rest.starts_with('/').then(|| rest.to_owned())
    };
    // A link without a scheme leads to another host.
    if link.starts_with("//") {
        return None;
    }
    if link.starts_with('/') {
        let without_prefix = unprefixed(link).into_iter();
        return Some(without_prefix.chain([link.to_owned()]).collect());
    }
    let own = query::without(asked.path);
    if link.starts_with('?') {
        return Some(vec![format!("{own}{link}")]);
    }
    if !link.split(['/', '?']).next()?.contains(':') {
        let folder = &own[..=own.rfind('/')?];
        return Some(vec![format!("{folder}{link}")]);
    }
    let uri: Uri = link.parse().ok()?;
    // A link from https to http would send the token in the clear.
    if uri.scheme() != base.scheme() || !is_same_place(&uri, &base) {
        return None;
    }
    Some(vec![unprefixed(uri.path_and_query()?.as_str())?])
}

/// Percent-encodes characters that a URI must not contain, as browsers do.
/// Returns `None` for a link that two programs could read in two ways: with a
/// fragment, a backslash or a control character.
fn encoded(link: &str) -> Option<String> {
    let mut encoded = String::with_capacity(link.len());
    for char in link.trim().chars() {
        match char {
            '#' | '\\' => return None,
            char if char.is_control() => return None,
            '!' | '$'..='~' if !matches!(char, '<' | '>' | '^' | '`' | '{' | '|' | '}') => {
                encoded.push(char);
            }
            char => {
                let mut bytes = [0; 4];
                for byte in char.encode_utf8(&mut bytes).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    Some(encoded)
}

/// Returns whether two URIs of one scheme have the same host and port, the
/// default port included.
fn is_same_place(one: &Uri, other: &Uri) -> bool {
    let usual = if one.scheme() == Some(&Scheme::HTTP) {
        80
    } else {
        443
    };
    match (Authority::of(one), Authority::of(other)) {
        (Ok(one), Ok(other)) => one.without_port(usual) == other.without_port(usual),
        _ => false,
    }
}

/// Returns the error for a link that was not followed.
fn foreign(link: &str) -> PageError {
    // Path and query may be private, so the error names the host only.
    let uri = link.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let where_to = if host.is_empty() {
        "elsewhere".to_owned()
    } else {
        format!("to {host}")
    };
    PageError::new(
        PageErrorKind::ForeignLink,
        format!(
            "the page's link leads {where_to}, and not to the same operation on the \
             organisation's API; it was not followed, because the token would go with it; check \
             the region or base URL, and what is between the program and Genesys"
        ),
    )
}

#[cfg(test)]
mod tests;
