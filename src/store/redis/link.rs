use std::{
    io, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture, Shared},
};
use redis::{
    Client, ConnectionAddr, RedisError, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{runtime::Handle, sync::oneshot, time::Instant};

use super::{failure::Failure, script::Call};

/// For a TCP and a TLS handshake and a login. Longer than anybody waits for an operation: it goes
/// on behind the operation that began it, and the next one finds it done.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For an answer, where nobody who is less patient waits for it.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// After a failure to connect, and after a connection that broke, operations share the failure for
/// so long: however many there are, a server that is down is asked ten times a second, twice each
/// time when it accepts connections and ends them.
const PAUSE: Duration = Duration::from_millis(100);

/// The way to the server: one connection that all operations share, made when it is first needed.
///
/// [`ConnectionManager`] reconnects when a connection breaks. It stays where it is when the server
/// does not answer at all, refuses the login, or is no primary any more; so in these cases it is
/// given up here, and the next operation starts another one, which also asks the DNS again.
pub(super) struct Link {
    client: Client,
    current: Mutex<Option<Attempt>>,
}

/// A connection, or one that is being made.
#[derive(Clone)]
struct Attempt {
    begun: Instant,
    has_answered: Arc<AtomicBool>,
    outcome: Shared<BoxFuture<'static, Result<ConnectionManager, RedisError>>>,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            current: Mutex::new(None),
        }
    }

    /// Carries a script out, in one round trip on a connection that stands.
    ///
    /// A connection that turns out to be broken, such as one that the server has closed while
    /// nobody used it, is made again at once, and the script is repeated: each of them may be. When
    /// the future is dropped without an answer, its connection is not used again.
    pub(super) async fn run(&self, call: &Call<'_>) -> Result<Value, Failure> {
        let attempt = self.attempt().ok_or(Failure::NoRuntime)?;
        let mut connection = match attempt.outcome.clone().await {
            Ok(connection) => connection,
            Err(error) => return Err(Failure::NotConnected(error)),
        };
        // One that has never answered was not broken by being idle.
        let has_answered = attempt.has_answered.load(Ordering::Relaxed);
        let unanswered = Unanswered {
            link: self,
            attempt: Some(attempt),
        };
        let mut sent = false;
        let mut result = call.run(&mut connection).await;
        if let Err(error) = &result
            && error.is_unrecoverable_error()
            && has_answered
        {
            sent = !error.is_connection_refusal();
            // The manager is reconnecting already, and this waits for it.
            result = call.run(&mut connection).await;
        }
        unanswered.answered(&result);
        result.map_err(|error| {
            if error.is_connection_refusal() && !sent {
                Failure::NotConnected(error)
            } else {
                Failure::Answer(error)
            }
        })
    }

    /// The connection that there is, or a new one. `None`: there is no runtime to make one in.
    fn attempt(&self) -> Option<Attempt> {
        let found = self.lock().clone();
        if let Some(attempt) = found.as_ref().filter(|attempt| attempt.is_usable()) {
            return Some(attempt.clone());
        }
        let runtime = Handle::try_current().ok()?;
        let (sender, receiver) = oneshot::channel();
        let attempt = Attempt {
            begun: Instant::now(),
            has_answered: Arc::default(),
            outcome: async move {
                // Gone without a word: its runtime was shut down, or has no network or no timers.
                let gone = |_| RedisError::from(io::Error::from(io::ErrorKind::ConnectionAborted));
                receiver.await.unwrap_or_else(|error| Err(gone(error)))
            }
            .boxed()
            .shared(),
        };
        let mut current = self.lock();
        match (&*current, &found) {
            // Somebody else was faster.
            (Some(theirs), found)
                if !found
                    .as_ref()
                    .is_some_and(|found| theirs.is_the_same(found)) =>
            {
                return Some(theirs.clone());
            }
            _ => {}
        }
        let old = current.replace(attempt.clone());
        drop(current);
        drop(old);
        let client = self.client.clone();
        runtime.spawn(async move {
            let _ = sender.send(connect(client).await);
        });
        Some(attempt)
    }

    /// Puts this in the place of an attempt, unless another one is there already.
    fn replace(&self, attempt: &Attempt, successor: Option<Attempt>) {
        let mut current = self.lock();
        let old = if current
            .as_ref()
            .is_some_and(|current| current.is_the_same(attempt))
        {
            mem::replace(&mut *current, successor)
        } else {
            successor
        };
        drop(current);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Attempt>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    fn failed(error: RedisError) -> Self {
        Self {
            begun: Instant::now(),
            has_answered: Arc::default(),
            outcome: future::ready(Err(error)).boxed().shared(),
        }
    }

    /// Not when it has failed some time ago, nor when it should have ended and has not: whoever
    /// makes it may be on a runtime that nobody drives.
    fn is_usable(&self) -> bool {
        match self.outcome.clone().now_or_never() {
            Some(Ok(_)) => true,
            Some(Err(_)) => self.begun.elapsed() < PAUSE,
            None => self.begun.elapsed() < 2 * CONNECT_TIMEOUT,
        }
    }

    fn is_the_same(&self, other: &Self) -> bool {
        self.outcome.ptr_eq(&other.outcome)
    }
}

async fn connect(client: Client) -> RedisResult<ConnectionManager> {
    if let ConnectionAddr::TcpTls { .. } = client.get_connection_info().addr() {
        choose_crypto();
    }
    let config = ConnectionManagerConfig::new()
        // A refusal is the answer of this operation, and the next one tries again.
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    ConnectionManager::new_with_config(client, config).await
}

/// The redis crate takes the process's crypto provider. With none, and two compiled in by whoever,
/// it would panic.
fn choose_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost only to somebody else who has just chosen one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Whether the next operation may use the connection after this error: it came from a server that
/// works for others, or would be no other on a new connection.
fn says_nothing_of_the_server(error: &RedisError) -> bool {
    use redis::{ErrorKind, ServerErrorKind as Server};
    match error.kind() {
        ErrorKind::Server(
            Server::ReadOnly | Server::MasterDown | Server::Moved | Server::ClusterDown,
        ) => false,
        ErrorKind::Server(_) => true,
        ErrorKind::Extension => error.code() != Some("NOAUTH"),
        _ => false,
    }
}

/// Gives a connection up when it goes out of scope.
struct Unanswered<'a> {
    link: &'a Link,
    attempt: Option<Attempt>,
}

impl Unanswered<'_> {
    fn answered(mut self, result: &RedisResult<Value>) {
        match result {
            Err(error) if error.is_io_error() => {
                if let Some(attempt) = self.attempt.take() {
                    let failed = Attempt::failed(error.clone());
                    self.link.replace(&attempt, Some(failed));
                }
            }
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
