use super::MockGenesys;
use crate::testing::{
    Recorded, Route,
    route::{ANY_API, TOKEN},
    state::State,
};

/// Counting what has happened.
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
    pub async fn wait_for(&self, route: Route, count: usize) {
        let enough = |state: &State| state.count(&route) >= count;
        self.shared.until(enough).await;
    }

    /// Returns the [kept](MockBuilder::keep_requests) requests, in the order of
    /// their arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.lock().journal.kept()
    }

    /// Returns those of [`requests`](Self::requests) that match a route.
    pub fn requests_at(&self, route: Route) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| {
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

    /// Returns the number of open connections.
    pub fn open_connections(&self) -> usize {
        self.shared.lock().connections.open
    }

    /// Waits until at most this many connections are open.
    pub async fn wait_for_open_connections(&self, at_most: usize) {
        let few = |state: &State| state.connections.open <= at_most;
        self.shared.until(few).await;
    }
}
