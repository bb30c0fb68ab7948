//! A request to one of the mock's endpoints, and how they read it.

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use crate::testing::{reply::Reply, tokens::Token};

/// One request with a valid token.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// Without the question mark.
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) token: Token,
}

impl Call<'_> {
    /// Returns the body, which must be a JSON object. No body counts as an
    /// empty object.
    pub(super) fn json(&self) -> Result<Value, Reply> {
        let content_type = self.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.map(|value| value.to_str().unwrap_or(""));
        let essence = |value: &str| value.split(';').next().unwrap_or("").trim().to_lowercase();
        // A missing type is accepted: not every client sends one.
        if content_type.is_some_and(|value| essence(value) != "application/json") {
            let message = "The content type must be application/json.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Reply::api_error(status, "unsupported.media.type", message));
        }
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        match serde_json::from_slice(self.body) {
            Ok(body @ Value::Object(_)) => Ok(body),
            _ => Err(Reply::bad_request("The request body is not a JSON object.")),
        }
    }

    /// Returns a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut query = form_urlencoded::parse(self.query.as_bytes());
        let found = query.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Returns the values of a parameter that may be repeated or contain a list
    /// with commas.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let query = form_urlencoded::parse(self.query.as_bytes());
        let found = query.filter(|(key, _)| key == name);
        let values =
            found.flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>());
        values.filter(|value| !value.is_empty()).collect()
    }

    /// Returns the query without these parameters, ready for more after an `&`.
    pub(super) fn query_without(&self, names: &[&str]) -> String {
        let mut rest = form_urlencoded::Serializer::new(String::new());
        let query = form_urlencoded::parse(self.query.as_bytes());
        rest.extend_pairs(query.filter(|(key, _)| !names.contains(&&**key)));
        match rest.finish() {
            rest if rest.is_empty() => rest,
            rest => format!("&{rest}"),
        }
    }

    /// Returns a number of the query, within these bounds.
    pub(super) fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Reply> {
        match self.parameter(name).map(|text| text.parse()) {
            None => Ok(default),
            Some(Ok(number)) if (1..=max).contains(&number) => Ok(number),
            Some(_) => Err(out_of_range(name, max)),
        }
    }
}

/// Returns the 400 for a number out of its bounds.
pub(super) fn out_of_range(name: &str, max: usize) -> Reply {
    Reply::bad_request(&format!("{name} must be a number from 1 to {max}."))
}

/// Returns the items of a page; the first page is 1.
pub(super) fn page<T>(items: &[T], size: usize, number: usize) -> &[T] {
    let begin = number.saturating_sub(1).saturating_mul(size);
    let begin = begin.min(items.len());
    let end = begin.saturating_add(size).min(items.len());
    &items[begin..end]
}
