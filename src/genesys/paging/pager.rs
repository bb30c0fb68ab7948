//! The entry to paging: an organisation, and the service for its requests.

use std::fmt;

use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use serde::Serialize;

use super::{PagedRequest, exchange::Target};
use crate::genesys::{Org, grants::TokenClient};

/// Requests pages for one organisation, through a service.
///
/// The service is a stack of layers around an HTTP client, such as a
/// [`GenesysService`](crate::GenesysService), boxed or not. The layers renew
/// tokens, wait and retry. Each request names the organisation in its
/// extensions, so a stack that serves many takes the right token. A clone is
/// cheap.
///
/// The [module docs](super) have an example.
#[derive(Clone)]
pub struct Pager {
    /// The organisation and the service.
    target: Target,
}

impl Pager {
    /// Creates a pager for this organisation, over a service for request bodies
    /// `B`.
    ///
    /// Any service that fits is a [`TokenClient`]; there is nothing to
    /// implement. [`get`](Self::get) has an example.
    pub fn new<B>(org: &Org, service: impl TokenClient<B>) -> Self
    where
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self {
            target: Target::new(org, service),
        }
    }

    /// Reads the pages of `GET path`: lists such as users and queues, and
    /// searches by `q64`.
    ///
    /// The pager keeps the query of the path for every page. A `pageNumber` or
    /// `startIndex` in it says where the list begins, and a page size how large
    /// its pages are.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::StreamExt;
    /// use http_body_util::Full;
    /// use serde_json::Value;
    /// use tower::Layer;
    /// use tower_genesys::{
    ///     Credentials, GenesysLayer, Org, Pager, testing::MockGenesys,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// let mock = MockGenesys::builder().users(60).build();
    /// let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
    /// let org = Org::builder(mock.region()).credentials(keys);
    /// let org = org.build(mock.http_client())?;
    /// let genesys = GenesysLayer::new(&org).layer(mock.http_client());
    ///
    /// let pager = Pager::new(&org, genesys);
    /// let request = pager.get("/api/v2/users?state=active");
    /// let mut pages = request.pages::<Value>();
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

    /// Reads the pages of `POST path`: a query, a search, or a job. A job is
    /// started, waited for, and then read.
    ///
    /// The pager sets the parameters of each page, in the body or the query.
    /// For a details query, choose an interval that has ended, in ascending
    /// order. Then a row that is added meanwhile comes at the end or is left
    /// out, and no row that was there before is missed or returned twice.
    ///
    /// The request that starts a job is not repeated after a 503, unless
    /// [`with_call_options`](PagedRequest::with_call_options) permits it.
    ///
    /// The [module docs](super) have an example.
    ///
    /// # Errors
    ///
    /// A body that cannot become JSON is the stream's only item, as
    /// [`PageErrorKind::Request`](super::PageErrorKind::Request).
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
