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

/// After a failure to connect, and after a connection that broke before it has answered, operations
/// share the failure for so long: however many there are, a server that is down is asked ten times
/// a second.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection may take that is made by a runtime which somebody drives: to find the
/// primary and to connect to it.
const LONGEST: Duration = CONNECT_TIMEOUT.saturating_mul(2);

/// A connection, or one that is being made.
#[derive(Clone)]
pub(super) struct Attempt {
    begun: Instant,
    pub(super) has_answered: Arc<AtomicBool>,
    pub(super) outcome: Shared<BoxFuture<'static, Result<Connection, Failure>>>,
}

impl Attempt {
    /// One that begins now, and the task that makes it.
    pub(super) fn begin(
        topology: Arc<Topology>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, receiver) = oneshot::channel();
        let outcome = async move {
            // Gone without a word: its runtime was shut down, or has no network or no timers.
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

    /// Not when it has failed some time ago, nor when it should have ended and has not: whoever
    /// makes it may be on a runtime that nobody drives.
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
