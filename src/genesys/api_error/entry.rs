//! The entries of an error body that have a type: a limit, and the fault of one
//! field.

use serde_json::{Map, Value};

use super::text::text;

/// The limit that a 429 reports as exceeded.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tower_genesys::ApiError;
///
/// let body = br#"{"code": "too.many.requests.retry.after",
///     "limit": {"key": "user.rate.per.minute", "namespace": "directory",
///               "value": 180}}"#;
/// let status = StatusCode::TOO_MANY_REQUESTS;
/// let error = ApiError::parse(status, &HeaderMap::new(), body);
/// let limit = error.limit().expect("it names one");
/// assert_eq!(limit.namespace(), Some("directory"));
/// assert_eq!(limit.value(), Some(180));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub(super) key: Option<Box<str>>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) value: Option<u64>,
}

impl RateLimit {
    /// Reads the field `limit`. Returns `None` if it has no known part.
    pub(super) fn from_json(limit: &Value) -> Option<Self> {
        let limit = Self {
            key: text(&limit["key"]),
            namespace: text(&limit["namespace"]),
            value: number(&limit["value"]),
        };
        let says_something =
            limit.key.is_some() || limit.namespace.is_some() || limit.value.is_some();
        says_something.then_some(limit)
    }

    /// Returns the name, such as `user.rate.per.minute`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the part of the API that has the limit, such as `directory`.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns how much the limit allows, in the unit that the
    /// [`key`](Self::key) names.
    pub fn value(&self) -> Option<u64> {
        self.value
    }
}

/// The fault of one field or entity of a request.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tower_genesys::ApiError;
///
/// let body = br#"{"code": "bad.request", "details": [
///     {"errorCode": "invalid.email", "fieldName": "email"}]}"#;
/// let status = StatusCode::BAD_REQUEST;
/// let error = ApiError::parse(status, &HeaderMap::new(), body);
/// let detail = &error.details()[0];
/// assert_eq!(detail.field_name(), Some("email"));
/// assert_eq!(detail.error_code(), Some("invalid.email"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    error_code: Option<Box<str>>,
    field_name: Option<Box<str>>,
    entity_id: Option<Box<str>>,
    entity_name: Option<Box<str>>,
}

impl ErrorDetail {
    /// Reads an entry of `details`. Unknown fields are ignored.
    pub(super) fn from_json(detail: &Map<String, Value>) -> Self {
        let field = |name| detail.get(name).and_then(text);
        Self {
            error_code: field("errorCode"),
            field_name: field("fieldName"),
            entity_id: field("entityId"),
            entity_name: field("entityName"),
        }
    }

    /// Returns the error code or the description of the fault.
    pub fn error_code(&self) -> Option<&str> {
        self.error_code.as_deref()
    }

    /// Returns the field of the request.
    pub fn field_name(&self) -> Option<&str> {
        self.field_name.as_deref()
    }

    /// Returns the id of the entity.
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// Returns the name of the entity.
    pub fn entity_name(&self) -> Option<&str> {
        self.entity_name.as_deref()
    }
}

/// Reads a number, which some services send as a text.
fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
