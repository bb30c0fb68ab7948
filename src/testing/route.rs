//! Sets of requests, by method and path: what a script, a hold or a count is
//! about.

use std::{borrow::Cow, fmt};

use http::Method;

/// A set of requests: a method, or any, and a pattern for the path.
///
/// In a pattern, `{name}` and `*` match one segment, and a `*` at the end
/// matches one or more. The path begins after the region's base URL, and
/// excludes the query. The pattern `*` matches every request.
///
/// ```
/// use http::Method;
/// use tower_genesys::testing::{ANY, ANY_API, Route, USERS};
///
/// let route = Route::new(Method::GET, "/api/v2/users/{id}/*");
/// assert!(route.matches(&Method::GET, "/api/v2/users/7/queues/all"));
/// assert!(!route.matches(&Method::GET, "/api/v2/users/7"));
/// assert!(!route.matches(&Method::PUT, "/api/v2/users/7/queues"));
///
/// let queues = Route::any_method("/api/v2/routing/queues");
/// assert!(queues.matches(&Method::POST, "/api/v2/routing/queues"));
///
/// // The constants of this module are routes of the mock's own endpoints.
/// assert!(USERS.matches(&Method::GET, "/api/v2/users"));
/// assert!(!USERS.matches(&Method::POST, "/api/v2/users"));
/// assert!(!ANY_API.matches(&Method::POST, "/oauth/token"));
/// assert!(ANY.matches(&Method::POST, "/oauth/token"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// `None` for any.
    method: Option<Method>,
    /// The path, with its patterns as they were written.
    pattern: Cow<'static, str>,
}

/// `POST /oauth/token` at the login host.
pub const TOKEN: Route = Route::fixed(Some(Method::POST), "/oauth/token");
/// `GET /oauth/authorize` at the login host.
pub const AUTHORIZE: Route = Route::fixed(Some(Method::GET), "/oauth/authorize");
/// `POST /api/v2/analytics/conversations/details/query`
pub const DETAILS_QUERY: Route = Route::fixed(
    Some(Method::POST),
    "/api/v2/analytics/conversations/details/query",
);
/// `POST /api/v2/analytics/conversations/details/jobs`
pub const DETAILS_JOBS: Route = Route::fixed(
    Some(Method::POST),
    "/api/v2/analytics/conversations/details/jobs",
);
/// `GET /api/v2/analytics/conversations/details/jobs/{id}`
pub const DETAILS_JOB: Route = Route::fixed(
    Some(Method::GET),
    "/api/v2/analytics/conversations/details/jobs/{id}",
);
/// `GET /api/v2/analytics/conversations/details/jobs/{id}/results`
pub const DETAILS_JOB_RESULTS: Route = Route::fixed(
    Some(Method::GET),
    "/api/v2/analytics/conversations/details/jobs/{id}/results",
);
/// `GET /api/v2/users`
pub const USERS: Route = Route::fixed(Some(Method::GET), "/api/v2/users");
/// `POST /api/v2/users`
pub const CREATE_USER: Route = Route::fixed(Some(Method::POST), "/api/v2/users");
/// `GET /api/v2/users/me`
pub const USERS_ME: Route = Route::fixed(Some(Method::GET), "/api/v2/users/me");
/// `GET /api/v2/tokens/me`
pub const TOKENS_ME: Route = Route::fixed(Some(Method::GET), "/api/v2/tokens/me");
/// Every request to the API: any method, `/api/v2/*`.
pub const ANY_API: Route = Route::fixed(None, "/api/v2/*");
/// Every request, also to unknown paths.
pub const ANY: Route = Route::fixed(None, "*");

impl Route {
    /// Creates a route of the mock's own endpoints.
    const fn fixed(method: Option<Method>, pattern: &'static str) -> Self {
        Self {
            method,
            pattern: Cow::Borrowed(pattern),
        }
    }

    /// Matches requests of this method to the paths of this pattern.
    pub fn new(method: Method, pattern: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method: Some(method),
            pattern: pattern.into(),
        }
    }

    /// Matches requests of any method to the paths of this pattern.
    pub fn any_method(pattern: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method: None,
            pattern: pattern.into(),
        }
    }

    /// Returns whether the route matches a method and a path without its query.
    pub fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|own| own == method) && fits(&self.pattern, path)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.method {
            Some(method) => write!(f, "{method} {}", self.pattern),
            None => write!(f, "* {}", self.pattern),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({self})")
    }
}

/// Returns whether a path fits a pattern, segment by segment.
fn fits(pattern: &str, path: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut path = path.split('/');
    let mut pattern = pattern.split('/').peekable();
    while let Some(wanted) = pattern.next() {
        // A `*` at the end wants one segment at least.
        let Some(segment) = path.next() else {
            return false;
        };
        let wild = wanted == "*" || (wanted.starts_with('{') && wanted.ends_with('}'));
        // A segment that stands for an id must not be empty.
        if wild && segment.is_empty() || !wild && wanted != segment {
            return false;
        }
        if wanted == "*" && pattern.peek().is_none() {
            return true;
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_route_is_that_path_only() {
        assert!(USERS.matches(&Method::GET, "/api/v2/users"));
        assert!(!USERS.matches(&Method::POST, "/api/v2/users"));
        assert!(!USERS.matches(&Method::GET, "/api/v2/users/"));
        assert!(!USERS.matches(&Method::GET, "/api/v2/users/me"));
    }

    #[test]
    fn a_star_at_the_end_is_one_segment_or_more() {
        assert!(ANY_API.matches(&Method::PATCH, "/api/v2/a"));
        assert!(ANY_API.matches(&Method::PATCH, "/api/v2/a/b/"));
        assert!(!ANY_API.matches(&Method::PATCH, "/api/v2/"));
        assert!(!ANY_API.matches(&Method::PATCH, "/api/v2"));
        assert!(ANY.matches(&Method::GET, ""));
    }

    #[test]
    fn a_name_or_star_inside_is_one_segment() {
        let route = Route::any_method("/a/*/{b}/c");
        assert!(route.matches(&Method::GET, "/a/1/2/c"));
        assert!(!route.matches(&Method::GET, "/a/1/c"));
        assert!(!route.matches(&Method::GET, "/a//2/c"));
        assert!(!route.matches(&Method::GET, "/a/1/2/3/c"));
    }
}
