//! Checks a request before the first page, and fixes what stays the same for
//! all pages: the way of paging, the field of the rows, the page size, the
//! first place. Every error here means that nothing was sent.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::Method;
use serde_json::Value;

use super::{
    PageError, PageErrorKind, Paging,
    checkpoint::Place,
    exchange::{Bounds, Target},
    query,
    way::{By, Name, Where},
};
use crate::{
    call::CallOptions,
    genesys::{Effect, Operation, api_error::Shown},
};

const MIB: usize = 1024 * 1024;
/// How much of a path an error shows, in characters.
const MOST_PATH: usize = 200;

/// A request that can be sent, and whose way of paging is known.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    pub(super) method: Method,
    /// The caller's path and query, relative to the base URL of the API.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) paging: Paging,
    /// The field of the rows: the caller's, or the one of the way of paging.
    pub(super) rows: Name,
    pub(super) settings: Settings,
    /// The place of the first page: the number that the caller's request begins
    /// with, or the request itself.
    pub(super) first: Place,
}

/// What a caller can set on a [`PagedRequest`](super::PagedRequest).
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The field of the rows, if the caller names it.
    pub(super) rows: Option<Name>,
    /// The page size from `with_page_size`.
    pub(super) page_size: Option<u32>,
    /// The page size that requests carry: `page_size`, or the one in the
    /// caller's request, or 100 for details queries. Set by [`Plan::new`].
    pub(super) asked_size: Option<u64>,
    /// How many pages to request beyond the current one.
    pub(super) read_ahead: usize,
    pub(super) bounds: Bounds,
    /// The largest total that a details query can return in full.
    pub(super) max_rows: u64,
    /// False after `without_total`.
    pub(super) heeds_total: bool,
    pub(super) poll_interval: Duration,
    pub(super) job_timeout: Duration,
    pub(super) options: CallOptions,
}

impl Plan {
    pub(super) fn new(
        target: Target,
        (method, path): (Method, String),
        body: Option<Result<Value, Arc<serde_json::Error>>>,
        described: Option<Paging>,
        settings: Settings,
    ) -> Result<Self, PageError> {
        target.org.api(&path)?;
        if query::without(&path).contains(['{', '}']) {
            return Err(invalid(
                "the path still has a placeholder in braces; put the id in its place",
            ));
        }
        let body = body.transpose().map_err(|error| {
            let message = "the body cannot be serialized to JSON; the source says why";
            invalid(message).because(error)
        })?;
        // The caller's description wins: the table may be older than the API.
        let paging = match described {
            Some(paging) => paging,
            None => known(&method, &path)?,
        };
        let rows = settings.rows.clone().or_else(|| paging.rows.clone());
        let rows = rows.ok_or_else(|| {
            PageError::new(
                PageErrorKind::NoPaging,
                "the API definition does not say which field of this operation's pages has the \
                 rows; name it with `PagedRequest::with_rows`",
            )
        })?;
        let plan = Self {
            target,
            method,
            path,
            body,
            rows,
            settings,
            first: Place::First,
            paging,
        };
        plan.check()?;
        plan.started()
    }

    /// Refuses what the way of paging cannot do.
    fn check(&self) -> Result<(), PageError> {
        let in_body = self.paging.place != Where::Query;
        let is_object = self.body.as_ref().is_some_and(Value::is_object);
        // Parameters of pages are set in an object, and a job starts with one.
        if (in_body || self.paging.job.is_some()) && !is_object {
            return Err(invalid(
                "the way of paging needs a request body that is a JSON object; use \
                 `Pager::post` with one",
            ));
        }
        if self.settings.page_size == Some(0) {
            return Err(invalid(
                "the page size is 0; set `with_page_size` to 1 or more",
            ));
        }
        if self.paging.job.is_some() && self.path.contains('?') {
            return Err(invalid(
                "the path that starts the job has a query, and the job's own paths are appended \
                 to it; remove the query",
            ));
        }
        Ok(())
    }

