use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesOrdered};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    Checkpoint, Page, PageError, PageErrorKind, PagedRequest,
    ahead::{self, Fetch},
    checkpoint::Position,
    fetch::{self, Ask, Fetched},
    request::Way,
    walk::{Step, not_shrunk},
};

/// Pages by their number, in the body of a POST or in the query of a GET.
pub(super) struct Numbered<T> {
    request: Arc<PagedRequest>,
    /// Before the page that comes next.
    here: Checkpoint,
    /// The number of that page.
    number: u64,
    total: Option<u64>,
    rows: u64,
    /// The number of the last page, as far as it is known.
    last: Option<u64>,
    previous: Option<[u8; 32]>,
    /// The page of this number and those after it, as they were asked for.
    flying: FuturesOrdered<Fetch<T>>,
}

impl<T: DeserializeOwned + Send + 'static> Numbered<T> {
    pub(super) fn new(request: Arc<PagedRequest>, from: Checkpoint) -> Self {
        let (number, total, rows) = match from.position {
            Position::Number { next, total, rows } => (next, total, rows),
            _ => (1, None, 0),
        };
        Self {
            here: from,
            number,
            total: request.settings.heeded(total),
            request,
            rows,
            last: None,
            previous: None,
            flying: FuturesOrdered::new(),
        }
    }

    pub(super) async fn step(&mut self) -> Result<Step<T>, PageError> {
        self.ask();
        let fetched = match self.flying.next().await {
            Some(fetched) => fetched,
            None => return Ok(Step::End),
        };
        let page = fetched.and_then(|fetched| self.take(fetched));
        page.map(Step::Page).map_err(|error| {
            let place = || {
                let method = if self.request.way == Way::Query {
                    "POST"
                } else {
                    "GET"
                };
                format!("page {} of {method} {}", self.number, path(&self.request))
            };
            error.at(place, &self.here)
        })
    }

    /// Asks for the next page, and for those after it that are known to exist.
    fn ask(&mut self) {
        let ahead = self.request.settings.read_ahead;
        loop {
            let number = self.number.saturating_add(self.flying.len() as u64);
            let known = self.last.is_some_and(|last| number <= last);
            if !self.flying.is_empty() && (self.flying.len() > ahead || !known) {
                return;
            }
            let ask = ask(&self.request, number);
            self.flying.push_back(match self.flying.is_empty() {
                true => Box::pin(fetch::page(Arc::clone(&self.request), ask)),
                false => ahead::page(&self.request, ask),
            });
        }
    }

    fn take(&mut self, fetched: Fetched<T>) -> Result<Page<T>, PageError> {
        let id = fetched.correlation_id.clone();
        self.check(&fetched)
            .map_err(|error| error.with_correlation_id(id))?;
        let items = fetched.body.items;
        self.rows = self.rows.saturating_add(items.len() as u64);
        let ended = match (self.last, self.total) {
            (Some(last), _) => self.number >= last,
            (None, Some(total)) => self.rows >= total,
            (None, None) => items.is_empty(),
        };
        self.previous = Some(fetched.digest);
        self.number = self.number.saturating_add(1);
        let position = if ended {
            Position::End
        } else {
            Position::Number {
                next: self.number,
                total: self.total,
                rows: self.rows,
            }
        };
        self.here = Checkpoint::new(&self.here.request, position);
        Ok(Page::new(items, self.total, self.here.clone()))
    }

    /// Whether it is the page that was asked for, with the rows that belong there.
    fn check(&mut self, fetched: &Fetched<T>) -> Result<(), PageError> {
        let body = &fetched.body;
        let rows = body.items.len() as u64;
        self.total = not_shrunk(self.total, body.total)?;
        let size = self.request.settings.page_size.map_or(100, u64::from);
        if self.request.way == Way::Query {
            self.last = self.total.map(|total| total.div_ceil(size));
        } else {
            self.last = body.page_count;
        }
        let most = self.request.settings.max_rows;
        if let Some(total) = self
            .total
            .filter(|total| self.request.way == Way::Query && *total > most)
        {
            return Err(too_many(total, most));
        }
        let another = body.page_number.is_some_and(|number| number != self.number);
        if another || rows > 0 && self.previous == Some(fetched.digest) {
            let message = "the answer is another page than the one that was asked for; the API is \
                           out of order: try again later, from the checkpoint";
            return Err(PageError::new(PageErrorKind::Loop, message));
        }
        let before = self.number.saturating_sub(1).saturating_mul(size);
        let expected = match (self.request.way, self.total, self.last) {
            (Way::Query, Some(total), _) => total.saturating_sub(before).min(size),
            (_, _, Some(last)) => u64::from(self.number <= last),
            (_, Some(total), None) => u64::from(self.rows < total),
            (_, None, None) => 0,
        };
        if rows < expected {
            return Err(incomplete(rows, self.total));
        }
        Ok(())
    }
}

fn ask(request: &PagedRequest, number: u64) -> Ask {
    let size = request.settings.page_size;
    if request.way == Way::Query {
        let mut body = request.body.clone().unwrap_or_default();
        body["paging"] = json!({ "pageSize": size, "pageNumber": number });
        return Ask::post(request.path.clone(), &body);
    }
    let size = size.map(|size| ("pageSize", size.to_string()));
    let number = ("pageNumber", number.to_string());
    Ask::get(fetch::with_query(
        &request.path,
        size.into_iter().chain([number]),
    ))
}

/// Without its query, which may hold what somebody looks for.
pub(super) fn path(request: &PagedRequest) -> &str {
    request.path.split('?').next().unwrap_or_default()
}

fn incomplete(rows: u64, total: Option<u64>) -> PageError {
    let of = total.map_or(String::new(), |total| format!(", of {total} in all"));
    let message = format!(
        "the page holds only {rows} rows though more are left{of}; try again from the checkpoint, \
         and if that brings the same, start afresh"
    );
    PageError::new(PageErrorKind::Incomplete, message)
}

fn too_many(total: u64, most: u64) -> PageError {
    let message = format!(
        "{total} rows match, and the API gives the first {most} only; ask for a shorter interval, or \
         use a job"
    );
    PageError::new(PageErrorKind::TooManyRows, message)
}
