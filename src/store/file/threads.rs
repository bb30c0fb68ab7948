//! Runs blocking operations on a few threads, and waits for locks without one.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::directory::Directory;
use crate::store::{StoreError, StoreErrorKind};

/// The number of blocking threads that a hanging disk can occupy.
const THREADS: usize = 4;
/// The time to wait for a lock: thousands of times the usual duration of an
/// operation.
const PATIENCE: Duration = Duration::from_secs(1);
/// The milliseconds between two attempts to take a lock.
const POLL: std::ops::Range<u64> = 1..6;

/// Runs operations in a directory on tokio's blocking threads. Clones share the
/// bound on threads.
#[derive(Clone)]
pub(crate) struct Threads {
    directory: Arc<Directory>,
    /// One permit for each thread in the file system.
    permits: Arc<Semaphore>,
}

impl Threads {
    pub(crate) fn new(directory: Directory) -> Self {
        Self {
            directory: Arc::new(directory),
            permits: Arc::new(Semaphore::new(THREADS)),
        }
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Runs `attempt`, and repeats it while it returns `None` because another
    /// process holds the lock.
    ///
    /// It occupies no thread between two attempts.
    ///
    /// # Errors
    ///
    /// That of `attempt`, or [`StoreErrorKind::Unavailable`] without a runtime
    /// and after a second of a lock held by others.
    ///
    /// # Cancellation
    ///
    /// An attempt that has begun ends on its thread. No other follows.
    pub(crate) async fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        attempt: impl Fn(&Directory) -> Result<Option<T>, E> + Send + Sync + 'static,
    ) -> Result<T, E> {
        let runtime = Handle::try_current().map_err(no_runtime)?;
        let attempt = Arc::new(attempt);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let permits = Arc::clone(&self.permits);
            let permit = permits.acquire_owned().await.map_err(ended)?;
            let (directory, once) = (Arc::clone(&self.directory), Arc::clone(&attempt));
            // The permit moves into the thread: a dropped caller does not free
            // the thread that a hanging disk occupies.
            let blocking = runtime.spawn_blocking(move || {
                let done = once(&directory);
                drop(permit);
                done
            });
            if let Some(done) = blocking.await.map_err(ended)?? {
                return Ok(done);
            }
            if Instant::now() >= deadline {
                return Err(self.locked_out().into());
            }
            // Random, so that two processes do not always try at the same time.
            sleep(Duration::from_millis(fastrand::u64(POLL))).await;
        }
    }

    fn locked_out(&self) -> StoreError {
        let message = format!(
            "another process has held a lock in the token directory {} for a second; end it if it hangs",
            self.directory.path().display()
        );
        StoreError::new(StoreErrorKind::Unavailable, message)
    }
}

fn no_runtime(error: tokio::runtime::TryCurrentError) -> StoreError {
    let message =
        "the token directory needs a tokio runtime, and there is none here; call it inside of one";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}

/// The runtime was shut down, or the operation panicked.
fn ended(error: impl Into<crate::BoxError>) -> StoreError {
    let message = "the tokio runtime ended before the token directory was read or written";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}
