use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use super::{Checkpoint, exchange::Failure};
use crate::{
    BoxError,
    genesys::{ApiError, RegionError},
};

/// The error that ended a stream of pages before the last page.
///
/// `Display` names the page, the cause, the next step, and the correlation id
/// if there is one. It repeats nothing of a page. A clone is cheap.
///
/// [`paging`](crate::genesys::paging) has an example.
#[derive(Clone, Debug)]
pub struct PageError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    kind: PageErrorKind,
    message: Cow<'static, str>,
    place: String,
    checkpoint: Option<Checkpoint>,
    correlation_id: Option<Box<str>>,
    api: Option<ApiError>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The cause of a [`PageError`], for code that acts on it.
///
/// [`paging`](crate::genesys::paging) has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageErrorKind {
    /// The request is invalid: its path, its body or its page size.
    Request,
    /// The crate does not know how the operation pages, or where its rows are.
    /// Set [`PagedRequest::with_paging`](super::PagedRequest::with_paging) or
    /// [`with_rows`](super::PagedRequest::with_rows). Nothing was sent.
    NoPaging,
    /// The [`Checkpoint`] is one of another request.
    Checkpoint,
    /// No answer arrived, and the layers below have given up. The source has
    /// the cause, for example a [`TokenError`](crate::TokenError).
    Unanswered,
    /// The answer broke off or took too long, twice.
    BrokenOff,
    /// The API refused the request, and the layers below have given up.
    /// [`PageError::api`] has the cause.
    Refused,
    /// The answer is longer than a page may be.
    TooLarge,
    /// The answer is not JSON, not of the type that was asked for, still
    /// compressed, or has its rows in another field.
    Malformed,
    /// The answer leads to another host, to plain http, out of the API, or to
    /// another operation. It was not followed.
    ForeignLink,
    /// The answer leads back to where the stream has been, or nowhere.
    Loop,
    /// A page that would be the last speaks of more: the message names the
    /// field. Or a page holds fewer rows than the answer itself says that there
    /// are. [`PagedRequest::without_total`](super::PagedRequest::without_total)
    /// is for a total that is no more than an estimate.
    Incomplete,
    /// There are fewer rows in all than a page before has said: rows were
    /// deleted, so that others have moved and would be missed.
    Shrunk,
    /// There are far more rows in all than a page before has said: the page is
    /// probably one of another list, without the request's filters.
    Grown,
    /// The list has more rows than the API returns in this way of paging.
    TooManyRows,
    /// The job has failed.
    JobFailed,
    /// The job was cancelled at the API.
    JobCancelled,
    /// The job or its results have expired.
    JobExpired,
    /// The job was not done in time; it may still be running.
    JobTimedOut,
    /// The wait needs a tokio runtime, and the caller runs outside of one.
    NoRuntime,
}

impl PageError {
    pub(super) fn new(kind: PageErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                place: String::new(),
                checkpoint: None,
                correlation_id: None,
                api: None,
                source: None,
            }),
        }
    }

    pub(super) fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(Arc::from(source.into()));
        self
    }

    pub(super) fn with_correlation_id(mut self, id: Option<Box<str>>) -> Self {
        self.inner.correlation_id = id;
        self
    }

    /// Where it happened; the innermost who knows says so.
    pub(super) fn at(mut self, place: impl FnOnce() -> String, checkpoint: &Checkpoint) -> Self {
        if self.inner.place.is_empty() {
            self.inner.place = place();
        }
        self.inner
            .checkpoint
            .get_or_insert_with(|| checkpoint.clone());
        self
    }

    pub(super) fn with_job(mut self, kind: PageErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> PageErrorKind {
        self.inner.kind
    }

    /// Returns the page that failed, as text for people.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// Returns the checkpoint from which a new stream requests the failed page.
    ///
    /// Returns `None` if the request itself, or the checkpoint that it resumed
    /// from, is wrong.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.inner.checkpoint.as_ref()
    }

    /// What the API said, for [`PageErrorKind::Refused`] and a job that is
    /// gone.
    pub fn api(&self) -> Option<&ApiError> {
        self.inner.api.as_ref()
    }

    /// The id under which Genesys knows the request: name it to their support.
    pub fn correlation_id(&self) -> Option<&str> {
        let api = self.inner.api.as_ref().and_then(ApiError::context_id);
        api.or(self.inner.correlation_id.as_deref())
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        use PageErrorKind as Kind;
        match failure {
            Failure::Unanswered(source) => Self::new(
                Kind::Unanswered,
                "no answer came; look at the cause, then go on from the checkpoint",
            )
            .because(source),
            Failure::Api(api) => {
                let mut error = Self::new(Kind::Refused, api.to_string());
                error.inner.api = Some(api);
                error
            }
            Failure::TooLarge(limit, id) => Self::new(
                Kind::TooLarge,
                format!(
                    "the page is longer than {limit} bytes; ask for smaller pages \
                     (`with_page_size`), or allow more (`with_max_page_bytes`)"
                ),
            )
            .with_correlation_id(id),
            Failure::BrokenOff(source, id) => Self::new(
                Kind::BrokenOff,
                "the answer broke off each time that it was asked for; look at the network and what stands in between, then \
                 go on from the checkpoint",
            )
            .because(source)
            .with_correlation_id(id),
            Failure::Encoded(coding, id) => Self::new(
                Kind::Malformed,
                format!(
                    "the page is in the encoding `{coding}`; have the HTTP client decode it, or not \
                     ask for it"
                ),
            )
            .with_correlation_id(id),
        }
    }
}

impl From<RegionError> for PageError {
    fn from(error: RegionError) -> Self {
        Self::new(PageErrorKind::Request, error.to_string())
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.inner.place.is_empty() {
            write!(f, "{}: ", self.inner.place)?;
        }
        f.write_str(&self.inner.message)?;
        // An error of the API shows its own.
        match &self.inner.correlation_id {
            Some(id) if self.inner.api.is_none() => write!(f, " [correlation id {id}]"),
            _ => Ok(()),
        }
    }
}

impl Error for PageError {
    /// Returns the error of the layers below. For [`PageErrorKind::Malformed`]
    /// it is serde's error, which may quote a value of the page.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.inner.source.as_deref();
        source.map(|source| source as &(dyn Error + 'static))
    }
}
