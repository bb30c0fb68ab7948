use std::{fmt, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use serde::Serialize;

use super::{
    PagedRequest,
    exchange::{Exchange, OverService},
    request::Way,
};
use crate::genesys::{Org, TokenClient};

/// Asks one organisation for pages, through a service.
///
/// The service is a stack of layers around an HTTP client, such as
/// [`GenesysService`](crate::genesys::GenesysService) in a box or not; the layers renew tokens,
/// wait and send again. Requests name the organisation in their extensions, so that a stack that
/// serves many takes the right token. Cheap to clone.
///
/// See the [module](super) for an example.
#[derive(Clone)]
pub struct Pager {
    pub(super) org: Org,
    pub(super) exchange: Arc<dyn Exchange>,
}

impl Pager {
    /// Pages of this organisation, by a service for requests with bodies `B`.
    ///
    /// There is nothing to implement: whatever service fits is a [`TokenClient`].
    pub fn new<B, S>(org: &Org, service: S) -> Self
    where
        S: TokenClient<B>,
        B: From<Full<Bytes>> + Send + 'static,
    {
        Self {
            org: org.clone(),
            exchange: Arc::new(OverService::<S, B>::new(service)),
        }
    }

    /// `POST path`, with the page number in the body: the queries of analytics, such as
    /// `/api/v2/analytics/conversations/details/query`.
    ///
    /// The body is a JSON object; its `paging` is set for each page. So that no row is missed or
    /// comes twice, let its interval have ended and its order be ascending: rows that are added
    /// while pages are read are then at the end, or nowhere.
    ///
    /// # Default
    ///
    /// Pages of 100, the API's maximum, with their rows in `conversations`, and 100,000 rows at
    /// most: past these the API refuses, and a job is the way.
    pub fn query(&self, path: &str, body: impl Serialize) -> PagedRequest {
        PagedRequest::new(self, Way::Query, path, Some(serde_json::to_value(body)))
    }

    /// `GET path`, with `pageSize` and `pageNumber` in its query: lists whose pages count, but name
    /// no next one.
    ///
    /// # Default
    ///
    /// Pages of 100, with their rows in `entities`.
    pub fn numbered(&self, path: &str) -> PagedRequest {
        PagedRequest::new(self, Way::Numbered, path, None)
    }

    /// `GET path`, and from then on the `nextUri` of each page.
    ///
    /// # Default
    ///
    /// The page size in the path, or else the API's own; rows in `entities`.
    pub fn linked(&self, path: &str) -> PagedRequest {
        PagedRequest::new(self, Way::Linked, path, None)
    }

    /// `POST path`, which starts a job, such as `/api/v2/analytics/conversations/details/jobs`;
    /// then its state at `path/{id}` until it is done, and its pages at `path/{id}/results`, by
    /// cursor.
    ///
    /// Starting a job is not sent again after a 503, unless
    /// [`with_call_options`](PagedRequest::with_call_options) says that it may.
    ///
    /// # Default
    ///
    /// Pages of the API's own size (1000 for conversations, and 10,000 at most), with their rows in
    /// `conversations`.
    pub fn job(&self, path: &str, body: impl Serialize) -> PagedRequest {
        PagedRequest::new(self, Way::Job, path, Some(serde_json::to_value(body)))
    }
}

impl fmt::Debug for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager")
            .field("org", &self.org)
            .finish_non_exhaustive()
    }
}