    /// Reads from the caller's request where it begins, and its page size.
    fn started(mut self) -> Result<Self, PageError> {
        if let Some(size) = self.paging.size.clone() {
            let own = self.value(&size);
            // 100 rows are the API's maximum for details queries, whose own
            // default of 25 would take four times as many requests.
            let full = self.paging.full_pages.then_some(100);
            let size = self.settings.page_size.map(u64::from);
            self.settings.asked_size = size.or(positive(&size_name(&self.paging), own)?).or(full);
        }
        if let By::Number(name) | By::Index(name) = self.paging.by.clone() {
            let begin = positive(&name, self.value(&name))?;
            self.first = Place::Number(begin.unwrap_or(1));
        }
        Ok(self)
    }

    /// Returns the value of a parameter in the caller's request. An object that
    /// the pager replaces for each page does not count.
    fn value(&self, name: &str) -> Option<Value> {
        match self.paging.place {
            Where::Query => query::value(&self.path, name).map(|text| text.into_owned().into()),
            Where::Body => self.body.as_ref()?.get(name).cloned(),
            Where::Object(_) => None,
        }
    }

    /// Returns how many rows come before the first page, as far as that is
    /// known. The total counts them too.
    pub(super) fn skipped(&self, size: u64) -> u64 {
        match (&self.paging.by, &self.first) {
            (By::Index(_), Place::Number(first)) => first.saturating_sub(1),
            (By::Number(_), Place::Number(first)) => first.saturating_sub(1).saturating_mul(size),
            _ => 0,
        }
    }
}

impl Settings {
    /// Returns the defaults, as documented on
    /// [`PagedRequest`](super::PagedRequest).
    pub(super) fn new() -> Self {
        Self {
            rows: None,
            page_size: None,
            asked_size: None,
            read_ahead: 0,
            bounds: Bounds {
                // A conversation in detail may have 500 KiB, and a page 100 of
                // them.
                bytes: 64 * MIB,
                time: Duration::from_secs(300),
            },
            max_rows: 100_000,
            heeds_total: true,
            poll_interval: Duration::from_secs(2),
            job_timeout: Duration::from_secs(3600),
            options: CallOptions::new(),
        }
    }

    /// Returns the total of a page or a checkpoint, unless totals are ignored.
    pub(super) fn heeded<T>(&self, total: Option<T>) -> Option<T> {
        total.filter(|_| self.heeds_total)
    }
}

/// Returns the name of the page-size parameter, for an error.
fn size_name(paging: &Paging) -> Name {
    paging.size.clone().unwrap_or_default()
}

/// Returns a JSON value as a query has it: a string without quotes.
pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns how the operation pages by the table. The error has the reason: the
/// table may lack the operation, or know that it returns no list.
fn known(method: &Method, path: &str) -> Result<Paging, PageError> {
    let unknown = |what: &str| {
        let message = format!(
            "{what}; if it does return pages, describe them with `PagedRequest::with_paging`"
        );
        PageError::new(PageErrorKind::NoPaging, message)
    };
    let operation = Operation::at(method.as_str(), query::without(path)).ok_or_else(|| {
        let path = Shown::new(query::without(path), MOST_PATH);
        unknown(&format!(
            "the crate's table of the API has no list at `{method} {path}`; check both"
        ))
    })?;
    if let Some(paging) = Paging::of(&operation) {
        return Ok(paging);
    }
    Err(match operation.effect() {
        Some(Effect::Changes) => unknown("the operation changes something and returns no list"),
        Some(Effect::StartsWork) => {
            unknown("the operation starts work whose results are not pages")
        }
        _ => unknown("by the API definition, the operation returns no list"),
    })
}

/// Reads a number that the caller has put into the request. `null` counts as
/// absent.
fn positive(name: &str, value: Option<Value>) -> Result<Option<u64>, PageError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    match text(&value).parse() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(invalid(format!(
            "`{name}` in the request is not a number from 1 on; correct or remove it"
        ))),
    }
}

/// Returns the error for a request that the caller must correct.
fn invalid(why: impl Into<Cow<'static, str>>) -> PageError {
    PageError::new(PageErrorKind::Request, why)
}
