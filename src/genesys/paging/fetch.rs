//! Fetches pages: sends the request of a page, repeats it if the body broke
//! off, reads the body, and requests pages ahead of their turn.

use std::{panic::resume_unwind, sync::Arc};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use http::{
    HeaderValue, Request,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::Instrument;

use super::{
    PageError, PageErrorKind,
    ask::Ask,
    body::{self, Body},
    checkpoint::Place,
    exchange::{Answer, Failure},
    plan::Plan,
    way::By,
};
use crate::collect::BodyBroken;

/// A page on its way.
type Fetch<T> = BoxFuture<'static, Result<Fetched<T>, PageError>>;

/// A page that has arrived and was read.
pub(super) struct Fetched<T> {
    pub(super) body: Body<T>,
    /// SHA-256 of the body. Two responses with the same digest are the same
    /// page.
    pub(super) digest: [u8; 32],
    pub(super) correlation_id: Option<Box<str>>,
    /// The id of the last row, if the next page is requested by it.
    pub(super) last_id: Option<String>,
    /// Whether the page lacks the field of its rows, and has rows in another
    /// field.
    pub(super) has_others: bool,
}

/// The requests in flight for pages outside of a job: the next page, and those
/// after it that are known to exist.
pub(super) struct Ahead<T> {
    /// In the order of the pages, the next one first.
    flying: FuturesOrdered<Fetch<T>>,
    /// The number of the last page, once a page has stated it.
    pub(super) last: Option<u64>,
}

impl<T: DeserializeOwned + Send + 'static> Ahead<T> {
    pub(super) fn new() -> Self {
        Self {
            flying: FuturesOrdered::new(),
            last: None,
        }
    }

    /// Fetches the page at `at`, and keeps up to the caller's read-ahead of
    /// pages after it in flight.
    ///
    /// # Cancellation
    ///
    /// A dropped future loses nothing: the requests stay in `flying`.
    #[allow(clippy::expect_used, reason = "the message says why it cannot fail")]
    pub(super) async fn next(
        &mut self,
        plan: &Arc<Plan>,
        at: &Place,
    ) -> Result<Fetched<T>, PageError> {
        loop {
            let flying = self.flying.len();
            let place = match at {
                Place::Number(number) => Place::Number(number.saturating_add(flying as u64)),
                _ => at.clone(),
            };
            // The page at `at` is always requested. A page after it only if it
            // exists for certain: a request past the end may be an error.
            if flying > 0 && (flying > plan.settings.read_ahead || !self.is_known(plan, &place)) {
                break;
            }
            let ask = plan.ask(None, &place)?;
            self.flying.push_back(match flying {
                0 => Box::pin(page(Arc::clone(plan), ask)),
                _ => ahead(plan, ask),
            });
        }
        let fetched = self.flying.next().await;
        fetched.expect("the loop has pushed a request if there was none")
    }

    /// Returns whether the last page is known, and this one is not after it.
    fn is_known(&self, plan: &Plan, place: &Place) -> bool {
        match (&plan.paging.by, place, self.last) {
            (By::Number(_), Place::Number(number), Some(last)) => *number <= last,
            _ => false,
        }
    }
}

/// Fetches a page, and reads it.
///
/// # Errors
///
/// Those of [`read`], and [`PageErrorKind::Malformed`].
pub(super) async fn page<T: DeserializeOwned>(
    plan: Arc<Plan>,
    ask: Ask,
) -> Result<Fetched<T>, PageError> {
    let answer = read(&plan, ask).await?;
    let read = body::read(&answer.body, &plan.paging, &plan.rows);
    let body = read.map_err(|error| malformed(error, answer.correlation_id.clone()))?;
    let last_id = match plan.paging.by {
        By::LastRow(_) => body::last_id(&answer.body, &plan.rows),
        _ => None,
    };
    Ok(Fetched {
        digest: Sha256::digest(&answer.body).into(),
        has_others: !body.names_rows && body::has_others(&answer.body),
        correlation_id: answer.correlation_id,
        last_id,
        body,
    })
}

/// Fetches a page ahead of its turn, in a separate task if there is a runtime.
///
/// The caller does not poll the stream between two pages, and a request that is
/// not polled keeps its permit, or its window of an HTTP/2 connection. A caller
/// that sends requests for the rows of a page could then wait for that permit
/// forever.
fn ahead<T: DeserializeOwned + Send + 'static>(plan: &Arc<Plan>, ask: Ask) -> Fetch<T> {
    let fetched = page(Arc::clone(plan), ask.clone());
    let Ok(runtime) = Handle::try_current() else {
        return Box::pin(fetched);
    };
    let plan = Arc::clone(plan);
    let mut task = Task(runtime.spawn(fetched.in_current_span()));
    Box::pin(async move {
        match (&mut task.0).await.map_err(|error| error.try_into_panic()) {
            Ok(fetched) => fetched,
            Err(Ok(panic)) => resume_unwind(panic),
            // Its runtime has shut down. The stream may live on another one.
            Err(Err(_)) => page(plan, ask).await,
        }
    })
}

/// A task that ends with the stream: dropping it aborts the task.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a request that is safe to repeat, and repeats it once if its body
/// breaks off. The layers below cannot: for them, a request is done when the
/// head of its response has arrived.
pub(super) async fn read(plan: &Plan, ask: Ask) -> Result<Answer, PageError> {
    match send(plan, ask.clone()).await? {
        // If the stack collects bodies, it has retried the request already,
        // with backoff and within the budget.
        Err(Failure::BrokenOff(error, _)) if BodyBroken::find(&*error).is_none() => {
            Ok(send(plan, ask).await??)
        }
        answer => Ok(answer?),
    }
}

/// Sends a request once. The one that starts a job is never repeated here: a
/// second one could start a second job.
pub(super) async fn once(plan: &Plan, ask: Ask) -> Result<Answer, PageError> {
    Ok(send(plan, ask).await??)
}

/// Addresses a request to the organisation, and sends it. The outer error means
/// that nothing was sent.
async fn send(plan: &Plan, ask: Ask) -> Result<Result<Answer, Failure>, PageError> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let org = &plan.target.org;
    let mut sent = Request::new(ask.body);
    *sent.method_mut() = ask.method;
    *sent.uri_mut() = org.api(&ask.path)?;
    sent.headers_mut().insert(ACCEPT, JSON);
    if !sent.body().is_empty() {
        sent.headers_mut().insert(CONTENT_TYPE, JSON);
    }
    // A stack that serves many organisations finds the token by this.
    sent.extensions_mut().insert(org.clone());
    sent.extensions_mut().insert(plan.settings.options);
    let exchange = &plan.target.exchange;
    Ok(exchange.send(sent, plan.settings.bounds).await)
}

/// Returns the error for a body that cannot be read. It names the line and
/// column only, because serde's text may quote a value.
pub(super) fn malformed(error: serde_json::Error, correlation_id: Option<Box<str>>) -> PageError {
    let what = if error.is_data() {
        "is not of the type that was requested"
    } else {
        "is not JSON"
    };
    let message = format!(
        "the page {what}, in line {}, column {}; the source has the details; compare the type \
         of the rows, and check what is between the program and Genesys (a proxy's page?)",
        error.line(),
        error.column()
    );
    PageError::new(PageErrorKind::Malformed, message)
        .because(error)
        .with_correlation_id(correlation_id)
}
