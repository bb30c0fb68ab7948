//! The error that ends a stream: its kind, its page, and its checkpoint.
//!
//! Each file of this folder builds its own errors; `walk.rs` adds the page and
//! the checkpoint with [`PageError::at`].

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use super::Checkpoint;
use crate::{
    BoxError,
    genesys::{ApiError, RegionError},
};

/// The error that ended a stream of pages before the last page.
///
/// `Display` names the page, the cause, the next step, and the correlation id
/// if there is one. It repeats nothing of a page. A clone is cheap.
///
/// ```
/// # use bytes::Bytes;
/// # use futures_util::StreamExt;
/// # use http_body_util::Full;
/// # use serde_json::Value;
/// # use tower::Layer;
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
/// # use tower_genesys::testing::{MockGenesys, USERS};
/// use tower_genesys::genesys::paging::PageErrorKind;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::builder().users(60).build();
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// # let org = Org::builder(mock.region()).credentials(keys);
/// # let org = org.build(mock.http_client())?;
/// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// # let pager = Pager::new(&org, genesys);
/// mock.on(USERS).nth(2).reply_403("missing.permissions", "No.");
/// let mut pages = pager.get("/api/v2/users").pages::<Value>();
/// assert_eq!(pages.next().await.expect("a page")?.rows.len(), 25);
///
/// let error = pages.next().await.expect("an item").unwrap_err();
/// assert_eq!(error.kind(), PageErrorKind::Refused);
/// assert_eq!(error.place(), "page 2 of GET /api/v2/users");
/// let api = error.api().expect("a refusal is the API's");
/// assert_eq!(api.code(), Some("missing.permissions"));
/// assert!(error.correlation_id().is_some());
/// assert!(pages.next().await.is_none(), "an error is the last item");
///
/// // When the permission is granted: from the page that failed.
/// let from = error.checkpoint().expect("a page failed").clone();
/// let mut rest = pager.get("/api/v2/users").resume(from).pages::<Value>();
/// assert_eq!(rest.next().await.expect("a page")?.rows.len(), 25);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PageError {
    inner: Box<Inner>,
}

/// The fields of an error, in a box, so that a `Result` of a page stays small.
#[derive(Clone, Debug)]
struct Inner {
    kind: PageErrorKind,
    /// The cause and the next step.
    message: Cow<'static, str>,
    /// The page; empty until [`PageError::at`] names it.
    place: String,
    checkpoint: Option<Checkpoint>,
    /// The id of the response, if no [`ApiError`] has it.
    correlation_id: Option<Box<str>>,
    api: Option<ApiError>,
    /// Shared, so that the error can be cloned.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The cause of a [`PageError`], for code that acts on it. [`PageError`] has an
/// example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageErrorKind {
    /// The request is invalid: its path, its body or its page size. Nothing was
    /// sent.
    Request,
    /// The crate does not know how the operation pages, or where its rows are.
    /// Set [`PagedRequest::with_paging`](super::PagedRequest::with_paging) or
    /// [`with_rows`](super::PagedRequest::with_rows). Nothing was sent.
    NoPaging,
    /// The [`Checkpoint`] belongs to another request. Nothing was sent.
    Checkpoint,
    /// No response arrived, and the layers below have given up. The source has
    /// the cause, for example a [`TokenError`](crate::TokenError).
    Unanswered,
    /// The response broke off or took too long, twice. Over a
    /// [`CollectLayer`](crate::CollectLayer): as often as the layers retry.
    BrokenOff,
    /// The API refused the request, and the layers below have given up.
    /// [`PageError::api`] has the cause.
    Refused,
    /// The page is longer than
    /// [`with_max_page_bytes`](super::PagedRequest::with_max_page_bytes)
    /// allows.
    TooLarge,
    /// The response is not JSON, not of the type that was requested, still
    /// compressed, or has its rows in another field.
    Malformed,
    /// The page leads to another host, to plain http, out of the API, or to
    /// another operation. The stream did not follow it.
    ForeignLink,
    /// The page leads back to an earlier one, or is another one than requested.
    /// Or more than sixteen pages in a row were empty.
    Loop,
    /// A page that should be the last shows signs of more rows; the message
    /// names the field. Or a page has fewer rows than the response itself
    /// promises. If the total is an estimate, use
    /// [`PagedRequest::without_total`](super::PagedRequest::without_total).
    Incomplete,
    /// The total is smaller than on an earlier page: rows were deleted, so
    /// others have moved and would be missed.
    Shrunk,
    /// The total is far larger than on an earlier page. The page is probably
    /// one of another list, without the request's filters.
    Grown,
    /// The list has more rows than the API returns in this way of paging. See
    /// [`with_max_rows`](super::PagedRequest::with_max_rows).
    TooManyRows,
    /// The job has failed.
    JobFailed,
    /// The job was cancelled at the API.
    JobCancelled,
    /// The job or its results have expired.
    JobExpired,
    /// The job was not done within
    /// [`with_job_timeout`](super::PagedRequest::with_job_timeout). It may
    /// still be running.
    JobTimedOut,
    /// The wait for a job needs a tokio runtime, and the caller runs outside of
    /// one.
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

    pub(super) fn with_api(mut self, api: ApiError) -> Self {
        self.inner.api = Some(api);
        self
    }

    /// Names the place and the checkpoint, unless an inner function has named
    /// them.
    pub(super) fn at(mut self, place: impl FnOnce() -> String, checkpoint: &Checkpoint) -> Self {
        if self.inner.place.is_empty() {
            self.inner.place = place();
        }
        self.inner
            .checkpoint
            .get_or_insert_with(|| checkpoint.clone());
        self
    }

    /// Turns the refusal of a job's path into [`PageErrorKind::JobExpired`].
    pub(super) fn into_expired_job(mut self) -> Self {
        self.inner.kind = PageErrorKind::JobExpired;
        self.inner.message = format!(
            "the job or its results no longer exist; start afresh, without the checkpoint: {}",
            self.inner.message
        )
        .into();
        self
    }

    /// Returns the kind of failure.
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
    /// from, is wrong. After [`JobFailed`](PageErrorKind::JobFailed),
    /// [`JobCancelled`](PageErrorKind::JobCancelled) or
    /// [`JobExpired`](PageErrorKind::JobExpired), discard the checkpoint: it
    /// leads to the job that has ended, and to the same error.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.inner.checkpoint.as_ref()
    }

    /// Returns the API's error, for [`PageErrorKind::Refused`] and a job that
    /// no longer exists.
    pub fn api(&self) -> Option<&ApiError> {
        self.inner.api.as_ref()
    }

    /// Returns the id under which Genesys has logged the request. Their support
    /// asks for it.
    pub fn correlation_id(&self) -> Option<&str> {
        let api = self.inner.api.as_ref().and_then(ApiError::context_id);
        api.or(self.inner.correlation_id.as_deref())
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
        match &self.inner.correlation_id {
            Some(id) => write!(f, " [correlation id {id}]"),
            None => Ok(()),
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
