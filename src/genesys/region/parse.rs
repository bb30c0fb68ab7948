//! Reads the spellings of a region: its name, its domain, or one of its hosts.
//!
//! The secret of a client goes to the result, so a text that is not exactly one
//! of these spellings is an error.

use std::{borrow::Cow, str::FromStr};

use super::{Region, RegionError, RegionErrorKind as Kind, Site, base::Base};
use crate::authority::{Authority, is_label};

/// The hosts of a region below its domain.
const SERVICES: [&str; 3] = ["login.", "api.", "apps."];

impl Region {
    /// Parses the name, domain or host of a region.
    ///
    /// These all name the same region, in any case of letters: `us-east-1`,
    /// `us_east_1`, `mypurecloud.com`, `api.mypurecloud.com`,
    /// `login.mypurecloud.com`, `apps.mypurecloud.com`,
    /// `https://api.mypurecloud.com/`. White space around the text, a trailing
    /// dot and the port 443 are ignored. Name a region that is newer than this
    /// crate by its domain, such as `new1.pure.cloud`.
    ///
    /// # Errors
    ///
    /// A [`RegionError`] that says what to write instead, if the text has
    /// another form. For other hosts, use [`custom`](Self::custom).
    pub fn parse(text: &str) -> Result<Self, RegionError> {
        region(text)
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Region {
    type Error = RegionError;

    fn try_from(text: &str) -> Result<Self, RegionError> {
        Self::parse(text)
    }
}

/// Looks a text up as a name first, then as a host: names have no dot.
fn region(text: &str) -> Result<Region, RegionError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(RegionError::region(Kind::Empty, text));
    }
    let name = trimmed.to_ascii_lowercase().replace('_', "-");
    if let Some(region) = Region::all().iter().find(|region| region.name() == name) {
        return Ok(region.clone());
    }
    let host = host(trimmed).map_err(|kind| RegionError::region(kind, text))?;
    domain(&host).ok_or_else(|| RegionError::region(Kind::Unknown, text))
}

/// Returns the host in a text, without an https scheme, the port 443 and a
/// trailing slash.
fn host(text: &str) -> Result<String, Kind> {
    if text.contains('@') {
        return Err(Kind::UserInfo);
    }
    let rest = match text.split_once("://") {
        None => text,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => return Err(Kind::Insecure),
        Some(_) => return Err(Kind::UnsupportedScheme),
    };
    if rest.contains(['?', '#']) {
        return Err(Kind::QueryOrFragment);
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    match Authority::parse(rest) {
        // Another port is a gateway or a test server, for `Region::custom`.
        Ok(authority) if authority.port_or(443) == 443 => Ok(authority.host().to_string()),
        _ => Err(Kind::Unknown),
    }
}

/// Returns the region of a host: a listed one, or one below `.pure.cloud` that
/// this version does not list.
fn domain(host: &str) -> Option<Region> {
    let strip = |service: &&str| host.strip_prefix(*service);
    let domain = SERVICES.iter().find_map(strip).unwrap_or(host);
    let listed = |region: &&Region| region.domain() == Some(domain);
    if let Some(region) = Region::all().iter().find(listed) {
        return Some(region.clone());
    }
    let label = domain.strip_suffix(".pure.cloud")?;
    let service = SERVICES
        .iter()
        .any(|service| service.strip_suffix('.') == Some(label));
    // `a.b.pure.cloud` is not a region, and neither is a service in the place
    // of one, such as `login.api.pure.cloud`. `is_label` allows `_`.
    if !is_label(label) || label.contains('_') || service {
        return None;
    }
    Some(Region::own(Site {
        name: Cow::Owned(domain.to_owned()),
        domain: Some(Cow::Owned(domain.to_owned())),
        login: Base::of_host(format!("login.{domain}")),
        api: Base::of_host(format!("api.{domain}")),
        origins: None,
    }))
}
