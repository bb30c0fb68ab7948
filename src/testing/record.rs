//! A request as it arrived, and the credentials in its headers.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, Version, header};
use tokio::time::Instant;

/// Headers that `Debug` never shows.
const SECRET: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];

/// One request as it arrived, with the status of its response.
///
/// ```
/// use http::{Method, Request, Version};
/// use http_body_util::Full;
/// use tower::ServiceExt;
/// use tower_genesys::testing::MockGenesys;
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// let request = Request::delete(mock.region().api("/api/v2/users/7")?);
/// let request = request.body(Full::<bytes::Bytes>::from("{}"))?;
/// mock.service().oneshot(request).await?;
///
/// let recorded = &mock.requests()[0];
/// assert_eq!(recorded.method(), Method::DELETE);
/// assert_eq!(recorded.uri().path(), "/api/v2/users/7");
/// assert_eq!(recorded.authority(), Some("api.mypurecloud.com"));
/// assert_eq!(recorded.version(), Version::HTTP_11);
/// assert!(recorded.headers().is_empty());
/// assert_eq!(recorded.body(), "{}");
/// assert!(recorded.body_complete());
/// assert_eq!(recorded.status().map(|status| status.as_u16()), Some(401));
/// assert_eq!((recorded.bearer(), recorded.basic()), (None, None));
/// assert!(recorded.arrived().elapsed().as_secs() < 60);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Recorded {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
    body_complete: bool,
    status: Option<StatusCode>,
    arrived: Instant,
}

impl Recorded {
    pub(super) fn new(head: &http::request::Parts) -> Self {
        let mut headers = head.headers.clone();
        for (name, value) in &mut headers {
            // `HeaderValue` shows a sensitive value as such in `Debug`.
            if SECRET.contains(name) {
                value.set_sensitive(true);
            }
        }
        Self {
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            headers,
            body: Bytes::new(),
            body_complete: false,
            status: None,
            arrived: Instant::now(),
        }
    }

    /// Completes the request with its body, as far as it has arrived.
    pub(super) fn set_body(&mut self, body: Bytes, complete: bool) {
        self.body = body;
        self.body_complete = complete;
    }

    /// Completes the request with the status of its response.
    pub(super) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the target as it arrived: the full URI in memory, only the path
    /// on an HTTP/1 connection.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Returns the host of the request, with the port if there is one, from the
    /// target or else from the header `Host`.
    pub fn authority(&self) -> Option<&str> {
        let host = || self.headers.get(header::HOST)?.to_str().ok();
        self.uri.authority().map(|own| own.as_str()).or_else(host)
    }

    /// Returns the version of HTTP.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the headers. `Debug` shows no credentials in them.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body, as far as it has arrived.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns whether the whole body has arrived. It has not if the mock left
    /// it unread, if it broke off, or if it is still arriving.
    pub fn body_complete(&self) -> bool {
        self.body_complete
    }

    /// Returns the status of the response, or `None` without a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns when the head of the request arrived, on tokio's clock.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Returns the token in `Authorization: Bearer`, if there is one.
    pub fn bearer(&self) -> Option<&str> {
        bearer(&self.headers)
    }

    /// Returns client id and secret in `Authorization: Basic`, without
    /// percent-decoding.
    pub fn basic(&self) -> Option<(String, String)> {
        basic(&self.headers)
    }
}

/// Omits credentials, and the bytes of the body, which may contain some.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .field("version", &self.version)
            .field("headers", &self.headers)
            .field("body_len", &self.body.len())
            .field("body_complete", &self.body_complete)
            .field("status", &self.status)
            .field("arrived", &self.arrived)
            .finish()
    }
}

/// Returns the token in `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    credentials(headers, "bearer")
}

/// Returns id and secret in `Authorization: Basic` (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = STANDARD.decode(credentials(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Returns the credentials of this scheme, whose name has no case (RFC 9110,
/// section 11.1).
fn credentials<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    (scheme.eq_ignore_ascii_case(wanted) && !rest.is_empty()).then_some(rest)
}
