//! Responses before they are sent: in the shapes of the API and of the token
//! endpoint, with the codes and texts of the real ones.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{
    body::{Fault, MockBody},
    data::Random,
};

/// The header by which Genesys's support finds a request.
const CORRELATION_ID: HeaderName = HeaderName::from_static("inin-correlation-id");

/// A whole response, before a fault is applied to its body.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Boxed, so that a `Result` with a reply in it stays small.
    pub(super) headers: Box<HeaderMap>,
    pub(super) body: Bytes,
}

impl Reply {
    /// Creates a response with a body of this content type.
    pub(super) fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut headers = Box::new(HeaderMap::new());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            body,
        }
    }

    /// Creates a response with this JSON.
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string().into())
    }

    /// Creates a response without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Box::default(),
            body: Bytes::new(),
        }
    }

    /// Creates a 200 with this JSON.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Creates an error in the shape of the API.
    pub(super) fn api_error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({
                "message": message,
                "code": code,
                "status": status.as_u16(),
                "messageParams": {},
                "contextId": "",
                "details": [],
                "errors": [],
            }),
        )
    }

    /// Creates an error in the shape of the token endpoint.
    pub(super) fn oauth_error(code: &str, description: &str) -> Self {
        let body = json!({
            "error": code,
            "description": description,
            "error_description": description,
        });
        Self::json(StatusCode::BAD_REQUEST, &body)
    }

    /// Creates a 400 of the API.
    pub(super) fn bad_request(message: &str) -> Self {
        Self::api_error(StatusCode::BAD_REQUEST, "bad.request", message)
    }

    /// Creates a 404 of the API.
    pub(super) fn not_found(message: &str) -> Self {
        Self::api_error(StatusCode::NOT_FOUND, "not.found", message)
    }

    /// Creates the 401 for a token that is not valid.
    pub(super) fn bad_credentials() -> Self {
        Self::unauthorized("bad.credentials", "Invalid login credentials.")
    }

    /// Creates the 401 for a request without a token.
    pub(super) fn authentication_required() -> Self {
        Self::unauthorized(
            "authentication.required",
            "No authentication bearer token specified in authorization header.",
        )
    }

    /// Creates a 401, which must name the authentication scheme (RFC 9110,
    /// section 11.6.1).
    fn unauthorized(code: &str, message: &str) -> Self {
        Self::api_error(StatusCode::UNAUTHORIZED, code, message)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Creates a 405, which must name the allowed methods (RFC 9110, section
    /// 15.5.6).
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let message = "HTTP method not allowed for this resource.";
        Self::api_error(
            StatusCode::METHOD_NOT_ALLOWED,
            "method.not.allowed",
            message,
        )
        .header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// Creates a 429 for a limit of this many requests per minute. The wait is
    /// in the code, the message and `Retry-After`, or in none of them.
    pub(super) fn too_many_requests(wait_seconds: Option<u64>, per_minute: u32) -> Self {
        let (code, message) = match wait_seconds {
            Some(wait) => (
                "too.many.requests.retry.after",
                format!("Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"),
            ),
            None => (
                "too.many.requests",
                "Rate limit exceeded the maximum.".to_owned(),
            ),
        };
        let limit = json!({
            "key": "token.rate.per.minute",
            "namespace": "platform.api",
            "value": per_minute,
        });
        let reply = Self::api_error(StatusCode::TOO_MANY_REQUESTS, code, &message)
            .edit(|body| body["limit"] = limit);
        match wait_seconds {
            Some(wait) => reply.header(header::RETRY_AFTER, HeaderValue::from(wait)),
            None => reply,
        }
    }

    /// Sets a header.
    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Changes the body, if it is a JSON object.
    pub(super) fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        if let Ok(mut body @ Value::Object(_)) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = body.to_string().into();
        }
        self
    }

    /// Gives the response a correlation id, in the header and in the body of an
    /// API error.
    fn correlate(self, random: &mut Random) -> Self {
        // A test may have scripted one, to look for it.
        if self.headers.contains_key(CORRELATION_ID) {
            return self;
        }
        let id = random.uuid();
        let error = self.status.is_client_error() || self.status.is_server_error();
        let reply = if error {
            self.edit(|body| {
                // Only an error in the shape of the API has the field.
                if let Some(context) = body.get_mut("contextId") {
                    *context = Value::from(&*id);
                }
            })
        } else {
            self
        };
        match HeaderValue::try_from(id) {
            Ok(id) => reply.header(CORRELATION_ID, id),
            Err(_) => reply,
        }
    }

    /// Makes the response that is sent: with a correlation id, a length, and
    /// the fault.
    pub(super) fn into_response(self, fault: Fault, random: &mut Random) -> Response<MockBody> {
        let reply = self.correlate(random);
        // RFC 9110, section 6.4.1: these have no body, and no length.
        let bodiless = matches!(reply.status.as_u16(), 100..=199 | 204 | 304);
        let body = if bodiless { Bytes::new() } else { reply.body };
        let length = body.len();
        let mut response = Response::new(MockBody::new(body, fault));
        *response.status_mut() = reply.status;
        *response.headers_mut() = *reply.headers;
        // A truncated body announces its full length: that is how a client
        // notices.
        if !bodiless && fault != Fault::Endless {
            response
                .headers_mut()
                .entry(header::CONTENT_LENGTH)
                .or_insert_with(|| HeaderValue::from(length));
        }
        response
    }
}

/// Rounds up to whole seconds.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(more)
}
