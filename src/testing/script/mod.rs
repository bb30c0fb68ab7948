//! Rules for requests, in one line of a test: first selectors, then actions.
//! `replies.rs` has the responses, `faults.rs` all that happens besides them.

mod faults;
mod replies;

use std::{fmt, sync::Arc};

use super::{
    reply::Reply,
    route::Route,
    rules::{Plan, Reaction, Selector},
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
/// [`header`](Self::header), [`expires_in`](Self::expires_in), one response and
/// one fault of the body. A second response replaces the first. Without a
/// response in the rule, the mock handles the request as usual.
///
/// ```
/// use std::time::Duration;
/// use http::StatusCode;
/// use tower_genesys::testing::{
///     ANY_API, DETAILS_QUERY, MockGenesys, TOKEN, USERS,
/// };
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
    /// The requests that the rule is about.
    route: Route,
    /// Which of them it selects.
    selector: Selector,
    /// The id of the rule. `None` before the first action, when it is not in
    /// force yet.
    rule: Option<u64>,
}

/// Selectors.
///
/// ```
/// use tower_genesys::testing::{MockGenesys, USERS};
/// # use http::Request;
/// # use http_body_util::Empty;
/// # use tower::ServiceExt;
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// mock.on(USERS).always().reply_401();
/// mock.on(USERS).from(8).to_anyone().reply_503();
/// mock.on(USERS).every(3).to_anyone().reply_429_without_retry_after();
/// mock.on(USERS).first(2).reset();
/// mock.on(USERS).nth(5).to_anyone().reply_html(http::StatusCode::BAD_GATEWAY);
///
/// let mut statuses = Vec::new();
/// for _ in 0..9 {
///     let request = Request::get(mock.region().api("/api/v2/users")?);
///     let request = request.body(Empty::<bytes::Bytes>::new())?;
///     let response = mock.service().oneshot(request).await;
///     statuses.push(response.map_or(0, |found| found.status().as_u16()));
/// }
/// assert_eq!(statuses, [0, 0, 429, 401, 502, 429, 401, 503, 429]);
///
/// mock.on(USERS).once().to_anyone().reply_503(); // the next request
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
impl Script {
    pub(in crate::testing) fn new(shared: Arc<Shared>, route: Route) -> Self {
        Self {
            shared,
            route,
            selector: Selector::Always,
            rule: None,
        }
    }

    /// Sets the selector, also of a rule that is in force already.
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

    /// Selects each request whose ordinal is a multiple of `nth`. With 0, it
    /// selects none.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn every(self, nth: u64) -> Self {
        self.select(Selector::Every(nth))
    }
}

impl Script {
    /// Changes the plan of the rule. The first action adds the rule.
    fn act(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let id = match self.rule {
            Some(id) => id,
            None => {
                // Ordinals count from the start of the mock, not of the rule.
                let seen = state.journal.count(&self.route);
                state.rules.add(self.route.clone(), self.selector, seen)
            }
        };
        state.rules.change(id, |rule| change(&mut rule.plan));
        drop(state);
        self.rule = Some(id);
        self
    }

    /// Sets the response; a later one replaces it.
    fn respond(self, reply: Reply) -> Self {
        self.act(|plan| plan.reaction = Reaction::Scripted(reply))
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
