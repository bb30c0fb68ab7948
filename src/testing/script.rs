use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::{
    body::Fault,
    reply::{Reply, whole_seconds},
    route::Route,
    rules::{Answer, Plan, Selector, TokenFate},
    state::Shared,
};

/// A rule for some of the requests at a route, from [`MockGenesys::on`].
///
/// First select requests, then say what happens to them. The rule applies from
/// its first action on, until [`clear_script`]. If several rules select the
/// same request, only the newest applies.
///
/// # Selecting requests
///
/// Without a selector, the rule selects every request. [`nth`](Self::nth),
/// [`first`](Self::first), [`from`](Self::from) and [`every`](Self::every)
/// select by ordinal: the first request to arrive at the route is number 1,
/// counted since the mock was created (not since the rule was made).
/// [`once`](Self::once) selects the next request after the rule was made.
///
/// # Actions
///
/// Requests to the API get the scripted response only with a valid token, and a
/// 401 otherwise. So a test fails if its stack sends no token.
/// [`to_anyone`](Self::to_anyone) gives the response to all requests. The token
/// endpoint, and paths outside of `/api/`, give it to all requests anyway.
///
/// One rule can combine [`delay`](Self::delay),
/// [`revoke_token`](Self::revoke_token), [`expire_token`](Self::expire_token),
/// [`header`](Self::header), one response and one fault of the body. A second
/// response replaces the first. Without a response in the rule, the mock
/// handles the request as usual.
///
/// ```
/// use std::time::Duration;
/// use http::StatusCode;
/// use tower_genesys::testing::{ANY_API, DETAILS_QUERY, MockGenesys, TOKEN, USERS};
///
/// let mock = MockGenesys::new();
/// mock.on(DETAILS_QUERY).nth(4).reply_429(Duration::from_secs(42));
/// mock.on(TOKEN).first(2).delay(Duration::from_secs(3)).reply_503();
/// mock.on(USERS).every(10).truncated_body();
/// mock.on(ANY_API).once().revoke_token();
/// # assert!(mock.requests().is_empty());
/// ```
///
/// [`MockGenesys::on`]: super::MockGenesys::on
/// [`clear_script`]: super::MockGenesys::clear_script
pub struct Script {
    shared: Arc<Shared>,
    route: Route,
    selector: Selector,
    rule: Option<u64>,
}

/// Selectors.
impl Script {
    pub(super) fn new(shared: Arc<Shared>, route: Route) -> Self {
        Self {
            shared,
            route,
            selector: Selector::Always,
            rule: None,
        }
    }

    fn select(mut self, selector: Selector) -> Self {
        self.selector = selector;
        if let Some(id) = self.rule {
            let mut state = self.shared.lock();
            state.rules.change(id, |rule| rule.selector = selector);
        }
        self
    }

    /// Selects every request. This is the default.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn always(self) -> Self {
        self.select(Selector::Always)
    }

    /// Selects the next request that no newer rule selects.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn once(self) -> Self {
        self.select(Selector::Once)
    }

    /// Selects the request with this ordinal, from 1 on.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn nth(self, ordinal: u64) -> Self {
        self.select(Selector::Nth(ordinal))
    }

    /// Selects the requests 1 to `count`.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn first(self, count: u64) -> Self {
        self.select(Selector::First(count))
    }

    /// Selects the request with this ordinal and all later ones.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn from(self, ordinal: u64) -> Self {
        self.select(Selector::From(ordinal))
    }

    /// Selects each request whose ordinal is a multiple of `step`. A `step` of
    /// 0 selects no request.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn every(self, step: u64) -> Self {
        self.select(Selector::Every(step))
    }
}

/// Actions.
///
/// Each returns the rule for further actions; you may drop it.
impl Script {
    fn act(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let id = match self.rule {
            Some(id) => id,
            None => {
                let seen = state.journal.count(&self.route);
                state.rules.add(self.route.clone(), self.selector, seen)
            }
        };
        state.rules.change(id, |rule| change(&mut rule.plan));
        drop(state);
        self.rule = Some(id);
        self
    }

    fn answer(self, reply: Reply) -> Self {
        self.act(|plan| plan.answer = Answer::Scripted(reply))
    }

    /// Responds with this status and an error in the shape of the API; from 200
    /// to 399, with an empty JSON object.
    pub fn reply_status(self, status: StatusCode) -> Self {
        self.answer(status_reply(status))
    }

