//! The handle that a test holds: how to create the mock, reach it and script
//! it. `counts.rs` has what it reports, `tokens.rs` how it changes tokens and
//! clients.

mod counts;
mod tokens;

use std::{fmt, io, sync::Arc};

use http::Method;

use super::{
    Held, MockBuilder, MockClient, MockList, MockServer, MockService, Route, Script, data,
    state::Shared,
};
use crate::genesys::Region;

/// A Genesys Cloud for tests. The [module docs](super) have an example.
///
/// A clone is cheap, and is the same mock.
#[derive(Clone)]
pub struct MockGenesys {
    /// The state, shared with all services, servers and guards.
    shared: Arc<Shared>,
}

/// Creating the mock, and reaching it.
impl MockGenesys {
    /// Creates a mock with the defaults of [`MockBuilder`].
    ///
    /// ```
    /// use tower_genesys::testing::MockGenesys;
    ///
    /// let mock = MockGenesys::new();
    /// assert_eq!(mock.client_id(), "client-id");
    /// assert_eq!(mock.client_secret(), "client-secret");
    /// assert_eq!(mock.region().domain(), Some("mypurecloud.com"));
    /// assert!(mock.interval().starts_with("2026-01-05T00:00:00.000Z/"));
    /// ```
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a mock with other settings.
    pub fn builder() -> MockBuilder {
        MockBuilder::new()
    }

    pub(in crate::testing) fn from_shared(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns the mock as an in-memory service for any request body.
    pub fn service(&self) -> MockService {
        MockService::new(Arc::clone(&self.shared))
    }

    /// Returns the mock as an HTTP client for one body type, like a real
    /// client. Use it where the compiler must infer the body type: for
    /// [`OrgBuilder::build`](crate::genesys::OrgBuilder::build), and below the
    /// layers if it cannot infer the type with [`service`](Self::service).
    /// [`MockClient`] has an example.
    pub fn http_client(&self) -> MockClient {
        MockClient::new(self.service())
    }

    /// Serves the mock on a free port of 127.0.0.1, in tasks of the current
    /// runtime. [`MockServer`] has an example.
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
    /// Begins a rule for the requests at a route. [`Script`] has the selectors,
    /// the actions and an example.
    #[must_use = "an action must follow, such as `reply_503`"]
    pub fn on(&self, route: Route) -> Script {
        Script::new(Arc::clone(&self.shared), route)
    }

    /// Adds a list in the shape of an operation, such as `GET
    /// /api/v2/routing/queues`. Its pages have the fields of the API
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
    /// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// # let org = Org::builder(mock.region()).credentials(keys);
    /// # let org = org.build(mock.http_client())?;
    /// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
    /// let pager = Pager::new(&org, genesys);
    /// let mut members = pager.get(path).pages::<Value>();
    /// let page = members.next().await.expect("a page")?;
    /// assert_eq!(page.rows[0]["id"], "r0");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the mock's API definition has no such list.
    pub fn add_list(&self, method: Method, path: &str, list: MockList) {
        let is_known = self.shared.lock().lists.add(&method, path, list);
        // A mistake in a test, so it fails there and not as a 404 of the mock.
        assert!(
            is_known,
            "{method} {path} is not a list of the API definition; script it with `on` and \
             `reply_json`"
        );
    }

    /// Removes all rules made with [`on`](Self::on). Counts, and so the
    /// ordinals of later rules, continue.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::testing::{ANY_API, MockGenesys};
    /// # use http::Request;
    /// # use http_body_util::Empty;
    /// # use tower::ServiceExt;
    ///
    /// # tokio_test::block_on(async {
    /// let mock = MockGenesys::new();
    /// mock.on(ANY_API).to_anyone().reply_503();
    /// # let users = || {
    /// #     let request = Request::get(mock.region().api("/api/v2/users")?);
    /// #     let request = request.body(Empty::<bytes::Bytes>::new())?;
    /// #     Ok::<_, Box<dyn std::error::Error>>(mock.service().oneshot(request))
    /// # };
    /// assert_eq!(users()?.await?.status(), 503);
    /// mock.clear_script();
    /// assert_eq!(users()?.await?.status(), 401, "it carries no token");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn clear_script(&self) {
        self.shared.lock().rules.clear();
    }

    /// Holds the requests that arrive at a route from now on. The mock reads
    /// them, and handles them when the guard is released or dropped; it checks
    /// their token only then. [`Held`] has an example.
    pub fn hold(&self, route: Route) -> Held {
        Held::new(Arc::clone(&self.shared), route)
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
