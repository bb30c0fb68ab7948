use serde_json::Value;

/// A list for [`MockGenesys::add_list`](super::super::MockGenesys::add_list):
/// its number of rows, and the oddities of its pages. Its rows are
/// `{"id": "r0"}`, `{"id": "r1"}`, and so forth.
///
/// ```
/// use tower_genesys::testing::MockList;
///
/// // 155 of its 260 rows match a filter, which its links drop.
/// let flows = MockList::new(260)
///     .with_page_size(50)
///     .with_matching(155)
///     .with_dropped_parameters();
/// # let path = "/api/v2/flows";
/// # let mock = tower_genesys::testing::MockGenesys::new();
/// mock.add_list(http::Method::GET, path, flows);
/// ```
#[derive(Clone, Debug)]
pub struct MockList {
    pub(super) rows: usize,
    pub(super) page_size: usize,
    pub(super) matching: Option<usize>,
    pub(super) drops_parameters: bool,
    pub(super) hides_every: Option<usize>,
    pub(super) without: Vec<(String, Option<usize>)>,
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