    /// Responds with exactly this status, these headers and this body.
    pub fn reply(self, status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        self.answer(Reply {
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
    /// use http::StatusCode;
    /// use tower_genesys::testing::{MockGenesys, Route};
    ///
    /// let mock = MockGenesys::new();
    /// let queues = Route::new(http::Method::GET, "/api/v2/routing/queues");
    /// let page = serde_json::json!({ "entities": [{ "name": "Support" }] });
    /// mock.on(queues).reply_json(StatusCode::OK, page);
    /// # assert!(mock.requests().is_empty());
    /// ```
    pub fn reply_json(self, status: StatusCode, body: impl Serialize) -> Self {
        self.answer(match serde_json::to_vec(&body) {
            Ok(body) => Reply::new(status, "application/json", body.into()),
            Err(error) => {
                let message = format!("The scripted body cannot be written as JSON: {error}.");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Reply::api_error(status, "internal.server.error", &message)
            }
        })
    }

    /// Gives the scripted response to requests without a valid token too.
    /// Default: they get a 401.
    pub fn to_anyone(self) -> Self {
        self.act(|plan| plan.to_anyone = true)
    }

    /// Responds with 429, and with `Retry-After` in whole seconds, rounded up.
    pub fn reply_429(self, retry_after: Duration) -> Self {
        let seconds = whole_seconds(retry_after);
        self.answer(Reply::too_many_requests(Some(seconds), 300))
    }

    /// Responds with 429, without a time to wait.
    pub fn reply_429_without_retry_after(self) -> Self {
        self.answer(Reply::too_many_requests(None, 300))
    }

    /// Responds with 401 `bad.credentials`, as if the token were no longer
    /// valid.
    pub fn reply_401(self) -> Self {
        self.answer(Reply::bad_credentials())
    }

    /// Responds with 401 `authentication.required`, as if the request carried
    /// no token.
    pub fn reply_401_authentication_required(self) -> Self {
        self.answer(Reply::authentication_required())
    }

    /// Responds with 403 and this code, such as `missing.permissions`.
    pub fn reply_403(self, code: &str, message: &str) -> Self {
        self.answer(Reply::api_error(StatusCode::FORBIDDEN, code, message))
    }

    /// Responds with 503 `service.unavailable`.
    pub fn reply_503(self) -> Self {
        self.reply_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Responds with this status and an HTML page, as proxies and load
    /// balancers do.
    pub fn reply_html(self, status: StatusCode) -> Self {
        let page = format!("<html><body><h1>{status}</h1></body></html>");
        self.answer(Reply::new(status, "text/html; charset=utf-8", page.into()))
    }

    /// Responds with 200 and these bytes as `application/json`. They need not
    /// be JSON.
    pub fn reply_token_json(self, raw: impl Into<Bytes>) -> Self {
        self.answer(Reply::new(StatusCode::OK, "application/json", raw.into()))
    }

    /// Responds like a token endpoint that is rate-limited: **400**
    /// `invalid_request`, with a description that begins with
    /// `rate limit exceeded;`.
    pub fn throttle_400(self) -> Self {
        let why = "rate limit exceeded; too many requests for this client, try again later";
        self.answer(Reply::oauth_error("invalid_request", why))
    }

    /// Issues a token as usual, with this raw JSON as `expires_in`. If it is
    /// empty, the mock omits `expires_in`. If it is not JSON, the mock writes
    /// it as a string.
    pub fn expires_in(self, raw: impl Into<Arc<str>>) -> Self {
        let raw = raw.into();
        self.act(|plan| plan.expires_in = Some(raw))
    }

    /// Sets a header of the response, scripted or not, and replaces those of
    /// the same name.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.act(|plan| drop(plan.headers.insert(name, value)))
    }

    /// Delays the response on tokio's clock, in addition to the mock's latency.
    pub fn delay(self, delay: Duration) -> Self {
        self.act(|plan| plan.delay = delay)
    }

    /// Reads the request, and never responds.
    pub fn never_answers(self) -> Self {
        self.act(|plan| plan.answer = Answer::Never)
    }

    /// Reads the request, does not handle it, and cuts the connection. In
    /// memory, the error has an [`io::Error`](std::io::Error) `ConnectionReset`
    /// as its source.
    pub fn reset(self) -> Self {
        self.act(|plan| plan.answer = Answer::Reset)
    }

    /// Cuts the connection after half of the response's body. That half may be
    /// empty.
    pub fn truncated_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Truncated)
    }

    /// Makes the body of the response endless.
    pub fn endless_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Endless)
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
        self.act(|plan| plan.answer = Answer::Early(reply))
    }

    /// Revokes the request's token before the mock handles the request.
    pub fn revoke_token(self) -> Self {
        self.act(|plan| plan.token = TokenFate::Revoked)
    }

    /// Makes the request's token expire before the mock handles the request.
    pub fn expire_token(self) -> Self {
        self.act(|plan| plan.token = TokenFate::Expired)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("route", &self.route)
            .field("selector", &self.selector)
            .finish_non_exhaustive()
    }
}

/// The codes that the API uses for these statuses, so that code under test
/// meets real ones.
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
