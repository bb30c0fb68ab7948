use std::{panic::resume_unwind, sync::Arc};

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::Instrument;

use super::{
    PageError,
    ask::Ask,
    fetch::{self, Fetched},
    plan::Plan,
};

pub(super) type Fetch<T> = BoxFuture<'static, Result<Fetched<T>, PageError>>;

/// Fetches a page that nobody waits for yet, in a task of its own where there is a runtime.
///
/// The stream is not polled between two pages, and a request that is not polled keeps what it has:
/// a permit, or the room of an HTTP/2 connection. Whoever makes requests of their own with the rows
/// of a page would wait for that without an end.
pub(super) fn page<T: DeserializeOwned + Send + 'static>(plan: &Arc<Plan>, ask: Ask) -> Fetch<T> {
    let page = fetch::page(Arc::clone(plan), ask.clone());
    let Ok(runtime) = Handle::try_current() else {
        return Box::pin(page);
    };
    let plan = Arc::clone(plan);
    let mut task = Task(runtime.spawn(page.in_current_span()));
    Box::pin(async move {
        match (&mut task.0).await.map_err(|error| error.try_into_panic()) {
            Ok(page) => page,
            Err(Ok(panic)) => resume_unwind(panic),
            // Its runtime has gone.
            Err(Err(_)) => fetch::page(plan, ask).await,
        }
    })
}

/// Ends with the stream.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
