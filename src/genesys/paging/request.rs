//! The public request: everything that a caller can set before the first page.
//! It sends nothing; `plan.rs` checks it when the stream is made.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Checkpoint, PageError, PageErrorKind, Pages, Paging,
    checkpoint::Position,
    exchange::Target,
    plan::{Plan, Settings},
};
use crate::call::CallOptions;

/// A request whose response comes in pages, before its first page is requested.
///
/// [`Pager::get`](crate::Pager::get) and [`post`](crate::Pager::post) return
/// it. It ignores settings that do not apply to the operation's way of paging.
/// An example with each of them is in the [module](super#customising).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `pages` is called and its stream is polled"]
pub struct PagedRequest {
    target: Target,
    method: Method,
    path: String,
    /// The body as JSON, or the reason why it cannot be. The error waits here
    /// until [`pages`](Self::pages), so that `Pager::post` need not return a
    /// `Result`.
    body: Option<Result<Value, Arc<serde_json::Error>>>,
    /// The caller's description, in place of the table's.
    paging: Option<Paging>,
    settings: Settings,
    /// Where to resume.
    from: Option<Checkpoint>,
}

impl PagedRequest {
    pub(super) fn new(
        target: &Target,
        method: Method,
        path: &str,
        body: Option<serde_json::Result<Value>>,
    ) -> Self {
        Self {
            target: target.clone(),
            method,
            path: path.to_owned(),
            body: body.map(|body| body.map_err(Arc::new)),
            paging: None,
            settings: Settings::new(),
            from: None,
        }
    }

    /// Sets how the operation pages, for an operation that the crate's table
    /// does not have. [`Paging`] has an example.
    ///
    /// # Default
    ///
    /// [`Paging::of`] the operation. Without one, the stream's only item is
    /// [`PageErrorKind::NoPaging`], and nothing is sent.
    pub fn with_paging(mut self, paging: Paging) -> Self {
        self.paging = Some(paging);
        self
    }

    /// Sets the field of a page with the rows, such as `results`, or
    /// `results.entities` for a field of an object. An empty text means that
    /// the page itself is an array.
    ///
    /// A page without the field is [`PageErrorKind::Malformed`].
    ///
    /// # Default
    ///
    /// The field in the API definition. For nine operations the definition does
    /// not name it, and you must set it.
    pub fn with_rows(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.settings.rows = Some(field.into());
        self
    }

    /// Sets how many rows a page holds at most. The API's maximum depends on
    /// the operation.
    ///
    /// # Default
    ///
    /// The size in the request's own query or body; else 100 for details
    /// queries, the API's maximum, and the API's own size for all others.
    pub fn with_page_size(mut self, rows: u32) -> Self {
        self.settings.page_size = Some(rows);
        self
    }

    /// Sets how many pages the stream requests concurrently ahead of the
    /// current one. It yields the pages in order.
    ///
    /// It applies to pages by number, once a page has stated how many there
    /// are. In the other ways of paging, each page names the next one.
    ///
    /// On a tokio runtime, separate tasks fetch the pages, and end with the
    /// stream. So the pages arrive, and block no permit, while you work on the
    /// rows of a page.
    ///
    /// # Default
    ///
    /// 0: the stream sends a request only when you poll it.
    pub fn with_read_ahead(mut self, pages: usize) -> Self {
        self.settings.read_ahead = pages;
        self
    }

    /// Sets how many bytes of a page are read. A longer one is
    /// [`PageErrorKind::TooLarge`].
    ///
    /// # Default
    ///
    /// 64 MiB: a conversation in detail may have 500 KiB, and a page 100 of
    /// them.
    pub fn with_max_page_bytes(mut self, bytes: usize) -> Self {
        self.settings.bounds.bytes = bytes;
        self
    }

    /// Sets how long a page may take from the head of its response to the end.
    /// A slower one counts as broken off.
    ///
    /// # Default
    ///
    /// Five minutes. Until the head arrives, the time limits of the layers
    /// below apply.
    pub fn with_page_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.time = timeout;
        self
    }

    /// Sets the largest total that a details query returns in full. A query
    /// that finds more is [`PageErrorKind::TooManyRows`] at its first page, not
    /// at the last page that the API returns.
    ///
    /// # Default
    ///
    /// 100,000, the API's own limit.
    pub fn with_max_rows(mut self, rows: u64) -> Self {
        self.settings.max_rows = rows;
        self
    }

    /// Ignores the total: for operations whose total is an estimate, is capped,
    /// or counts rows that this client may not see.
    ///
    /// [`Page::total`](super::Page::total) is then `None`. Pages by number end
    /// at the first page without rows, unless they state a page count.
    ///
    /// # Default
    ///
    /// If a stream would end with fewer rows than the total, the last page is
    /// [`PageErrorKind::Incomplete`], unless it is the last by its number and
    /// page count, and that many pages can hold the total. A total that shrinks
    /// is [`PageErrorKind::Shrunk`]. One that grows by more than half and by
    /// more than a page is [`PageErrorKind::Grown`].
    pub fn without_total(mut self) -> Self {
        self.settings.heeds_total = false;
        self
    }

    /// Sets the first pause between two polls of a job, at least 10
    /// milliseconds and at most 30 seconds. Each further pause is half as long
    /// again, up to 30 seconds.
    ///
    /// # Default
    ///
    /// Two seconds.
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// Sets how long the stream waits for a job, from its first poll on. The
    /// job itself continues: resume from the checkpoint of the error to wait
    /// for it again.
    ///
    /// # Default
    ///
    /// An hour.
    pub fn with_job_timeout(mut self, timeout: Duration) -> Self {
        self.settings.job_timeout = timeout;
        self
    }

    /// Sets the options of each request for the layers below.
    ///
    /// # Default
    ///
    /// [`CallOptions::new`].
    pub fn with_call_options(mut self, options: CallOptions) -> Self {
        self.settings.options = options;
        self
    }

    /// Continues after the page that this checkpoint came with. [`Checkpoint`]
    /// has an example.
    ///
    /// A checkpoint of another request is [`PageErrorKind::Checkpoint`], and
    /// nothing is sent.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.from = Some(checkpoint);
        self
    }

    /// Returns the pages, with rows of this type. Nothing is sent before the
    /// stream is polled.
    pub fn pages<T>(self) -> Pages<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let Self {
            target,
            method,
            path,
            body,
            paging,
            settings,
            from,
        } = self;
        let plan = match Plan::new(target, (method, path), body, paging, settings) {
            Ok(plan) => plan,
            Err(error) => return Pages::failed(Checkpoint::new("", Position::Start), error),
        };
        let request = plan.digest();
        let start = Checkpoint::new(&request, Position::Start);
        let from = from.unwrap_or_else(|| start.clone());
        if from.request == request && plan.has(&from.position) {
            return Pages::new(Arc::new(plan), from);
        }
        let message = "the checkpoint belongs to another request, whose path, body, rows or \
                       page size was different; resume with that one, or start afresh without \
                       it";
        Pages::failed(start, PageError::new(PageErrorKind::Checkpoint, message))
    }
}
