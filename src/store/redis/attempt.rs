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

/// A connection that is open or being opened.
#[derive(Clone)]
pub(super) struct Attempt {
    begun: Instant,
    pub(super) has_answered: Arc<AtomicBool>,
    pub(super) outcome: Shared<BoxFuture<'static, Result<Connection, Failure>>>,
}

impl Attempt {
    /// Begins an attempt. Returns it with the task that connects.
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
            let _ = sender.send(topology.connect().await);
        };
        (attempt, make)
    }

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
        match self.outcome.clone().now_or_never() {
            Some(Ok(_)) => true,
            Some(Err(_)) => self.begun.elapsed() < PAUSE,
            None => self.begun.elapsed() < LONGEST,
        }
    }

    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        self.outcome.ptr_eq(&other.outcome)
    }
}
