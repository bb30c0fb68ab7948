use std::{borrow::Cow, sync::Arc};

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    PageError, PageErrorKind, Paging,
    checkpoint::Place,
    description::{By, Name, Place as Where},
    exchange::{Ask, Target},
    link, query,
    settings::Settings,
};
use crate::genesys::{Effect, Operation};

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

    /// The request that starts the job of this page, or of all pages.
    pub(super) fn start_of_job(&self, place: &Place) -> Ask {
        let is_per_page = self.paging.job.as_ref().is_some_and(|job| job.per_page);
        let body = match is_per_page {
            true => self.body_at(place),
            false => self.body.clone(),
        };
        Ask::post(self.path.clone(), &body.unwrap_or_default())
    }

    /// The request for a page, by the path of the results where a job has them.
    pub(super) fn ask(&self, results: Option<&str>, place: &Place) -> Result<Ask, PageError> {
        let base = results.unwrap_or(&self.path);
        let is_get = results.is_some() || self.method == Method::GET;
        let by_job = self.paging.job.as_ref().is_some_and(|job| job.per_page);
        let path = match (place, &self.paging.place) {
            (Place::Link(link), _) => self.link(base, is_get, link)?,
            (_, Where::Query) => {
                let parameters = self.parameters(place).into_iter();
                let texts: Vec<_> = parameters
                    .map(|(name, value)| (name, text(&value)))
                    .collect();
                query::with(
                    base,
                    texts.iter().map(|(name, value)| (&**name, value.clone())),
                )
            }
            _ => base.to_owned(),
        };
        if is_get {
            return Ok(Ask::get(path));
        }
        let body = if by_job { None } else { self.body_at(place) };
        Ok(Ask::send(
            self.method.clone(),
            path,
            &body.unwrap_or_default(),
        ))
    }

    fn link(&self, base: &str, is_get: bool, link: &str) -> Result<String, PageError> {
        let asked = link::Asked {
            org: &self.target.org,
            method: if is_get { "GET" } else { self.method.as_str() },
            path: base,
            verbatim: matches!(self.paging.by, By::Verbatim(_)),
        };
        link::resolve(&asked, link)
    }

    fn parameters(&self, place: &Place) -> Vec<(Name, Value)> {
        let size = self.settings.asked_size;
        let size = self.paging.size.clone().zip(size.map(Value::from));
        let own = match (&self.paging.by, place) {
            (By::Number(name) | By::Index(name), Place::Number(number)) => {
                Some((name.clone(), json!(number)))
            }
            (By::Token(name, _) | By::LastRow(name), Place::Token(token)) => {
                Some((name.clone(), json!(token)))
            }
            _ => None,
        };
        size.into_iter().chain(own).collect()
    }

    fn body_at(&self, place: &Place) -> Option<Value> {
        let mut body = self.body.clone()?;
        let parameters = self.parameters(place).into_iter();
        let parameters = parameters.map(|(name, value)| (name.into_owned(), value));
        match &self.paging.place {
            Where::Query => {}
            Where::Body => body.as_object_mut()?.extend(parameters),
            Where::Object(name) => {
                body[&**name] = Value::Object(parameters.collect::<Map<_, _>>());
            }
        }
        Some(body)
    }
}

fn size_name(paging: &Paging) -> Name {
    paging.size.clone().unwrap_or_default()
}

fn text(value: &Value) -> String {
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
