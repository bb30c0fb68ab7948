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

/// What shall happen to some of the requests at a route; see [`MockGenesys::on`].
///
/// First say which requests, then what happens to them. It holds from the first action on, until
/// [`clear_script`]. Where several rules pick the same request, the one made last decides alone.
///
/// # Which requests
///
/// Without a selector it is every request. With [`nth`](Self::nth), [`first`](Self::first),
/// [`from`](Self::from) and [`every`](Self::every) it goes by the ordinal of a request among those
/// that match the route, beginning with 1, counted from when the mock was made (not from when the
/// rule was), by arrival. [`once`](Self::once) goes by when the rule was made.
///
/// # What happens
///
/// A scripted answer of the API is for requests with a good token, and others get the 401 that they
/// always get: a test whose stack sends no token fails. [`to_anyone`](Self::to_anyone) gives it to
/// all. At the token endpoint, and at paths outside of `/api/`, it is given to anyone.
///
/// [`delay`](Self::delay), [`revoke_token`](Self::revoke_token),
/// [`expire_token`](Self::expire_token), [`header`](Self::header), one answer, and one
/// fault of the body can be combined in one rule; a second answer replaces the first. Without an
/// answer of its own the request is then handled as always.
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

/// Which requests.
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

    /// Every request; this is the default.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn always(self) -> Self {
        self.select(Selector::Always)
    }

    /// The next request that no later rule picks.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn once(self) -> Self {
        self.select(Selector::Once)
    }

    /// The request of this ordinal, beginning with 1.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn nth(self, ordinal: u64) -> Self {
        self.select(Selector::Nth(ordinal))
    }

    /// The requests 1 to `count`.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn first(self, count: u64) -> Self {
        self.select(Selector::First(count))
    }

    /// The request of this ordinal and all after it.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn from(self, ordinal: u64) -> Self {
        self.select(Selector::From(ordinal))
    }

    /// Each request whose ordinal is a multiple of `step`; with 0, none.
    #[must_use = "an action has to follow, such as `reply_503`"]
    pub fn every(self, step: u64) -> Self {
        self.select(Selector::Every(step))
    }
}

/// What happens to them.
///
/// The result of an action is for further ones, and may be dropped.
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

    /// Answers with this status, in the error shape of the API, or from 200 to 399 with an empty
    /// JSON object.
    pub fn reply_status(self, status: StatusCode) -> Self {
        self.answer(status_reply(status))
    }

    /// Answers with just this.
    pub fn reply(self, status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        self.answer(Reply {
            status,
            headers: Box::new(headers),
            body: body.into(),
        })
    }

    /// Answers with this status and this as JSON.
    ///
    /// What cannot be written as JSON, such as a map whose keys are not texts, is answered with a
    /// 500 that says so.
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_genesys::testing::{MockGenesys, Route};
    ///
    /// let mock = MockGenesys::new();
    /// let queues = Route::new(http::Method::GET, "/api/v2/routing/queues");
    /// let body = serde_json::json!({ "entities": [{ "name": "Support" }], "total": 1 });
    /// mock.on(queues).reply_json(StatusCode::OK, body);
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

    /// Gives the scripted answer to requests without a good token, too. Default: they get 401.
    pub fn to_anyone(self) -> Self {
        self.act(|plan| plan.to_anyone = true)
    }

    /// Answers with 429, and with `Retry-After` in whole seconds, rounded up.
    pub fn reply_429(self, retry_after: Duration) -> Self {
        let seconds = whole_seconds(retry_after);
        self.answer(Reply::too_many_requests(Some(seconds), 300))
    }

    /// Answers with 429 that does not say how long to wait.
    pub fn reply_429_without_retry_after(self) -> Self {
        self.answer(Reply::too_many_requests(None, 300))
    }

    /// Answers with 401 `bad.credentials`, as if the token had died.
    pub fn reply_401(self) -> Self {
        self.answer(Reply::bad_credentials())
    }

    /// Answers with 401 `authentication.required`, as if no bearer had arrived.
    pub fn reply_401_authentication_required(self) -> Self {
        self.answer(Reply::authentication_required())
    }

    /// Answers with 403 and this code, such as `missing.permissions`.
    pub fn reply_403(self, code: &str, message: &str) -> Self {
        self.answer(Reply::api_error(StatusCode::FORBIDDEN, code, message))
    }

    /// Answers with 503 `service.unavailable`.
    pub fn reply_503(self) -> Self {
        self.reply_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Answers with this status and a page of HTML, as proxies and load balancers do.
    pub fn reply_html(self, status: StatusCode) -> Self {
        let page = format!("<html><body><h1>{status}</h1></body></html>");
        self.answer(Reply::new(status, "text/html; charset=utf-8", page.into()))
    }

    /// Answers with 200 and these bytes as `application/json`, whether or not they are JSON.
    pub fn reply_token_json(self, raw: impl Into<Bytes>) -> Self {
        self.answer(Reply::new(StatusCode::OK, "application/json", raw.into()))
    }

    /// Answers as a token endpoint that has had too many requests: **400** `invalid_request`, with
    /// a description that begins with `rate limit exceeded;`.
    pub fn throttle_400(self) -> Self {
        let why = "rate limit exceeded; too many requests for this client, try again later";
        self.answer(Reply::oauth_error("invalid_request", why))
    }

    /// Issues a token as always, but puts this raw JSON in the place of `expires_in`, or leaves it
    /// out if this is empty. What is not JSON is put as a string.
    pub fn expires_in(self, raw: impl Into<Arc<str>>) -> Self {
        let raw = raw.into();
        self.act(|plan| plan.expires_in = Some(raw))
    }

    /// Puts a header on the answer, whichever it is, in place of those of the same name.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.act(|plan| drop(plan.headers.insert(name, value)))
    }

    /// Answers later, by this much on tokio's clock; on top of the mock's latency.
    pub fn delay(self, delay: Duration) -> Self {
        self.act(|plan| plan.delay = delay)
    }

    /// Reads the request, and never answers.
    pub fn never_answers(self) -> Self {
        self.act(|plan| plan.answer = Answer::Never)
    }

    /// Reads the request, does not handle it, and cuts the connection: in memory, an error with an
    /// [`io::Error`](std::io::Error) `ConnectionReset` as its source.
    pub fn reset(self) -> Self {
        self.act(|plan| plan.answer = Answer::Reset)
    }

    /// Cuts the connection after half of the answer's body, which may be empty.
    pub fn truncated_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Truncated)
    }

    /// Lets the body of the answer go on for ever.
    pub fn endless_body(self) -> Self {
        self.act(|plan| plan.fault = Fault::Endless)
    }

    /// Answers with this status as soon as the head of the request is there.
    ///
    /// In memory the body of the request is dropped unread. On the wire the server takes in up to
    /// 64 KiB more, as much as lies in buffers; a longer body is then left unread, on a connection
    /// that stays open. On HTTP/2 it ends the stream instead.
    pub fn early(self, status: StatusCode) -> Self {
        let reply = status_reply(status);
        self.act(|plan| plan.answer = Answer::Early(reply))
    }

    /// Revokes the token that the request carries, before it is handled.
    pub fn revoke_token(self) -> Self {
        self.act(|plan| plan.token = TokenFate::Revoked)
    }

    /// Lets the token that the request carries expire, before it is handled.
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
