use http::{Uri, uri::Scheme};

use super::{PageError, PageErrorKind, query};
use crate::{
    authority::Authority,
    genesys::{Operation, Org},
};

/// The operation of the request, to which a page's link must lead.
pub(super) struct Asked<'a> {
    pub(super) org: &'a Org,
    pub(super) method: &'a str,
    /// The caller's path and query, behind the base of the API.
    pub(super) path: &'a str,
    /// Whether the link says all there is to ask for.
    pub(super) verbatim: bool,
}

/// In front of every operation of the API.
const VERSION: &str = "/api/v2/";

/// Parameters that say which page it is: a link that lacks them leads to the
/// first one.
const POSITIONS: [&str; 7] = [
    "after",
    "before",
    "cursor",
    "nextPage",
    "pageNumber",
    "previousPage",
    "startIndex",
];

/// The path and query, behind the base of the organisation's API, that a page
/// names as the next one.
///
/// The bearer would go along, so anything that does not lead to the same
/// operation on the API's own origin is refused here, whatever origins the
/// layers below allow besides.
pub(super) fn resolve(asked: &Asked<'_>, link: &str) -> Result<String, PageError> {
    let link = encoded(link).ok_or_else(|| foreign(link))?;
    let candidates = candidates(asked, &link).ok_or_else(|| foreign(&link))?;
    let is_own = |path: &String| asked.org.api(path).is_ok() && asked.is_same(path);
    let path = candidates
        .into_iter()
        .find(is_own)
        .ok_or_else(|| foreign(&link))?;
    Ok(if asked.verbatim {
        path
    } else {
        query::complete(&path, asked.path, &POSITIONS)
    })
}

impl Asked<'_> {
    /// Whether this path leads to the same operation.
    fn is_same(&self, path: &str) -> bool {
        let (path, own) = (query::without(path), query::without(self.path));
        if path.trim_end_matches('/') == own.trim_end_matches('/') {
            return true;
        }
        // The same list under another name of its owner, such as its id for
        // `me`. What a POST does may depend on it.
        let operation = |path| Operation::at(self.method, path);
        let is_operation = || operation(own).is_some_and(|own| operation(path) == Some(own));
        // A prefix before the version does not belong to the operation.
        let is_beside = own
            .find(VERSION)
            .is_some_and(|at| path.find(VERSION) == Some(at) && path[..at] == own[..at]);
        self.method == "GET" && is_beside && is_operation()
    }
}

/// What a link may mean, behind the base of the API: with a gateway's prefix in
/// front or without.
fn candidates(asked: &Asked<'_>, link: &str) -> Option<Vec<String>> {
    let base = asked.org.region().api_base();
    let prefix = base.path().trim_end_matches('/').to_owned();
    let unprefixed = |path: &str| {
        let rest = path.strip_prefix(&*prefix)?;
        rest.starts_with('/').then(|| rest.to_owned())
    };
    if link.starts_with("//") {
        return None;
    }
    if link.starts_with('/') {
        let behind = unprefixed(link).into_iter();
        return Some(behind.chain([link.to_owned()]).collect());
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
    if uri.scheme() != base.scheme() || !is_same_place(&uri, &base) {
        return None;
    }
    Some(vec![unprefixed(uri.path_and_query()?.as_str())?])
}

/// With what may not stand in a URI percent-encoded, as browsers do; none where
/// a part of it could be read in two ways.
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

/// Whether two URIs of one scheme lead to the same host and port.
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
            "the page names a next one that is not the same operation on the organisation's API, but leads \
             {where_to}; it was not followed, since the token would go along: look at what stands in \
             between, and at the region or base URL"
        ),
    )
}

#[cfg(test)]
mod tests;
