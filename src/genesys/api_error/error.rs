//! The error itself, and its getters.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::StatusCode;

use super::{
    entry::{ErrorDetail, RateLimit},
    not_sent_again::NotSentAgain,
};

/// An error of the Genesys Cloud API.
///
/// Every field of its body is optional; one of an unexpected JSON type counts
/// as missing. At most 4096 bytes of a text are kept. A clone is cheap. The
/// [module](crate::genesys::api_error) states what `Display` shows, and reads a
/// response.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tower_genesys::ApiError;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", HeaderValue::from_static("42"));
/// let body = br#"{"code": "too.many.requests", "contextId": "8c5a9f1e",
///     "message": "Rate limit exceeded", "entityId": "7"}"#;
///
/// let status = StatusCode::TOO_MANY_REQUESTS;
/// let error = ApiError::parse(status, &headers, body);
/// assert_eq!(error.code(), Some("too.many.requests"));
/// assert_eq!(error.message(), Some("Rate limit exceeded"));
/// assert_eq!(error.context_id(), Some("8c5a9f1e"));
/// assert_eq!(error.entity_id(), Some("7"));
/// assert_eq!(error.retry_after(), Some(Duration::from_secs(42)));
/// assert!(error.to_string().contains("try again in 42 s"), "{error}");
/// ```
#[derive(Clone)]
pub struct ApiError {
    pub(super) inner: Arc<Inner>,
}

/// The facts of an error, behind one pointer: an error travels through many
/// `Result`s.
pub(super) struct Inner {
    pub(super) status: StatusCode,
    pub(super) body: Condition,
    pub(super) code: Option<Box<str>>,
    pub(super) message: Option<Box<str>>,
    pub(super) context_id: Option<Box<str>>,
    pub(super) entity_id: Option<Box<str>>,
    pub(super) entity_name: Option<Box<str>>,
    pub(super) limit: Option<RateLimit>,
    pub(super) missing_permissions: Vec<Box<str>>,
    pub(super) retry_after: Option<Duration>,
    pub(super) details: Vec<ErrorDetail>,
    pub(super) errors: Vec<ApiError>,
    /// Why the layers did not resend the request, if [`read`](ApiError::read)
    /// found their marks.
    pub(super) not_sent_again: Option<NotSentAgain>,
    /// Whether the layers had resent the request.
    pub(super) repeated: bool,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The content of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// A JSON object with a code or a message: an error of the API.
    Understood,
    /// Nothing but white space.
    Empty,
    /// Other content: the page of a proxy, or JSON of another form.
    Foreign,
    /// The body was over the caller's limit.
    TooLong,
    /// The body did not end in time.
    Late,
    /// The body is still compressed with this coding.
    Encoded(&'static str),
    /// The connection broke before the body ended.
    BrokenOff,
}

impl ApiError {
    /// The usual limit for [`read`](Self::read), 64 KiB. The API's own error
    /// bodies are below 4 KiB, and those of proxies in front of it below 64
    /// KiB.
    pub const DEFAULT_LIMIT: usize = 64 * 1024;

    pub(super) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the status of the response. For one of [`errors`](Self::errors),
    /// it is the status in the body, if there is one.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// Returns the error code, such as `missing.permissions`.
    pub fn code(&self) -> Option<&str> {
        self.inner.code.as_deref()
    }

    /// Returns the message for people.
    ///
    /// It is the body's `messageWithParams` with its `messageParams` filled in.
    /// If that or one of its parameters is missing, it is the body's `message`.
    /// Tokens are removed. Control characters are kept, unlike in `Display`.
    pub fn message(&self) -> Option<&str> {
        self.inner.message.as_deref()
    }

    /// Returns the id under which Genesys knows the request. Quote it to
    /// Genesys' support.
    ///
    /// It is the body's `contextId`, or else the header `ININ-Correlation-Id`.
    /// An id has up to 64 letters, digits and hyphens; any other text counts as
    /// missing.
    pub fn context_id(&self) -> Option<&str> {
        self.inner.context_id.as_deref()
    }

    /// Returns the exceeded limit.
    pub fn limit(&self) -> Option<&RateLimit> {
        self.inner.limit.as_ref()
    }

    /// Returns the id of the entity that the error is about.
    pub fn entity_id(&self) -> Option<&str> {
        self.inner.entity_id.as_deref()
    }

    /// Returns the name of the entity that the error is about.
    pub fn entity_name(&self) -> Option<&str> {
        self.inner.entity_name.as_deref()
    }

    /// Returns the permissions that the client lacks, such as
    /// `routing:queue:view`: each once, and at most 64.
    ///
    /// They come from the `messageParams` of a 403, or of an error with such a
    /// code, or else from its message.
    /// If the [`code`](Self::code) is `missing.permissions`, the client needs
    /// all of them; if it is `missing.any.permissions`, it needs one.
    pub fn missing_permissions(&self) -> impl Iterator<Item = &str> {
        self.inner.missing_permissions.iter().map(|name| &**name)
    }

    /// Returns how long to wait before you resend the request, if the answer
    /// states it: in the header `Retry-After`, or else as
    /// `Retry the request in [42] seconds` in the message.
    ///
    /// It is at most [`RetryAfter::MAX`](crate::retry::RetryAfter::MAX). It may
    /// be hours, since some limits are per day. Zero and a date in the past
    /// count as not stated.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns the faults of single fields or entities.
    pub fn details(&self) -> &[ErrorDetail] {
        &self.inner.details
    }

    /// Returns the errors that this one sums up.
    ///
    /// Together with all [`details`](Self::details), at most 64 are kept, three
    /// levels deep.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_genesys::ApiError;
    ///
    /// let body = br#"{"message": "2 of 3 failed", "errors": [
    ///     {"code": "not.found", "status": 404, "entityId": "7"},
    ///     {"code": "conflict", "entityId": "8"}]}"#;
    /// let status = StatusCode::BAD_REQUEST;
    /// let error = ApiError::parse(status, &HeaderMap::new(), body);
    /// let statuses = error.errors().iter().map(ApiError::status);
    /// assert!(statuses.eq([StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST]));
    /// ```
    pub fn errors(&self) -> &[Self] {
        &self.inner.errors
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.inner;
        f.debug_struct("ApiError")
            .field("status", &inner.status)
            .field("body", &inner.body)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("context_id", &inner.context_id)
            .field("entity_id", &inner.entity_id)
            .field("entity_name", &inner.entity_name)
            .field("limit", &inner.limit)
            .field("missing_permissions", &inner.missing_permissions)
            .field("retry_after", &inner.retry_after)
            .field("details", &inner.details)
            .field("errors", &inner.errors)
            .field("not_sent_again", &inner.not_sent_again)
            .field("source", &inner.source)
            .finish()
    }
}

impl Error for ApiError {
    /// Returns why the body could not be read, if it broke off.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.inner.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}
