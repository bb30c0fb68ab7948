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

/// One request of a stream.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Behind the base of the API.
    pub(super) path: String,
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
