//! What a test says about a list.

use serde_json::Value;

/// A list for [`MockGenesys::add_list`](super::super::MockGenesys::add_list):
/// its number of rows, and the oddities of its pages. Its rows are `{"id":
/// "r0"}`, `{"id": "r1"}`, and so forth.
///
/// ```
/// # use bytes::Bytes;
/// # use futures_util::StreamExt;
/// # use http::Method;
/// # use http_body_util::Full;
/// # use serde_json::Value;
/// # use tower::Layer;
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
/// use tower_genesys::testing::{MockGenesys, MockList};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::new();
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// # let org = Org::builder(mock.region()).credentials(keys);
/// # let org = org.build(mock.http_client())?;
/// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// # let pager = Pager::new(&org, genesys);
/// // 155 of its 260 rows match a filter, which its links drop. The client
/// // may not see every tenth row.
/// let flows = MockList::new(260)
///     .with_page_size(50)
///     .with_matching(155)
///     .with_dropped_parameters()
///     .with_hidden_rows(10)
///     .without("previousUri") // on all pages
///     .without_on("pageCount", 4)
///     .with_field("note", "of the mock");
/// mock.add_list(Method::GET, "/api/v2/flows", flows);
///
/// let mut pages = pager.get("/api/v2/flows?type=secure").pages::<Value>();
/// let page = pages.next().await.expect("a page")?;
/// assert_eq!((page.rows.len(), page.total), (45, Some(155)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MockList {
    /// The rows without a filter, hidden ones included.
    pub(super) rows: usize,
    pub(super) page_size: usize,
    /// The rows with a filter.
    pub(super) matching: Option<usize>,
    /// Whether links lack the caller's filters.
    pub(super) drops_parameters: bool,
    /// Every how many rows one is hidden.
    pub(super) hides_every: Option<usize>,
    /// Fields to omit: from all pages, or from the one with this number.
    pub(super) without: Vec<(String, Option<usize>)>,
    /// Fields to set on all pages.
    pub(super) stating: Vec<(String, Value)>,
}

impl MockList {
    /// Creates a list with this many rows.
    pub fn new(rows: usize) -> Self {
        Self {
            rows,
            page_size: 25,
            matching: None,
            drops_parameters: false,
            hides_every: None,
            without: Vec::new(),
            stating: Vec::new(),
        }
    }

    /// Sets the page size for requests that name none.
    ///
    /// # Default
    ///
    /// 25.
    #[must_use]
    pub fn with_page_size(mut self, rows: usize) -> Self {
        // A page without rows would never reach the end.
        self.page_size = rows.max(1);
        self
    }

    /// Sets how many rows match a request with filters. Each parameter that
    /// does not select a page counts as a filter.
    #[must_use]
    pub fn with_matching(mut self, rows: usize) -> Self {
        self.matching = Some(rows);
        self
    }

    /// Drops the caller's filters from the list's links.
    #[must_use]
    pub fn with_dropped_parameters(mut self) -> Self {
        self.drops_parameters = true;
        self
    }

    /// Hides each row whose ordinal is a multiple of `nth` from the client.
    /// Totals still count it.
    #[must_use]
    pub fn with_hidden_rows(mut self, nth: usize) -> Self {
        self.hides_every = Some(nth.max(1));
        self
    }

    /// Omits a field from every page.
    #[must_use]
    pub fn without(mut self, field: impl Into<String>) -> Self {
        self.without.push((field.into(), None));
        self
    }

    /// Omits a field from the page with this number; the first page is 1.
    #[must_use]
    pub fn without_on(mut self, field: impl Into<String>, page: usize) -> Self {
        self.without.push((field.into(), Some(page)));
        self
    }

    /// Sets a top-level field of every page to this value.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.stating.push((field.into(), value.into()));
        self
    }
}
