use std::{fmt, io, sync::Arc};

use http::Method;

use super::{
    Grant, Held, JobEnd, MockBuilder, MockClient, MockList, MockServer, MockService, Recorded,
    Route, Script, data,
    route::{ANY_API, TOKEN},
    state::Shared,
};
use crate::genesys::Region;

/// A Genesys Cloud for tests. The [module docs](super) have an example.
///
/// Clones are cheap, and all clones are the same mock.
#[derive(Clone)]
pub struct MockGenesys {
    shared: Arc<Shared>,
}

/// Creating the mock, and reaching it.
impl MockGenesys {
    /// Creates a mock with the defaults of [`MockBuilder`].
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a mock with other settings.
    pub fn builder() -> MockBuilder {
        MockBuilder::new()
    }

    pub(super) fn from_shared(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns the mock as an in-memory service.
    pub fn service(&self) -> MockService {
        MockService::new(Arc::clone(&self.shared))
    }

    /// Returns the mock as an HTTP client for one body type, like a real
    /// client. Use it for tokens and below the layers, where the compiler must
    /// infer the body type.
    pub fn http_client(&self) -> MockClient {
        MockClient::new(self.service())
    }

    /// Serves the mock on a free port of 127.0.0.1, in tasks of the current
    /// runtime.
    ///
    /// # Errors
    ///
    /// The error of the operating system, if no port is free.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, or on one without I/O.
    pub async fn serve(&self) -> io::Result<MockServer> {
        MockServer::start(Arc::clone(&self.shared)).await
    }

    /// Returns the region of the in-memory service. A [`MockServer`] has
    /// another one.
    pub fn region(&self) -> Region {
        self.shared.region.clone()
    }

    /// Returns the id of the first client.
    pub fn client_id(&self) -> String {
        let mut state = self.shared.lock();
        let client = state.first_client().map(|client| client.id.clone());
        client.unwrap_or_default()
    }

    /// Returns the current secret of the first client.
    pub fn client_secret(&self) -> String {
        let mut state = self.shared.lock();
        let client = state.first_client().map(|client| client.secret.clone());
        client.unwrap_or_default()
    }

    /// Returns the interval in which all conversations begin, in the API's
    /// notation.
    pub fn interval(&self) -> &'static str {
        data::INTERVAL
    }
}

impl Default for MockGenesys {
    fn default() -> Self {
        Self::new()
    }
}

/// Changing what happens to requests.
impl MockGenesys {
    /// Begins a rule for the requests at a route; see [`Script`].
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn on(&self, route: Route) -> Script {
        Script::new(Arc::clone(&self.shared), route)
    }

    /// Adds a list in the shape of an operation, such as
    /// `GET /api/v2/routing/queues`. Its pages have the fields of the API
    /// definition.
    ///
    /// An id in the path stands for any id. A POST that starts a job adds the
    /// whole job, with its results.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::StreamExt;
    /// use http::Method;
    /// use http_body_util::Full;
    /// use serde_json::Value;
    /// use tower::Layer;
    /// use tower_genesys::testing::{MockGenesys, MockList};
    /// use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let mock = MockGenesys::new();
    /// let path = "/api/v2/routing/queues/7/members";
    /// mock.add_list(Method::GET, path, MockList::new(60));
    /// # let org = Org::builder(mock.region())
    /// #     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
    /// #     .build(mock.http_client())?;
    /// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
    /// let pager = Pager::new(&org, genesys);
    /// let mut members = pager.get(path).pages::<Value>();
    /// assert_eq!(members.next().await.expect("a page")?.rows[0]["id"], "r0");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the mock's API definition has no such list.
    pub fn add_list(&self, method: Method, path: &str, list: MockList) {
        let is_known = self.shared.lock().lists.add(&method, path, list);
        assert!(
            is_known,
            "{method} {path} is not a list of the API definition; script it with `on` and `reply_json`"
        );
    }

