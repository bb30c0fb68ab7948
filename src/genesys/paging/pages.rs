//! The public stream, over the walk. Each step of the walk is one boxed future
//! that the stream owns, so dropping a future of `next()` loses nothing.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::{
    Checkpoint, PageError,
    plan::Plan,
    walk::{Page, Step, Walk},
};

/// The pages of a request, as a [`Stream`].
///
/// An error comes once, and is the last item. A stream that has ended keeps
/// returning `None`. The [module docs](super) have an example.
#[must_use = "streams do nothing unless polled"]
pub struct Pages<T> {
    state: State<T>,
    /// The place after the last page that arrived.
    reached: Checkpoint,
}

/// The state of the stream. Each variant owns all that it needs, so the stream
/// cannot wait without a future to poll.
enum State<T> {
    /// No step is in flight.
    Idle(Box<Walk<T>>),
    /// A step is in flight, and owns the walk until it ends.
    Busy(BoxFuture<'static, Stepped<T>>),
    /// The error is the next item, and the last.
    Failed(PageError),
    Ended,
}

/// The walk, and the result of its step.
type Stepped<T> = (Box<Walk<T>>, Result<Step<T>, PageError>);

impl<T> Pages<T> {
    /// Returns a stream whose only item is this error. Nothing is sent.
    pub(super) fn failed(start: Checkpoint, error: PageError) -> Self {
        Self {
            state: State::Failed(error),
            reached: start,
        }
    }

    /// Returns the place after the last page that arrived. The current request
    /// begins there.
    ///
    /// For a job, this is more than [`Page::checkpoint`]: as soon as the job
    /// has started, the checkpoint names it. So a program that stops waiting
    /// can resume the same job later. If your program may be killed, store the
    /// checkpoint while it waits; otherwise the next run starts another job.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_util::StreamExt;
    /// use tokio::time::timeout;
    /// # use bytes::Bytes;
    /// # use http_body_util::Full;
    /// # use serde_json::{Value, json};
    /// # use tower::Layer;
    /// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
    /// # use tower_genesys::testing::{DETAILS_JOBS, MockGenesys};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let mock = MockGenesys::builder().conversations(30).build();
    /// # let org = Org::builder(mock.region())
    /// #     .credentials(Credentials::new(
    /// #         mock.client_id(), mock.client_secret(),
    /// #     )?)
    /// #     .build(mock.http_client())?;
    /// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
    /// # let pager = Pager::new(&org, genesys);
    /// # let query = json!({ "interval": mock.interval() });
    /// # let mut saved = String::new();
    /// let jobs = "/api/v2/analytics/conversations/details/jobs";
    /// let mut pages = pager.post(jobs, &query).pages::<Value>();
    /// let first = loop {
    ///     match timeout(Duration::from_secs(1), pages.next()).await {
    ///         Ok(page) => break page.expect("a page")?,
    ///         // To a disk, in a real program.
    ///         Err(_) => saved = serde_json::to_string(pages.checkpoint())?,
    ///     }
    /// };
    /// # drop(pages);
    ///
    /// // In the next run: no other job.
    /// let mut pages = pager.post(jobs, &query)
    ///     .resume(serde_json::from_str(&saved)?)
    ///     .pages::<Value>();
    /// let again = pages.next().await.expect("a page")?;
    /// assert_eq!(again.rows, first.rows);
    /// # assert_eq!(mock.count(DETAILS_JOBS), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.reached
    }
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(super) fn new(plan: Arc<Plan>, from: Checkpoint) -> Self {
        Self {
            reached: from.clone(),
            state: State::Idle(Box::new(Walk::new(plan, from))),
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Stream for Pages<T> {
    type Item = Result<Page<T>, PageError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            // If a poll panics, the stream has ended.
            match std::mem::replace(&mut this.state, State::Ended) {
                State::Idle(mut walk) => {
                    this.state = State::Busy(Box::pin(async move {
                        let step = walk.step().await;
                        (walk, step)
                    }));
                }
                State::Busy(mut step) => {
                    let Poll::Ready((walk, step)) = step.as_mut().poll(cx) else {
                        this.state = State::Busy(step);
                        return Poll::Pending;
                    };
                    this.state = State::Idle(walk);
                    match step {
                        // A job was started: there is a place to resume from,
                        // but no item yet, so the loop takes the next step.
                        Ok(Step::Reached(checkpoint)) => this.reached = checkpoint,
                        Ok(Step::Page(page)) => {
                            this.reached = page.checkpoint.clone();
                            return Poll::Ready(Some(Ok(page)));
                        }
                        Ok(Step::End) => this.state = State::Ended,
                        Err(error) => this.state = State::Failed(error),
                    }
                }
                State::Failed(error) => return Poll::Ready(Some(Err(error))),
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> FusedStream for Pages<T> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

/// Nothing in it is pinned structurally: the future is in a box.
impl<T> Unpin for Pages<T> {}

/// Omits the request.
impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Idle(_) => "idle",
            State::Busy(_) => "busy",
            State::Failed(_) => "failed",
            State::Ended => "ended",
        };
        f.debug_struct("Pages")
            .field("state", &state)
            .field("reached", &self.reached)
            .finish()
    }
}
