use serde_json::Value;

/// A list for [`MockGenesys::add_list`](super::super::MockGenesys::add_list): how many rows it has,
/// and what is odd about its pages. Its rows are `{"id": "r0"}`, `{"id": "r1"}` and so on.
///
/// ```
/// use tower_genesys::testing::MockList;
///
/// // Its links forget the caller's filter, which 155 of its 260 rows match.
/// let flows = MockList::new(260).with_page_size(50).with_matching(155).with_dropped_parameters();
/// # let _ = flows;
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
    /// A list of so many rows.
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

    /// Sets the size of a page where the request does not say one.
    ///
    /// # Default
    ///
    /// 25.
    #[must_use]
    pub fn with_page_size(mut self, rows: usize) -> Self {
        self.page_size = rows.max(1);
        self
    }

    /// Sets how many rows match the filters of a request that has any: every parameter that does
    /// not page counts as one.
    #[must_use]
    pub fn with_matching(mut self, rows: usize) -> Self {
        self.matching = Some(rows);
        self
    }

    /// Leaves the caller's filters out of its links.
    #[must_use]
    pub fn with_dropped_parameters(mut self) -> Self {
        self.drops_parameters = true;
        self
    }

    /// Hides every row of this ordinal from the client, though totals count it.
    #[must_use]
    pub fn with_hidden_rows(mut self, nth: usize) -> Self {
        self.hides_every = Some(nth.max(1));
        self
    }

    /// Leaves a field out of every page.
    #[must_use]
    pub fn without(mut self, field: impl Into<String>) -> Self {
        self.without.push((field.into(), None));
        self
    }

    /// Leaves a field out of the page of this number, the first being 1.
    #[must_use]
    pub fn without_on(mut self, field: impl Into<String>, page: usize) -> Self {
        self.without.push((field.into(), Some(page)));
        self
    }

    /// Has every page state this value in a field at its top.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.stating.push((field.into(), value.into()));
        self
    }
}
