//! Cross-origin requests: browsers ask before they let a page of another origin
//! use the API.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};

use super::reply::Reply;

/// The methods that a page may use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The headers that a page may read, besides the few that it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static("inin-correlation-id, retry-after");
/// How long a browser may cache the permission, in seconds: a day.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// Responds to a preflight request (Fetch standard, section 4.8), which carries
/// no token.
pub(super) fn preflight(head: &Parts) -> Option<Reply> {
    let asks = head.method == Method::OPTIONS
        && head.headers.contains_key(header::ORIGIN)
        && head
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let mut reply = Reply::empty(StatusCode::NO_CONTENT);
    allow(&head.headers, &mut reply);
    let headers = &mut reply.headers;
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    let wanted = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(wanted) = wanted {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(reply)
}

/// Allows the page that sent the request to read the response.
pub(super) fn allow(request: &HeaderMap, reply: &mut Reply) {
    let Some(origin) = request.get(header::ORIGIN) else {
        return;
    };
    let put: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        (header::VARY, HeaderValue::from_static("origin")),
    ];
    reply.headers.extend(put);
}
