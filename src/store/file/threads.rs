use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::directory::Directory;
use crate::store::{StoreError, StoreErrorKind};

/// How many blocking threads a hanging disk can occupy.
const THREADS: usize = 4;
/// Thousands of times the usual duration of an operation.
const PATIENCE: Duration = Duration::from_secs(1);
/// Milliseconds between two attempts at a lock.
const POLL: std::ops::Range<u64> = 1..6;

/// Carries operations in a directory out on tokio's blocking threads. Clones share the bound.
#[derive(Clone)]
pub(crate) struct Threads {
    directory: Arc<Directory>,
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

    /// Retries until the lock is free: `attempt` returns `None` while another process holds it.
    /// Between two attempts it occupies no thread.
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
            sleep(Duration::from_millis(fastrand::u64(POLL))).await;
        }
    }

    fn locked_out(&self) -> StoreError {
        let message = format!(
            "another process has kept a lock in the token directory {} for a second; end it if it hangs",
            self.directory.path().display()
        );
        StoreError::new(StoreErrorKind::Unavailable, message)
    }
}

fn no_runtime(error: tokio::runtime::TryCurrentError) -> StoreError {
    let message = "a token directory is read and written on the threads of a tokio runtime, and there is none here";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}

fn ended(error: impl Into<crate::BoxError>) -> StoreError {
    let message = "the tokio runtime ended before the token directory was read or written";
    StoreError::new(StoreErrorKind::Unavailable, message).with_source(error)
}
