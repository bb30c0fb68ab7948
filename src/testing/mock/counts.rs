//! What a test asks the mock: how many requests, tokens and connections there
//! were.

use super::MockGenesys;
use crate::testing::{
    Recorded, Route,
    route::{ANY_API, TOKEN},
    state::State,
};

/// Counting what has happened.
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use http_body_util::Full;
/// use tower::ServiceExt;
/// use tower_genesys::testing::{CREATE_USER, MockGenesys, TOKEN, USERS};
///
/// # tokio_test::block_on(async {
/// let mock = MockGenesys::new();
/// let token = mock.mint_token();
/// let request = Request::post(mock.region().api("/api/v2/users")?)
///     .header("authorization", format!("Bearer {token}"))
///     .body(Full::<bytes::Bytes>::from(
///         r#"{ "name": "Ada", "email": "ada@example.com" }"#,
///     ))?;
/// assert_eq!(mock.service().oneshot(request).await?.status(), 200);
///
/// mock.wait_for(CREATE_USER, 1).await; // returns at once: it has arrived
/// assert_eq!((mock.count(CREATE_USER), mock.count(USERS)), (1, 0));
/// assert_eq!((mock.api_calls(), mock.token_posts()), (1, 0));
/// assert_eq!(mock.created_users(), 1);
/// assert_eq!(mock.requests().len(), 1);
/// let posts = mock.requests_at(CREATE_USER);
/// assert_eq!(posts[0].bearer(), Some(&*token));
///
/// let server = mock.serve().await?; // and on the wire
/// assert_eq!(mock.connections(), 0);
/// drop(server);
/// mock.wait_for_open_connections(0).await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
impl MockGenesys {
    /// Returns the number of requests that have arrived at a route since the
    /// mock was created, answered or not.
    pub fn count(&self, route: Route) -> usize {
        self.shared.lock().count(&route)
    }

    /// Returns the number of token requests that have arrived.
    pub fn token_posts(&self) -> usize {
        self.count(TOKEN)
    }

    /// Returns the number of API requests that have arrived.
    pub fn api_calls(&self) -> usize {
        self.count(ANY_API)
    }

    /// Waits until this many requests have arrived at a route since the mock
    /// was created. A request counts as soon as its head has arrived.
    ///
    /// # Cancellation
    ///
    /// Dropping the future changes nothing. Put a `timeout` around it: if the
    /// requests never arrive, it never ends.
    pub async fn wait_for(&self, route: Route, count: usize) {
        let enough = |state: &State| state.count(&route) >= count;
        self.shared.until(enough).await;
    }

    /// Returns the [kept](crate::testing::MockBuilder::keep_requests) requests,
    /// in the order of their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().journal.kept()
    }

    /// Returns those of [`requests`](Self::requests) that match a route.
    pub fn requests_at(&self, route: Route) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| {
            // A recorded URI has the prefix of the region's base URL; routes do
            // not.
            let path = self.shared.place(request.uri().path()).path();
            route.matches(request.method(), path)
        });
        requests
    }

    /// Returns the number of users that `POST /api/v2/users` has created. It
    /// counts executed requests, not arrived ones.
    pub fn created_users(&self) -> usize {
        self.shared.lock().api.users.created()
    }

    /// Returns the number of connections that the mock's servers have accepted.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.accepted
    }

    /// Waits until at most this many connections to the mock's servers are
    /// open.
    ///
    /// # Cancellation
    ///
    /// As for [`wait_for`](Self::wait_for).
    pub async fn wait_for_open_connections(&self, at_most: usize) {
        let few = |state: &State| state.connections.open <= at_most;
        self.shared.until(few).await;
    }
}
