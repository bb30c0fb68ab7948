//! The responses that a rule can give.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::Script;
use crate::testing::{
    reply::{Reply, whole_seconds},
    rules::Reaction,
};

/// Responses.
///
/// Each returns the rule for further actions; you may drop it.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, StatusCode};
/// use tower_genesys::testing::{MockGenesys, Route, TOKEN, USERS};
/// # use http::Request;
/// # use http_body_util::{BodyExt, Full};
/// # use tower::ServiceExt;
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// let on = |nth| mock.on(USERS).nth(nth).to_anyone();
/// on(1).reply_status(StatusCode::CONFLICT);
/// on(2).reply_429(Duration::from_millis(2500));
/// on(3).reply_401_authentication_required();
/// on(4).reply_403("missing.permissions", "No.");
/// on(5).reply(StatusCode::OK, HeaderMap::new(), "any bytes");
/// on(6).early(StatusCode::PAYLOAD_TOO_LARGE);
///
/// # let mut found = Vec::new();
/// # for _ in 0..6 {
/// #     let request = Request::get(mock.region().api("/api/v2/users")?);
/// #     let request = request.body(Full::<bytes::Bytes>::default())?;
/// #     found.push(mock.service().oneshot(request).await?);
/// # }
/// let statuses = [409, 429, 401, 403, 200, 413];
/// assert!(found.iter().map(|one| one.status().as_u16()).eq(statuses));
/// assert_eq!(found[1].headers()["retry-after"], "3", "whole seconds");
///
/// mock.on(TOKEN).first(1).throttle_400();
/// mock.on(TOKEN).nth(2).reply_token_json(r#"{"access_token":"t"}"#);
/// # let mut bodies = Vec::new();
/// # for _ in 0..2 {
/// #     let request = Request::post(mock.region().token_url());
/// #     let request = request.body(Full::<bytes::Bytes>::default())?;
/// #     let response = mock.service().oneshot(request).await?;
/// #     bodies.push(response.collect().await?.to_bytes());
/// # }
/// assert!(bodies[0].windows(10).any(|part| part == b"rate limit"));
/// assert_eq!(bodies[1], r#"{"access_token":"t"}"#);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
impl Script {
    /// Responds with this status and an error in the shape of the API; from 200
    /// to 399, with an empty JSON object.
    pub fn reply_status(self, status: StatusCode) -> Self {
        self.respond(status_reply(status))
    }

    /// Responds with exactly this status, these headers and this body.
    pub fn reply(self, status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        self.respond(Reply {
            status,
            headers: Box::new(headers),
            body: body.into(),
        })
    }

