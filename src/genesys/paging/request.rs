use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Checkpoint, PageError, PageErrorKind, Pager, Pages, checkpoint::Position, exchange::Bounds,
};
use crate::call::CallOptions;

/// A request whose answer comes in pages, before the first of them is asked for.
///
/// Made by a [`Pager`]. A setting that the way of paging has no use for is not looked at.
///
/// An example: [`paging`](crate::genesys::paging).
#[derive(Clone, Debug)]
#[must_use = "nothing is asked for before `pages` is called and its stream polled"]
pub struct PagedRequest {
    pub(super) pager: Pager,
    pub(super) way: Way,
    pub(super) path: String,
    /// What serde made of the body, or why it could not.
    pub(super) body: Result<Value, Arc<serde_json::Error>>,
    pub(super) settings: Settings,
    from: Option<Checkpoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Query,
    Numbered,
    Linked,
    Job,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) items: Cow<'static, str>,
    pub(super) page_size: Option<u32>,
    pub(super) read_ahead: usize,
    pub(super) bounds: Bounds,
    pub(super) max_rows: u64,
    heeds_total: bool,
    pub(super) poll_interval: Duration,
    pub(super) job_timeout: Duration,
    pub(super) options: CallOptions,
}

impl Settings {
    /// The total of a page or a checkpoint, if totals are believed.
    pub(super) fn heeded(&self, total: Option<u64>) -> Option<u64> {
        total.filter(|_| self.heeds_total)
    }
}

const MIB: usize = 1024 * 1024;

impl PagedRequest {
    pub(super) fn new(
        pager: &Pager,
        way: Way,
        path: &str,
        body: Option<serde_json::Result<Value>>,
    ) -> Self {
        let (items, page_size) = match way {
            Way::Query => ("conversations", Some(100)),
            Way::Numbered => ("entities", Some(100)),
            Way::Linked => ("entities", None),
            Way::Job => ("conversations", None),
        };
        let bounds = Bounds {
            bytes: 64 * MIB,
            time: Duration::from_secs(300),
        };
        Self {
            pager: pager.clone(),
            way,
            path: path.to_owned(),
            body: body.unwrap_or(Ok(Value::Null)).map_err(Arc::new),
            settings: Settings {
                items: items.into(),
                page_size,
                read_ahead: 0,
                bounds,
                max_rows: 100_000,
                heeds_total: true,
                poll_interval: Duration::from_secs(2),
                job_timeout: Duration::from_secs(3600),
                options: CallOptions::new(),
            },
            from: None,
        }
    }

    /// The field of a page that its rows are in, such as `userDetails` or `results`.
    ///
    /// A page that has rows in another one is [`PageErrorKind::Malformed`].
    ///
    /// # Default
    ///
    /// `conversations` for queries and jobs, `entities` for lists.
    pub fn with_items(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.settings.items = field.into();
        self
    }

    /// How many rows a page holds at most. What the API allows depends on the path.
    pub fn with_page_size(mut self, rows: u32) -> Self {
        self.settings.page_size = Some(rows);
        self
    }

    /// How many pages are asked for ahead of the one that is waited for, at the same time. They
    /// come in their order all the same.
    ///
    /// For pages that are asked for by number, as soon as one has said how many there are; the
    /// other ways know no page before the one that leads to it.
    ///
    /// On a tokio runtime they are fetched in tasks of their own, which end with the stream, so
    /// that they come in, and keep no permit from others, while the rows of a page are worked on.
    ///
    /// # Default
    ///
    /// 0: nothing is asked for before the stream is polled for it.
    pub fn with_read_ahead(mut self, pages: usize) -> Self {
        self.settings.read_ahead = pages;
        self
    }

    /// How many bytes of a page are read; one that is longer is
    /// [`PageErrorKind::TooLarge`].
    ///
    /// # Default
    ///
    /// 64 MiB: a conversation in detail may have 500 KiB, and a page 100 of them.
    pub fn with_max_page_bytes(mut self, bytes: usize) -> Self {
        self.settings.bounds.bytes = bytes;
        self
    }

