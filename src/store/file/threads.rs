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
    /// Runs up to four operations at the same time, in any order.
    pub(super) fn new(directory: Directory) -> Self {
        Self::with(directory, THREADS)
    }

    /// Runs one operation at a time: if one is dropped while a slow disk delays
    /// it, the next one waits for its end.
    pub(crate) fn in_order(directory: Directory) -> Self {
        Self::with(directory, 1)
    }

    fn with(directory: Directory, threads: usize) -> Self {
        Self {
            directory: Arc::new(directory),
            permits: Arc::new(Semaphore::new(threads)),
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

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    };

    use super::*;

    /// Whether an operation begins before an earlier one has ended, whose
    /// caller has dropped it.
    async fn overtakes(make: fn(Directory) -> Threads) -> bool {
        let parent = tempfile::tempdir().unwrap();
        let threads = make(Directory::new(&parent.path().join("it")).unwrap());
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        // A disk that takes its time.
        let slow = std::sync::Mutex::new(Some((begun, released)));
        let first = threads.run(move |_| {
            let (begun, released) = slow.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            let _ = released.recv();
            Ok::<_, StoreError>(Some(()))
        });
        let mut first = tokio_test::task::spawn(first);
        assert!(first.poll().is_pending());
        has_begun.await.unwrap();
        drop(first);

        let has_overtaken = Arc::new(AtomicBool::new(false));
        let seen = has_overtaken.clone();
        let second = threads.run(move |_| {
            seen.store(true, Ordering::SeqCst);
            Ok::<_, StoreError>(Some(()))
        });
        let mut second = tokio_test::task::spawn(second);
        assert!(second.poll().is_pending());
        // Threads begin in order, so this ends after the begin of the second.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        let has_overtaken = has_overtaken.load(Ordering::SeqCst);
        release.send(()).unwrap();
        second.await.unwrap();
        has_overtaken
    }

    #[test]
    fn only_operations_in_order_wait_for_one_that_was_dropped() {
        // One thread for the slow operation, and one for all others.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(2)
            .build()
            .unwrap();
        assert!(runtime.block_on(overtakes(Threads::new)));
        assert!(!runtime.block_on(overtakes(Threads::in_order)));
    }
}
