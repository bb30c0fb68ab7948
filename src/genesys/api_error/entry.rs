use serde_json::{Map, Value};

use super::text::text;

/// The limit that a 429 is about.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tower_genesys::ApiError;
///
/// let body = br#"{"code": "too.many.requests.retry.after",
///     "limit": {"key": "user.rate.per.minute", "namespace": "directory", "value": 180}}"#;
/// let error = ApiError::parse(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), body);
/// let limit = error.limit().expect("it names one");
/// assert_eq!((limit.namespace(), limit.value()), (Some("directory"), Some(180)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub(super) key: Option<Box<str>>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) value: Option<u64>,
}

impl RateLimit {
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

    /// Its name, such as `user.rate.per.minute`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The part of the API that it belongs to, such as `directory`.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// How much it allows, in the unit that the [`key`](Self::key) names.
    pub fn value(&self) -> Option<u64> {
        self.value
    }
}

/// What is wrong with one field or entity of a request.
///
/// There is an example in the [module docs](crate::genesys::api_error).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    error_code: Option<Box<str>>,
    field_name: Option<Box<str>>,
    entity_id: Option<Box<str>>,
    entity_name: Option<Box<str>>,
}

impl ErrorDetail {
    pub(super) fn from_json(detail: &Map<String, Value>) -> Self {
        let field = |name| detail.get(name).and_then(text);
        Self {
            error_code: field("errorCode"),
            field_name: field("fieldName"),
            entity_id: field("entityId"),
            entity_name: field("entityName"),
        }
    }

    /// What is wrong with it.
    pub fn error_code(&self) -> Option<&str> {
        self.error_code.as_deref()
    }

    /// The field of the request.
    pub fn field_name(&self) -> Option<&str> {
        self.field_name.as_deref()
    }

    /// The id of the entity.
    pub fn entity_id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }

    /// The name of the entity.
    pub fn entity_name(&self) -> Option<&str> {
        self.entity_name.as_deref()
    }
}

fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