    /// Responds with this status and this value as JSON.
    ///
    /// If the value cannot become JSON (a map whose keys are not strings, for
    /// example), the response is a 500 that says so.
    ///
    /// ```
    /// use http::{Method, StatusCode};
    /// use tower_genesys::testing::{MockGenesys, Route};
    /// # use http::Request;
    /// # use http_body_util::{BodyExt, Empty};
    /// # use tower::ServiceExt;
    ///
    /// # tokio_test::block_on(async {
    /// let mock = MockGenesys::new();
    /// let queues = Route::new(Method::GET, "/api/v2/routing/queues");
    /// let page = serde_json::json!({ "entities": [{ "name": "Support" }] });
    /// mock.on(queues).to_anyone().reply_json(StatusCode::OK, &page);
    /// # let request = Request::get(mock.region().api("/api/v2/routing/queues")?);
    /// # let request = request.body(Empty::<bytes::Bytes>::new())?;
    /// # let response = mock.service().oneshot(request).await?;
    /// # let body = response.collect().await?.to_bytes();
    /// assert_eq!(serde_json::from_slice::<serde_json::Value>(&body)?, page);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn reply_json(self, status: StatusCode, body: impl Serialize) -> Self {
        self.respond(match serde_json::to_vec(&body) {
            Ok(body) => Reply::new(status, "application/json", body.into()),
            Err(error) => {
                let message = format!("The scripted body cannot be written as JSON: {error}.");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Reply::api_error(status, "internal.server.error", &message)
            }
        })
    }

    /// Responds with 429, and with `Retry-After` in whole seconds, rounded up.
    pub fn reply_429(self, retry_after: Duration) -> Self {
        let seconds = whole_seconds(retry_after);
        self.respond(Reply::too_many_requests(Some(seconds), 300))
    }

    /// Responds with 429, without a time to wait.
    pub fn reply_429_without_retry_after(self) -> Self {
        self.respond(Reply::too_many_requests(None, 300))
    }

    /// Responds with 401 `bad.credentials`, as for a token that has ended.
    pub fn reply_401(self) -> Self {
        self.respond(Reply::bad_credentials())
    }

    /// Responds with 401 `authentication.required`, as for a request without a
    /// token.
    pub fn reply_401_authentication_required(self) -> Self {
        self.respond(Reply::authentication_required())
    }

    /// Responds with 403 and this code, such as `missing.permissions`.
    pub fn reply_403(self, code: &str, message: &str) -> Self {
        self.respond(Reply::api_error(StatusCode::FORBIDDEN, code, message))
    }

    /// Responds with 503 `service.unavailable`.
    pub fn reply_503(self) -> Self {
        self.reply_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Responds with this status and an HTML page, as proxies and load
    /// balancers do.
    pub fn reply_html(self, status: StatusCode) -> Self {
        let page = format!("<html><body><h1>{status}</h1></body></html>");
        self.respond(Reply::new(status, "text/html; charset=utf-8", page.into()))
    }

    /// Responds with 200 and these bytes as `application/json`. They need not
    /// be JSON.
    pub fn reply_token_json(self, raw: impl Into<Bytes>) -> Self {
        self.respond(Reply::new(StatusCode::OK, "application/json", raw.into()))
    }

    /// Responds like a token endpoint that is rate-limited: **400**
    /// `invalid_request`, with a description that begins with
    /// `rate limit exceeded;`.
    pub fn throttle_400(self) -> Self {
        let why = "rate limit exceeded; too many requests for this client, try again later";
        self.respond(Reply::oauth_error("invalid_request", why))
    }

    /// Responds with this status as soon as the head of the request has
    /// arrived.
    ///
    /// In memory, the mock drops the request body unread. On the wire, the
    /// server reads up to 64 KiB more, about the size of buffers. It leaves the
    /// rest unread and the connection open. On HTTP/2, it ends the stream
    /// instead.
    pub fn early(self, status: StatusCode) -> Self {
        let reply = status_reply(status);
        self.act(|plan| plan.reaction = Reaction::Early(reply))
    }

    /// Gives the scripted response to requests without a valid token, too.
    ///
    /// # Default
    ///
    /// Requests to the API without one get a 401.
    pub fn to_anyone(self) -> Self {
        self.act(|plan| plan.to_anyone = true)
    }
}

/// Returns an error with the code that the API uses for this status, so that
/// code under test meets real ones.
fn status_reply(status: StatusCode) -> Reply {
    let code = match status.as_u16() {
        200..=399 => return Reply::json(status, &serde_json::json!({})),
        400 => "bad.request",
        401 => return Reply::bad_credentials(),
        403 => "missing.permissions",
        404 => "not.found",
        405 => "method.not.allowed",
        408 => "client.timeout",
        409 => "general.conflict",
        413 => "request.entity.too.large",
        415 => "unsupported.media.type",
        423 => "locked",
        429 => return Reply::too_many_requests(None, 300),
        500 => "internal.server.error",
        503 => "service.unavailable",
        504 => "request.timeout",
        _ => "error",
    };
    let message = status.canonical_reason().unwrap_or("scripted");
    Reply::api_error(status, code, message)
}
