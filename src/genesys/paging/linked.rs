use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    Checkpoint, Page, PageError, PageErrorKind, PagedRequest,
    body::Body,
    checkpoint::Position,
    fetch::{self, Ask},
    link, numbered,
    walk::{Step, Trail, in_circles, not_shrunk},
};

/// Pages of which each names the next.
pub(super) struct Linked {
    request: Arc<PagedRequest>,
    here: Checkpoint,
    /// Where the next one is.
    path: String,
    total: Option<u64>,
    /// How many rows have come since the first page.
    rows: u64,
    /// The number of the page before.
    page: Option<u64>,
    trail: Trail,
    /// How many have come of this stream.
    pages: u64,
}

impl Linked {
    pub(super) fn new(request: Arc<PagedRequest>, from: Checkpoint) -> Self {
        let size = request.settings.page_size;
        let size = size.map(|size| ("pageSize", size.to_string()));
        let first = fetch::with_query(&request.path, size);
        let mut trail = Trail::default();
        trail.is_new(&first);
        let (path, total, rows, page) = match &from.position {
            Position::Link {
                path,
                total,
                rows,
                page,
            } => (path.clone(), *total, *rows, *page),
            _ => (first, None, 0, None),
        };
        trail.is_new(&path);
        Self {
            total: request.settings.heeded(total),
            request,
            here: from,
            path,
            rows,
            page,
            trail,
            pages: 0,
        }
    }

    pub(super) async fn step<T: DeserializeOwned>(&mut self) -> Result<Step<T>, PageError> {
        let page = self.fetch().await;
        page.map(Step::Page).map_err(|error| {
            let number = self.pages + 1;
            let path = numbered::path(&self.request);
            error.at(
                || format!("page {number} from where GET {path} began"),
                &self.here,
            )
        })
    }

    async fn fetch<T: DeserializeOwned>(&mut self) -> Result<Page<T>, PageError> {
        // A checkpoint may have been in other hands.
        let path = link::resolve(&self.request.pager.org, &self.path)?;
        let fetched = fetch::page::<T>(Arc::clone(&self.request), Ask::get(path)).await?;
        let id = fetched.correlation_id.clone();
        let next = self
            .next(&fetched.body)
            .map_err(|error| error.with_correlation_id(id))?;
        let position = match next {
            None => Position::End,
            Some(path) => {
                self.path.clone_from(&path);
                Position::Link {
                    path,
                    total: self.total,
                    rows: self.rows,
                    page: self.page,
                }
            }
        };
        self.pages += 1;
        self.here = Checkpoint::new(&self.here.request, position);
        Ok(Page::new(fetched.body.items, self.total, self.here.clone()))
    }

    /// Takes note of a page, and says where it leads to.
    fn next<T>(&mut self, body: &Body<T>) -> Result<Option<String>, PageError> {
        self.total = not_shrunk(self.total, body.total)?;
        let rows = body.items.len();
        self.rows = self.rows.saturating_add(rows as u64);
        // The trail ends where a stream was resumed; numbers do not.
        let back = |number: u64| self.page.is_some_and(|before| number < before);
        if body.page_number.is_some_and(back) {
            return Err(in_circles());
        }
        self.page = body.page_number.or(self.page);
        let Some(uri) = &body.next_uri else {
            self.check_end(body)?;
            return Ok(None);
        };
        let path = link::resolve(&self.request.pager.org, uri)?;
        self.trail.count(rows)?;
        if !self.trail.is_new(&path) {
            return Err(in_circles());
        }
        Ok(Some(path))
    }

    /// Whether a page that names no next one may be the last.
    ///
    /// Its number is the better witness: where rows are left out that somebody may not see, the
    /// total counts them all the same.
    fn check_end<T>(&self, body: &Body<T>) -> Result<(), PageError> {
        let rows = self.rows;
        match (body.page_number.zip(body.page_count), self.total) {
            (Some((number, count)), _) if number < count => Err(incomplete(format!(
                "the page is number {number} of {count}, and names no next one; ask for lists that \
                 only count their pages by `Pager::numbered`; otherwise try again from the checkpoint, \
                 and if that brings the same, start afresh"
            ))),
            (None, Some(total)) if rows < total => Err(incomplete(format!(
                "{rows} rows have come of {total}, and the page names no next one; try again from the \
                 checkpoint, and if that brings the same, start afresh; if the total is known to be an \
                 estimate, or the path begins in the middle, go on with `PagedRequest::without_total`"
            ))),
            _ => Ok(()),
        }
    }
}

fn incomplete(message: String) -> PageError {
    PageError::new(PageErrorKind::Incomplete, message)
}
