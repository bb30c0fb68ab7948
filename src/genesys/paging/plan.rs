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
    genesys::{Effect, Operation},
};

const MIB: usize = 1024 * 1024;

/// A request whose way to page is known, and which is fit to be sent.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    pub(super) method: Method,
    /// Behind the base of the API, without the parameters that are set for each
    /// page.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) paging: Paging,
    pub(super) rows: Name,
    pub(super) settings: Settings,
    /// What the first page is asked for by.
    pub(super) first: Place,
}

/// What a caller can set of a request for pages.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) rows: Option<Name>,
    /// The page size that the caller has set.
    pub(super) page_size: Option<u32>,
    /// The page size that is asked for: that one, or the one in the request.
    pub(super) asked_size: Option<u64>,
    pub(super) read_ahead: usize,
    pub(super) bounds: Bounds,
    pub(super) max_rows: u64,
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
            return Err(invalid("the path has an id in braces; put the id there"));
        }
        let body = body.transpose().map_err(|error| {
            let message = "the body cannot be made JSON";
            invalid(message).because(error)
        })?;
        let paging = match described {
            Some(paging) => paging,
            None => known(&method, &path)?,
        };
        let rows = settings.rows.clone().or_else(|| paging.rows.clone());
        let rows = rows.ok_or_else(|| {
            PageError::new(
                PageErrorKind::NoPaging,
                "the API definition does not say which field of this operation's pages has the rows; \
                 name it by `PagedRequest::with_rows`",
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

    fn check(&self) -> Result<(), PageError> {
        let in_body = self.paging.place != Where::Query;
        let is_object = self.body.as_ref().is_some_and(Value::is_object);
        if (in_body || self.paging.job.is_some()) && !is_object {
            return Err(invalid(
                "the body has to be a JSON object, and the method POST",
            ));
        }
        if self.settings.page_size == Some(0) {
            return Err(invalid("a page has to hold at least one row"));
        }
        if self.paging.job.is_some() && self.path.contains('?') {
            return Err(invalid(
                "the path of a job has no query: the job's own paths are put behind it",
            ));
        }
        Ok(())
    }

    /// Takes from the request where it begins, and the size of its pages.
    fn started(mut self) -> Result<Self, PageError> {
        if let Some(size) = self.paging.size.clone() {
            let own = self.value(&size);
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

    /// What the request says of a parameter by itself. An object that is set
    /// for each page counts for nothing.
    fn value(&self, name: &str) -> Option<Value> {
        match self.paging.place {
            Where::Query => query::value(&self.path, name).map(|text| text.into_owned().into()),
            Where::Body => self.body.as_ref()?.get(name).cloned(),
            Where::Object(_) => None,
        }
    }

    /// How many rows were skipped by where the request begins, if that can be
    /// told.
    pub(super) fn skipped(&self, size: u64) -> u64 {
        match (&self.paging.by, &self.first) {
            (By::Index(_), Place::Number(first)) => first.saturating_sub(1),
            (By::Number(_), Place::Number(first)) => first.saturating_sub(1).saturating_mul(size),
            _ => 0,
        }
    }
}

impl Settings {
    pub(super) fn new() -> Self {
        Self {
            rows: None,
            page_size: None,
            asked_size: None,
            read_ahead: 0,
            bounds: Bounds {
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

    /// The total of a page or a checkpoint, if totals are believed.
    pub(super) fn heeded<T>(&self, total: Option<T>) -> Option<T> {
        total.filter(|_| self.heeds_total)
    }
}

fn size_name(paging: &Paging) -> Name {
    paging.size.clone().unwrap_or_default()
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The way of the table.
fn known(method: &Method, path: &str) -> Result<Paging, PageError> {
    let unknown = |what: &str| {
        let message = format!(
            "{what}; if it has pages, say how they are asked for by `PagedRequest::with_paging`"
        );
        PageError::new(PageErrorKind::NoPaging, message)
    };
    let operation = Operation::at(method.as_str(), query::without(path)).ok_or_else(|| {
        unknown("the crate's table of lists has no operation of this method and path")
    })?;
    if let Some(paging) = Paging::of(&operation) {
        return Ok(paging);
    }
    Err(match operation.effect() {
        Some(Effect::Changes) => {
            unknown("the operation changes something, and answers with no list")
        }
        Some(Effect::StartsWork) => unknown("the operation starts work whose results are no pages"),
        _ => unknown("the operation answers with no list by the API definition"),
    })
}

/// A number that the caller has put into the request.
fn positive(name: &str, value: Option<Value>) -> Result<Option<u64>, PageError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    match text(&value).parse() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(invalid(format!(
            "`{name}` in the request has to be a number from 1 on"
        ))),
    }
}

fn invalid(why: impl Into<Cow<'static, str>>) -> PageError {
    PageError::new(PageErrorKind::Request, why)
}
