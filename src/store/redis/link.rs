//! The one connection of a store, and when to replace it.
//!
//! It does not know how to connect: `topology` does.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
    time::Duration,
};

use futures_util::FutureExt;
use redis::{RedisError, RedisResult, Value};
use tokio::{runtime::Handle, time::sleep};

use super::{
    attempt::Attempt, connection::Connection, failure::Failure, refusal, script::Call,
    topology::Topology,
};
use crate::lock::lock;

/// The pauses before a script runs again on a new connection. Sentinels and
/// nodes learn of a new primary a little later than the servers. The sum is
/// below the 150 milliseconds of an operation.
const AGAIN: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(30),
    Duration::from_millis(60),
];

/// The connection that all operations share, opened at the first one.
///
/// The link drops a connection that breaks, goes silent, is refused, or leads
/// to a server that is no longer the primary. The next one asks the DNS, the
/// Sentinels or the cluster again.
pub(super) struct Link {
    topology: Arc<Topology>,
    /// The open connection, or the last attempt to open one. `None` at first,
    /// and after a connection was dropped.
    current: Mutex<Option<Attempt>>,
}

impl Link {
    pub(super) fn new(topology: Topology) -> Self {
        Self {
            topology: Arc::new(topology),
            current: Mutex::new(None),
        }
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Runs a script, in one round trip if a connection is open.
    ///
    /// The connection may be broken, for example because the server closed it
    /// while it was idle, or the server may no longer be the primary. Then the
    /// link connects again at once and repeats the script, since every script
    /// may be repeated. If the future is dropped before the answer, the link
    /// never uses its connection again.
    pub(super) async fn run(&self, call: &Call<'_>) -> Result<Value, Failure> {
        let attempt = self.attempt()?;
        // A connection that never answered did not break from idling, and its
        // server did not change roles. So it is not worth a second attempt.
        let has_answered = attempt.has_answered.load(Ordering::Relaxed);
        let mut result = self.run_on(attempt, call).await;
        // Whether an earlier try may have run the script.
        let mut is_open = false;
        for (turn, pause) in AGAIN.into_iter().enumerate() {
            let Err(failure) = &result else { break };
            // A second break does not come from idling, so it ends the turns. A
            // failover takes longer, so it gets all of them.
            let is_broken = turn == 0 && failure.is_of_the_connection();
            if !has_answered || !(is_broken || failure.is_of_the_role()) {
                break;
            }
            is_open |= failure.leaves_the_outcome_open();
            sleep(pause).await;
            let attempt = self.attempt_beyond_failure()?;
            result = self.run_on(attempt, call).await;
        }
        match result {
            // "Nothing was sent" would be wrong: the server may have run the
            // script on an earlier connection.
            Err(Failure::NotConnected(error)) if is_open => Err(Failure::Sent(error)),
            result => result,
        }
    }

    /// Returns the current connection. Replaces one that leads to a server that
    /// is not the primary yet: [`Attempt::is_usable`] would keep it for a
    /// while.
    fn attempt_beyond_failure(&self) -> Result<Attempt, Failure> {
        let attempt = self.attempt()?;
        match attempt.outcome.clone().now_or_never() {
            Some(Err(failure)) if failure.is_of_the_role() => {
                self.replace(&attempt, None);
                self.attempt()
            }
            _ => Ok(attempt),
        }
    }

    /// Returns the shared connection, for commands other than the scripts.
    pub(super) async fn connection(&self) -> Result<Connection, Failure> {
        self.attempt()?.outcome.await
    }

    /// Runs a script on this connection, and drops the connection if it is not
    /// worth keeping.
    async fn run_on(&self, attempt: Attempt, call: &Call<'_>) -> Result<Value, Failure> {
        let mut connection = attempt.outcome.clone().await?;
        let unanswered = Unanswered {
            link: self,
            attempt: Some(attempt),
        };
        let result = connection.run(call).await;
        unanswered.answered(&result);
        result.map_err(Failure::Sent)
    }

    /// Returns the current connection, or begins a new one.
    fn attempt(&self) -> Result<Attempt, Failure> {
        let found = self.lock().clone();
        if let Some(attempt) = found.as_ref().filter(|attempt| attempt.is_usable()) {
            return Ok(attempt.clone());
        }
        let runtime = Handle::try_current().map_err(|_| Failure::NoRuntime)?;
        // Begun outside of the lock, so another operation may be faster.
        let (attempt, make) = Attempt::begin(self.topology.clone());
        let mut current = self.lock();
        match (&*current, &found) {
            // Another operation began one first.
            (Some(theirs), found)
                if !found
                    .as_ref()
                    .is_some_and(|found| theirs.is_the_same(found)) =>
            {
                return Ok(theirs.clone());
            }
            _ => {}
        }
        let old = current.replace(attempt.clone());
        // In this order: the old connection closes without the lock.
        drop(current);
        drop(old);
        runtime.spawn(make);
        Ok(attempt)
    }

    /// Replaces this attempt, unless another operation already has.
    fn replace(&self, attempt: &Attempt, successor: Option<Attempt>) {
        let mut current = self.lock();
        let old = if current
            .as_ref()
            .is_some_and(|current| current.is_the_same(attempt))
        {
            mem::replace(&mut *current, successor)
        } else {
            // The current one is newer than the failure, and may work.
            successor
        };
        drop(current);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Attempt>> {
        lock(&self.current)
    }
}

/// Returns whether the next operation may use the connection after this error:
/// either the server works for others, or a new connection would get the same
/// answer.
fn says_nothing_of_the_server(error: &RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind as Server};
    match error.kind() {
        // The server has lost its role, its primary or its hash slots: a new
        // connection may lead to the right one.
        ErrorKind::Server(Server::MasterDown | Server::Moved | Server::ClusterDown) => false,
        ErrorKind::Server(_) => !refusal::is_read_only(error),
        // `NOAUTH`: this connection is not logged in. A new one logs in first.
        ErrorKind::Extension => error.code() != Some("NOAUTH"),
        _ => false,
    }
}

/// Returns whether the connection itself failed.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.kind() == redis::ErrorKind::ClusterConnectionNotFound
}

/// Drops the connection when it goes out of scope without an answer: an
/// operation that was given up leaves a server that may be silent.
struct Unanswered<'a> {
    link: &'a Link,
    /// `None` once the answer has decided what happens to the connection.
    attempt: Option<Attempt>,
}

impl Unanswered<'_> {
    fn has_answered(&self) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|attempt| attempt.has_answered.load(Ordering::Relaxed))
    }

    /// Decides by the result of the operation whether the connection stays.
    fn answered(mut self, result: &RedisResult<Value>) {
        match result {
            // After a connection that never answered, operations pause before
            // the next attempt.
            Err(error) if is_broken(error) && !self.has_answered() => {
                if let Some(attempt) = self.attempt.take() {
                    let failed = Attempt::failed(error.clone());
                    self.link.replace(&attempt, Some(failed));
                }
            }
            // Dropped with `self`.
            Err(error) if !says_nothing_of_the_server(error) => {}
            _ => {
                if let Some(attempt) = self.attempt.take() {
                    attempt.has_answered.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.link.replace(&attempt, None);
        }
    }
}
