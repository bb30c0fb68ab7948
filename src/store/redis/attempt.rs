//! One attempt to connect, which several operations may wait for.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture, Shared},
};
use redis::RedisError;
use tokio::{sync::oneshot, time::Instant};

use super::{
    connection::{CONNECT_TIMEOUT, Connection},
    failure::Failure,
    topology::Topology,
};

/// How long operations share a failure, after a failed connection or one that
/// broke before its first answer. A server that is down gets at most ten
/// connections a second from this process.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection may take on a running runtime: one limit to find the
/// primary, and one to connect to it.
const LONGEST: Duration = CONNECT_TIMEOUT.saturating_mul(2);

/// A connection that is open or being opened. Clones are the same attempt.
#[derive(Clone)]
pub(super) struct Attempt {
    begun: Instant,
    /// Whether the server has answered on this connection. Only then may the
    /// connection have broken from idling.
    pub(super) has_answered: Arc<AtomicBool>,
    /// The connection, or the failure to open it. Each operation polls a clone.
    pub(super) outcome: Shared<BoxFuture<'static, Result<Connection, Failure>>>,
}

impl Attempt {
    /// Begins an attempt. Returns it with the task that connects.
    ///
    /// A separate task connects, so that an operation that gives up after 150
    /// milliseconds leaves a slow login to the next one.
    pub(super) fn begin(
        topology: Arc<Topology>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, receiver) = oneshot::channel();
        let outcome = async move {
            // The task is gone: its runtime was shut down, or has no network or
            // no timers.
            receiver.await.unwrap_or_else(|_| {
                let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
                Err(Failure::NotConnected(gone.into()))
            })
        };
        let attempt = Self {
            begun: Instant::now(),
            has_answered: Arc::default(),
            outcome: outcome.boxed().shared(),
        };
        let make = async move {
            // An error means that no operation waits any more.
            let _ = sender.send(topology.connect().await);
        };
        (attempt, make)
    }

    /// Returns an attempt that has failed with this error. It stands in for a
    /// broken connection, so that the next operations pause.
    pub(super) fn failed(error: RedisError) -> Self {
        Self {
            begun: Instant::now(),
            has_answered: Arc::default(),
            outcome: future::ready(Err(Failure::NotConnected(error)))
                .boxed()
                .shared(),
        }
    }

    /// Returns whether an operation may still use this attempt: not if it
    /// failed a while ago, nor if it is overdue, because the runtime of its
    /// task may no longer be polled.
    pub(super) fn is_usable(&self) -> bool {
        // Polled once without waiting: only a look at what is known by now.
        match self.outcome.clone().now_or_never() {
            Some(Ok(_)) => true,
            Some(Err(_)) => self.begun.elapsed() < PAUSE,
            None => self.begun.elapsed() < LONGEST,
        }
    }

    /// Returns whether both are clones of one attempt.
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        self.outcome.ptr_eq(&other.outcome)
    }
}