    /// How long a page may take from its head to its end. What takes longer counts as broken off.
    ///
    /// # Default
    ///
    /// Five minutes. Until the head is there, the layers below say how long it may take.
    pub fn with_page_timeout(mut self, timeout: Duration) -> Self {
        self.settings.bounds.time = timeout;
        self
    }

    /// Of how many rows a query gives all; one that finds more is [`PageErrorKind::TooManyRows`] at
    /// its first page, rather than at the last that the API gives.
    ///
    /// # Default
    ///
    /// 100,000, the API's own limit.
    pub fn with_max_rows(mut self, rows: u64) -> Self {
        self.settings.max_rows = rows;
        self
    }

    /// Takes no notice of how many rows there are in all: for paths whose total is an estimate, is
    /// capped, or counts rows that this client may not see.
    ///
    /// [`Page::total`](super::Page::total) is then `None`. Without a total, pages by number end at
    /// the first that has no rows, unless they say how many pages there are.
    ///
    /// # Default
    ///
    /// A total that is larger than what has come is [`PageErrorKind::Incomplete`], unless the page
    /// says by its number that it is the last; one that becomes smaller is
    /// [`PageErrorKind::Shrunk`].
    pub fn without_total(mut self) -> Self {
        self.settings.heeds_total = false;
        self
    }

    /// How long to wait before the state of a job is asked for, at least 10 milliseconds. Each
    /// further wait is half as long again, up to 30 seconds.
    ///
    /// # Default
    ///
    /// Two seconds.
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// How long a job is waited for, from when its state is first asked for. It goes on after that,
    /// and can be waited for again from the checkpoint of the error.
    ///
    /// # Default
    ///
    /// An hour.
    pub fn with_job_timeout(mut self, timeout: Duration) -> Self {
        self.settings.job_timeout = timeout;
        self
    }

    /// What each request asks of the layers below.
    ///
    /// # Default
    ///
    /// [`CallOptions::new`].
    pub fn with_call_options(mut self, options: CallOptions) -> Self {
        self.settings.options = options;
        self
    }

    /// Goes on behind the page that this checkpoint came with.
    ///
    /// One that belongs to another request is [`PageErrorKind::Checkpoint`], and nothing is asked
    /// for.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        self.from = Some(checkpoint);
        self
    }

    /// The pages, with rows of this type. Nothing is asked for before the stream is polled.
    pub fn pages<T>(self) -> Pages<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let request = self.digest();
        let start = Checkpoint::new(&request, Position::Start);
        let from = self.from.clone().unwrap_or_else(|| start.clone());
        let error = self.check(&request, &from).err();
        match error {
            Some(error) => Pages::failed(start, error),
            None => Pages::new(Arc::new(self), from),
        }
    }

    fn check(&self, request: &str, from: &Checkpoint) -> Result<(), PageError> {
        let invalid = |why: &'static str| Err(PageError::new(PageErrorKind::Request, why));
        self.pager.org.api(&self.path)?;
        let body = self.body.as_ref().map_err(|error| {
            PageError::new(PageErrorKind::Request, "the body cannot be made JSON")
                .because(error.clone())
        })?;
        if matches!(self.way, Way::Query | Way::Job) && !body.is_object() {
            return invalid("the body has to be a JSON object");
        }
        if self.settings.page_size == Some(0) {
            return invalid("a page has to hold at least one row");
        }
        if self.way == Way::Job && self.path.contains('?') {
            return invalid(
                "the path of a job has no query: the job's own paths are put behind it",
            );
        }
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        if self.way == Way::Numbered && names.any(|name| name == "pageSize" || name == "pageNumber")
        {
            return invalid("leave pageSize and pageNumber out of the path: they are put there");
        }
        if from.request.as_ref() != request || !self.has(&from.position) {
            return Err(PageError::new(
                PageErrorKind::Checkpoint,
                "the checkpoint is one of another request: its path, body, rows or page size were \
                 different; go on with those, or start afresh without it",
            ));
        }
        Ok(())
    }

    fn has(&self, position: &Position) -> bool {
        match position {
            Position::Start | Position::End => true,
            Position::Number { next, .. } => {
                *next > 0 && matches!(self.way, Way::Query | Way::Numbered)
            }
            Position::Link { .. } => self.way == Way::Linked,
            Position::Job { .. } => self.way == Way::Job,
        }
    }
}
