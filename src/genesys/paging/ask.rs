//! The requests of a stream: which method, path and body ask for a page. It is
//! pure: [`Plan`] and a place go in, an [`Ask`] comes out, and `fetch.rs` sends
//! it.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    PageError,
    checkpoint::Place,
    link,
    plan::{Plan, text},
    query,
    way::{By, Name, Where},
};

/// One request of a stream, before it is addressed to an organisation.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// The path and query, relative to the base URL of the API.
    pub(super) path: String,
    /// JSON, or empty for a GET.
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: Bytes::new(),
        }
    }

    pub(super) fn post(path: String, body: &Value) -> Self {
        Self::send(Method::POST, path, body)
    }

    pub(super) fn send(method: Method, path: String, body: &Value) -> Self {
        Self {
            method,
            path,
            body: body.to_string().into(),
        }
    }
}

impl Plan {
    /// Returns the request that starts the job of all pages, or of this page if
    /// each page is a job.
    pub(super) fn start_of_job(&self, place: &Place) -> Ask {
        let is_per_page = self.paging.job.as_ref().is_some_and(|job| job.per_page);
        let body = match is_per_page {
            true => self.body_at(place),
            false => self.body.clone(),
        };
        Ask::post(self.path.clone(), &body.unwrap_or_default())
    }

    /// Returns the request for a page. `results` is the path of a job's
    /// results, which take the place of the caller's path.
    ///
    /// # Errors
    ///
    /// [`PageErrorKind::ForeignLink`](super::PageErrorKind::ForeignLink) for a
    /// link that leads elsewhere.
    pub(super) fn ask(&self, results: Option<&str>, place: &Place) -> Result<Ask, PageError> {
        let base = results.unwrap_or(&self.path);
        // The POST started the job; its results are read by GET.
        let is_get = results.is_some() || self.method == Method::GET;
        let path = match (place, &self.paging.place) {
            // A link has its own query, so the parameters of the way are not
            // added.
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
        let body = self.body_at(place).unwrap_or_default();
        Ok(Ask::send(self.method.clone(), path, &body))
    }

    /// Resolves a link against the request that it came from.
    fn link(&self, base: &str, is_get: bool, link: &str) -> Result<String, PageError> {
        let asked = link::Asked {
            org: &self.target.org,
            method: if is_get { "GET" } else { self.method.as_str() },
            path: base,
            verbatim: matches!(self.paging.by, By::Verbatim(_)),
        };
        link::resolve(&asked, link)
    }

    /// Returns the parameters that the pager sets for this page: its size, and
    /// the place.
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

    /// Returns the caller's body with the parameters of this page, or `None`
    /// without a body.
    fn body_at(&self, place: &Place) -> Option<Value> {
        let mut body = self.body.clone()?;
        let parameters = self.parameters(place).into_iter();
        let parameters = parameters.map(|(name, value)| (name.into_owned(), value));
        match &self.paging.place {
            Where::Query => {}
            Where::Body => body.as_object_mut()?.extend(parameters),
            Where::Object(name) => {
                // The whole object is replaced: a `pageNumber` of the caller's
                // would contradict the pager's.
                body[&**name] = Value::Object(parameters.collect::<Map<_, _>>());
            }
        }
        Some(body)
    }
}
