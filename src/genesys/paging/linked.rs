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
    trail: Trail,
    /// How many have come of this stream.
    pages: u64,
}

impl Linked {
    pub(super) fn new(request: Arc<PagedRequest>, from: Checkpoint) -> Self {
        let (path, total) = match &from.position {
            Position::Link { path, total } => (path.clone(), *total),
            _ => {
                let size = request.settings.page_size;
                let size = size.map(|size| ("pageSize", size.to_string()));
                (fetch::with_query(&request.path, size), None)
            }
        };
        let mut trail = Trail::default();
        trail.is_new(&path);
        Self {
            request,
            here: from,
            path,
            total,
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
                }
            }
        };
        self.pages += 1;
        self.here = Checkpoint::new(&self.here.request, position);
        Ok(Page::new(fetched.body.items, self.total, self.here.clone()))
    }

    fn next<T>(&mut self, body: &Body<T>) -> Result<Option<String>, PageError> {
        let total = not_shrunk(self.total, body.total)?;
        let next = match &body.next_uri {
            Some(uri) => Some(link::resolve(&self.request.pager.org, uri)?),
            None => None,
        };
        match &next {
            Some(path) => {
                self.trail.count(body.items.len())?;
                if !self.trail.is_new(path) {
                    return Err(in_circles());
                }
            }
            None => {
                let last = body.page_number.zip(body.page_count);
                if last.is_some_and(|(number, count)| number < count) {
                    return Err(no_next(last));
                }
            }
        }
        self.total = total;
        Ok(next)
    }
}

fn no_next(last: Option<(u64, u64)>) -> PageError {
    let (number, count) = last.unwrap_or_default();
    let message = format!(
        "the page is number {number} of {count}, and names no next one; try again from the \
         checkpoint, and if that brings the same, start afresh"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}
