use std::fmt;

use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use serde::Serialize;

use super::{PagedRequest, exchange::Target};
use crate::genesys::{Org, grants::TokenClient};

/// Asks one organisation for pages, through a service.
///
/// The service is a stack of layers around an HTTP client, such as
/// [`GenesysService`](crate::GenesysService) in a box or not; the layers renew
/// tokens, wait and send again. Requests name the organisation in their
/// extensions, so that a stack that serves many takes the right token. Cheap to
/// clone.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct Pager {
    target: Target,
}

impl Pager {
    /// Pages of this organisation, by a service for requests with bodies `B`.
    ///
    /// There is nothing to implement: whatever service fits is a
    /// [`TokenClient`].
    pub fn new<B>(org: &Org, service: impl TokenClient<B>) -> Self
    where
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self {
            target: Target::new(org, service),
        }
    }

    /// The pages of `GET path`: users, queues, an index, a search by `q64`,
    /// whatever the API lists.
    ///
    /// The query of the path is kept for every page. A `pageNumber`,
    /// `startIndex` or page size in it is where the list begins, and how large
    /// its pages are.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use futures_util::StreamExt;
    /// # use http_body_util::Full;
    /// # use serde_json::Value;
    /// # use tower::Layer;
    /// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager, testing::MockGenesys};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::builder().users(60).build();
    /// # let org = Org::builder(mock.region())
    /// #     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
    /// #     .build(mock.http_client())?;
    /// # let pager = Pager::new(&org, GenesysLayer::new(&org).layer(mock.http_client()));
    /// let mut pages = pager.get("/api/v2/users?state=active").pages::<Value>();
    /// let mut users = 0;
    /// while let Some(page) = pages.next().await {
    ///     users += page?.rows.len();
    /// }
    /// assert_eq!(users, 60);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, path: &str) -> PagedRequest {
        PagedRequest::new(&self.target, Method::GET, path, None)
    }

    /// The pages of `POST path`: a query, a search, or a job, which is started,
    /// waited for, and then read.
    ///
    /// Wherever the page goes, into the body or the query, it is set for each
    /// page. So that no row of a details query is missed or comes twice, query
    /// an interval that has ended, in ascending order: rows that are added
    /// meanwhile are then at the end, or nowhere.
    ///
    /// The request that starts a job is not repeated after a 503, unless
    /// [`with_call_options`](PagedRequest::with_call_options) says that it may.
    ///
    /// An example is in the [module](super).
    pub fn post(&self, path: &str, body: impl Serialize) -> PagedRequest {
        let body = serde_json::to_value(body);
        PagedRequest::new(&self.target, Method::POST, path, Some(body))
    }
}

impl fmt::Debug for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager")
            .field("org", &self.target.org)
            .finish_non_exhaustive()
    }
}
