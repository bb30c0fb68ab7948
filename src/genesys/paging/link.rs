use http::{Uri, uri::Scheme};

use super::{PageError, PageErrorKind};
use crate::{authority::Authority, genesys::Org};

/// The path and query, behind the base of this organisation's API, that a page names as the next
/// one.
///
/// An absolute URI is taken too, as long as it is on the API's own origin. The bearer would go
/// along, so anything else is refused here, whatever origins the layers below allow besides.
pub(super) fn resolve(org: &Org, link: &str) -> Result<String, PageError> {
    let path = if link.starts_with('/') && !link.starts_with("//") {
        link.to_owned()
    } else {
        on_the_api(org, link).ok_or_else(|| foreign(link))?
    };
    match org.api(&path) {
        Ok(_) => Ok(path),
        Err(_) => Err(foreign(link)),
    }
}

fn on_the_api(org: &Org, link: &str) -> Option<String> {
    let uri: Uri = link.parse().ok()?;
    let base = org.region().api_base();
    if uri.scheme() != base.scheme() || !is_same_place(&uri, &base) {
        return None;
    }
    let path = uri.path_and_query()?.as_str();
    let prefix = base.path().trim_end_matches('/');
    // What is left of a longer name does not begin with a slash, and is refused for that.
    path.strip_prefix(prefix).map(str::to_owned)
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
    // Without path and query, which belong to whoever the link is for.
    let uri = link.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let where_to = if host.is_empty() {
        "out of it".to_owned()
    } else {
        format!("to {host}")
    };
    PageError::new(
        PageErrorKind::ForeignLink,
        format!(
            "the page names a next one that is not on the organisation's API, but leads {where_to}; \
             it was not followed, since the token would go along: look at what stands in between, \
             and at the region or base URL"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        genesys::Region,
        token::{IssuedToken, source_fn},
    };

    fn org(region: Region) -> Org {
        let tokens =
            source_fn(|_| async { Ok(IssuedToken::new("t", std::time::Duration::from_secs(60))) });
        Org::builder(region)
            .allow_loopback()
            .build_from_source(tokens)
            .unwrap()
    }

    #[test]
    fn what_is_on_the_api_is_followed() {
        let genesys = org(Region::US_EAST_1);
        let gateway = Region::custom(
            "https://gw.example/login",
            "https://gw.example:8443/genesys",
        );
        let gateway = org(gateway.unwrap());
        for (org, link, path) in [
            (
                &genesys,
                "/api/v2/users?pageNumber=2",
                "/api/v2/users?pageNumber=2",
            ),
            (
                &genesys,
                "https://API.mypurecloud.com./api/v2/a?b",
                "/api/v2/a?b",
            ),
            (
                &genesys,
                "https://api.mypurecloud.com:443/api/v2/a",
                "/api/v2/a",
            ),
            (&gateway, "/api/v2/a", "/api/v2/a"),
            (
                &gateway,
                "https://gw.example:8443/genesys/api/v2/a",
                "/api/v2/a",
            ),
        ] {
            assert_eq!(resolve(org, link).unwrap(), path, "{link}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_refused() {
        let genesys = org(Region::US_EAST_1);
        let gateway = Region::custom(
            "https://gw.example/login",
            "https://gw.example:8443/genesys",
        );
        let gateway = org(gateway.unwrap());
        for (org, link) in [
            (&genesys, "https://evil.example/api/v2/users"),
            (&genesys, "//evil.example/api/v2/users"),
            (&genesys, "http://api.mypurecloud.com/api/v2/users"),
            (&genesys, "https://api.mypurecloud.com.evil.example/"),
            (&genesys, "https://api.mypurecloud.com:8443/api/v2/users"),
            (
                &genesys,
                "https://api.mypurecloud.com@evil.example/api/v2/users",
            ),
            (&genesys, "https://user@api.mypurecloud.com/api/v2/users"),
            (
                &genesys,
                "https://user@api.mypurecloud.com:443/api/v2/users",
            ),
            (&genesys, "https://api.mypurecloud.com:+443/api/v2/users"),
            (&genesys, "https://login.mypurecloud.com/api/v2/users"),
            (&genesys, "/api/v2/../../oauth/token"),
            (&genesys, "/\\evil.example/"),
            (&genesys, "/api/v2/users#x"),
            (&genesys, "/api/v2/\nusers"),
            (&genesys, "users?pageNumber=2"),
            (&genesys, "ftp://api.mypurecloud.com/"),
            (&gateway, "https://gw.example:8443/other/api/v2/a"),
            (&gateway, "https://gw.example:8443/genesysx/api/v2/a"),
            (&gateway, "https://gw.example/genesys/api/v2/a"),
        ] {
            let error = resolve(org, link).expect_err(link);
            assert_eq!(error.kind(), PageErrorKind::ForeignLink, "{link}");
            assert!(!error.to_string().contains("user@"), "{link}");
        }
    }
}