    /// Removes all rules made with [`on`](Self::on).
    pub fn clear_script(&self) {
        self.shared.lock().rules.clear();
    }

    /// Holds the requests at a route that arrive from now on. The mock reads
    /// them, and handles them when the guard is released or dropped. It checks
    /// their token only then.
    pub fn hold(&self, route: Route) -> Held {
        Held::new(Arc::clone(&self.shared), route)
    }
}

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
        let enough = |state: &super::state::State| state.count(&route) >= count;
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
        let few = |state: &super::state::State| state.connections.open <= at_most;
        self.shared.until(few).await;
    }
}

/// Changing tokens and clients.
impl MockGenesys {
    /// Issues a token to the first client without a request, as if it were
    /// obtained elsewhere.
    pub fn mint_token(&self) -> String {
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        state.tokens.mint(&mut state.random, &client, false)
    }

    /// Accepts this text as a token of the first client, issued now.
    pub fn accept_token(&self, token: &str) {
        let client = self.client_id();
        self.shared.lock().tokens.adopt(token, &client, false);
    }

    /// Returns the number of valid tokens.
    pub fn live_tokens(&self) -> usize {
        self.shared.lock().tokens.count()
    }

    /// Revokes a token. Returns false if it was not valid.
    pub fn revoke(&self, token: &str) -> bool {
        self.shared.lock().tokens.revoke(token)
    }

    /// Revokes all tokens.
    pub fn revoke_all(&self) {
        self.shared.lock().tokens.revoke_all();
    }

    /// Makes all tokens expire now.
    pub fn expire_all(&self) {
        self.shared.lock().tokens.expire_all();
    }

    /// Gives the first client another secret. The mock refuses the old one from
    /// now on. Tokens stay valid.
    pub fn rotate_secret(&self, secret: impl Into<String>) {
        if let Some(client) = self.shared.lock().first_client() {
            client.secret = secret.into();
        }
    }

    /// Disables the first client, and revokes its tokens.
    pub fn disable_client(&self) {
        let id = self.client_id();
        let mut state = self.shared.lock();
        state.tokens.revoke_client(&id);
        if let Some(client) = state.first_client() {
            client.enabled = false;
        }
    }

    /// Enables the first client again.
    pub fn enable_client(&self) {
        if let Some(client) = self.shared.lock().first_client() {
            client.enabled = true;
        }
    }

    /// Ends all jobs started so far, in this way and whatever their state.
    pub fn end_jobs(&self, end: JobEnd) {
        let state = &mut *self.shared.lock();
        state.api.jobs.end(end, state.clock.now());
    }

    /// The grants that clients may use; at first all.
    pub fn allow_grants(&self, grants: impl IntoIterator<Item = Grant>) {
        self.shared.lock().grants.allowed = grants.into_iter().collect();
    }

    /// Issues an authorization code for the first client, as if a user had just
    /// logged in. It works once.
    pub fn issue_code(&self, redirect_uri: &str) -> String {
        self.code(redirect_uri, None)
    }

    /// Like [`issue_code`](Self::issue_code), for a login that began with this
    /// `code_challenge` of the method `S256` (RFC 7636).
    pub fn issue_code_with_challenge(&self, redirect_uri: &str, challenge: &str) -> String {
        self.code(redirect_uri, Some(challenge))
    }

    fn code(&self, redirect_uri: &str, challenge: Option<&str>) -> String {
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        let random = &mut state.random;
        state
            .grants
            .issue_code(random, &client, redirect_uri, challenge)
    }

    /// Issues a refresh token for the first client. It works once; the response
    /// to it contains the next one.
    pub fn issue_refresh_token(&self) -> String {
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        state.grants.issue_refresh_token(&mut state.random, &client)
    }
}

impl fmt::Debug for MockGenesys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockGenesys")
            .field("region", &self.shared.region)
            .field("token_posts", &self.token_posts())
            .field("api_calls", &self.api_calls())
            .finish_non_exhaustive()
    }
}
