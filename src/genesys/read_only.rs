use http::{Method, Uri};

/// Which POSTs to the Genesys Cloud API only read, so that they may be sent again like a GET.
///
/// `Some(true)` for `/api/v2/analytics/**/query` and `/api/v2/**/search`; `Some(false)` for those
/// that start work though their names are alike (`…/jobs`, `…/audits/query`, `…/usage/query`);
/// `None` for everything else, about which the method decides.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys::is_read_only;
///
/// let query = "/api/v2/analytics/conversations/details/query".parse()?;
/// assert_eq!(is_read_only(&Method::POST, &query), Some(true));
/// let jobs = "/api/v2/analytics/conversations/details/jobs".parse()?;
/// assert_eq!(is_read_only(&Method::POST, &jobs), Some(false));
/// let users = "/api/v2/users".parse()?;
/// assert_eq!(is_read_only(&Method::POST, &users), None);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn is_read_only(method: &Method, uri: &Uri) -> Option<bool> {
    const START_WORK: [&str; 3] = ["/jobs", "/audits/query", "/usage/query"];
    if method != Method::POST {
        return None;
    }
    let path = uri.path().trim_end_matches('/');
    // A gateway may have put a prefix in front.
    let path = path
        .find("/api/v2/")
        .map(|at| &path[at + "/api/v2".len()..])?;
    if START_WORK.iter().any(|end| path.ends_with(end)) {
        return Some(false);
    }
    let query = path.starts_with("/analytics/") && path.ends_with("/query");
    (query || path.ends_with("/search")).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Option<bool> {
        is_read_only(&Method::POST, &path.parse().unwrap())
    }

    #[test]
    fn posts_that_read_those_that_start_work_and_the_rest() {
        for path in [
            "/api/v2/analytics/conversations/details/query",
            "/api/v2/analytics/users/aggregates/query/",
            "/api/v2/users/search?pageSize=1",
            "https://gw.example/genesys/api/v2/documentation/search",
        ] {
            assert_eq!(post(path), Some(true), "{path}");
        }
        for path in [
            "/api/v2/analytics/conversations/details/jobs",
            "/api/v2/audits/query",
            "/api/v2/oauth/clients/c0ffee/usage/query",
        ] {
            assert_eq!(post(path), Some(false), "{path}");
        }
        for path in [
            "/api/v2/users",
            "/api/v2/routing/queues/query",
            "/search",
            "/",
        ] {
            assert_eq!(post(path), None, "{path}");
        }
        let query = "/api/v2/analytics/conversations/details/query"
            .parse()
            .unwrap();
        assert_eq!(is_read_only(&Method::PATCH, &query), None);
    }
}
