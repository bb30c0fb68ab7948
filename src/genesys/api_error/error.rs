use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::StatusCode;

use super::{
    entry::{ErrorDetail, RateLimit},
    not_sent_again::NotSentAgain,
};

/// An error of the Genesys Cloud API.
///
/// Every field of its body is optional, and one of an unexpected JSON type counts as missing. Of
/// texts at most 4096 bytes are kept. Cheap to clone. See the [module](crate::genesys::api_error)
/// for what it shows.
#[derive(Clone)]
pub struct ApiError {
    pub(super) inner: Arc<Inner>,
}

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
    pub(super) not_sent_again: Option<NotSentAgain>,
    /// Whether the layers had sent the request before.
    pub(super) repeated: bool,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What the body turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// An error of the API, or something that has at least a code or a message.
    Understood,
    Empty,
    /// Something else: the page of a proxy, JSON of another kind.
    Foreign,
    TooLong,
    /// It did not come to its end in time.
    Late,
    /// It is still compressed like this.
    Encoded(&'static str),
    BrokenOff,
}

impl ApiError {
    /// What [`read`](Self::read) should read at most, 64 KiB, unless you know better. The API's own
    /// error bodies are below 4 KiB, and the pages of proxies in front of it below 64 KiB.
    pub const DEFAULT_LIMIT: usize = 64 * 1024;

    pub(super) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The status of the response. In one of [`errors`](Self::errors) the status in the body, if
    /// there is one.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// The error code, such as `missing.permissions`.
    pub fn code(&self) -> Option<&str> {
        self.inner.code.as_deref()
    }

    /// What went wrong, for people.
    ///
    /// The body's `messageWithParams` with its `messageParams` filled in; when that is missing, or
    /// one of its parameters is, the body's `message`. Tokens are taken out of it; control
    /// characters are left in, unlike in `Display`.
    pub fn message(&self) -> Option<&str> {
        self.inner.message.as_deref()
    }

    /// The id under which Genesys knows the request: name it to their support.
    ///
    /// The body's `contextId`, or else the header `ININ-Correlation-Id`. Only ids of up to 64
    /// letters, digits and hyphens.
    pub fn context_id(&self) -> Option<&str> {
        self.inner.context_id.as_deref()
    }

    /// The limit that was exceeded.
    pub fn limit(&self) -> Option<&RateLimit> {
        self.inner.limit.as_ref()
    }

    /// The id of the entity that the error is about.
    pub fn entity_id(&self) -> Option<&str> {
        self.inner.entity_id.as_deref()
    }

    /// The name of the entity that the error is about.
    pub fn entity_name(&self) -> Option<&str> {
        self.inner.entity_name.as_deref()
    }

    /// The permissions that the client lacks, such as `routing:queue:view`, each once and at most
    /// 64 of them.
    ///
    /// Of a 403, from `messageParams` or else from the message. All are needed when the
    /// [`code`](Self::code) is `missing.permissions`, and one of them when it is
    /// `missing.any.permissions`.
    pub fn missing_permissions(&self) -> impl Iterator<Item = &str> {
        self.inner.missing_permissions.iter().map(|name| &**name)
    }

    /// How long to wait before the request is sent again, if the answer says so: by the header
    /// `Retry-After`, or else by `Retry the request in [42] seconds` in the message.
    ///
    /// At most [`RetryAfter::MAX`](crate::retry::RetryAfter::MAX). It may be hours: limits per day
    /// exist. Zero, and a date that is over, count as not stated.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// What is wrong with single fields or entities.
    pub fn details(&self) -> &[ErrorDetail] {
        &self.inner.details
    }

    /// The errors that this one sums up.
    ///
    /// Of these and all [`details`](Self::details), 64 are kept altogether, three levels deep.
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
    /// Why the body could not be read, if it broke off.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.inner.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}
