use std::borrow::Cow;

use redis::{ErrorKind, RedisError};

use super::{RedisStoreErrorKind, refusal};
use crate::store::{StoreError, StoreErrorKind};

/// Why a script has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no tokio runtime to connect in.
    NoRuntime,
    /// There is no connection, and so nothing was sent.
    NotConnected(RedisError),
    /// The server says no, or the connection broke when the script was on its way.
    Answer(RedisError),
    /// What came back is not what the scripts return.
    Nonsense,
}

/// What a failure comes to: for whoever goes on without the store, for whoever sets it up, and in
/// words.
///
/// Nothing of the server's own words is in it: some servers and proxies repeat the command that
/// they refuse, and with it the password.
pub(super) struct Diagnosis {
    pub(super) kind: StoreErrorKind,
    pub(super) setup: RedisStoreErrorKind,
    pub(super) message: Cow<'static, str>,
}

impl Failure {
    pub(super) fn diagnose(&self) -> Diagnosis {
        use RedisStoreErrorKind as Setup;
        use StoreErrorKind as Kind;
        match self {
            Self::NoRuntime => Diagnosis::new(
                Kind::Unavailable,
                Setup::Unreachable,
                "there is no tokio runtime here to connect to Redis; use the store inside of one",
            ),
            Self::Nonsense => Diagnosis::new(
                Kind::Unavailable,
                Setup::Server,
                "the answer is not that of a Redis or Valkey server; check what listens there",
            ),
            Self::NotConnected(error) | Self::Answer(error) => match error.kind() {
                ErrorKind::Io if matches!(self, Self::NotConnected(_)) => Diagnosis::new(
                    Kind::Unavailable,
                    Setup::Unreachable,
                    "Redis was not reached; check that it runs, its address, and for rediss its \
                     certificate",
                ),
                ErrorKind::Io => Diagnosis::new(
                    Kind::Timeout,
                    Setup::Unreachable,
                    "Redis did not answer, or the connection to it broke; check the network and \
                     the load of the server",
                ),
                ErrorKind::AuthenticationFailed => refusal::wrong_password(),
                ErrorKind::RESP3NotSupported => Diagnosis::new(
                    Kind::Denied,
                    Setup::Server,
                    "Redis does not speak RESP3, or refused the login; leave `protocol=resp3` out \
                     of its URL",
                ),
                ErrorKind::Server(_) | ErrorKind::Extension => refusal::diagnose(error),
                _ => Self::Nonsense.diagnose(),
            },
        }
    }

    /// What is safe to show of the cause: errors of sockets and of TLS, which repeat nothing that
    /// was sent.
    fn into_source(self) -> Option<RedisError> {
        match self {
            Self::NotConnected(error) | Self::Answer(error) if error.is_io_error() => Some(error),
            _ => None,
        }
    }

    pub(super) fn into_parts(self) -> (Diagnosis, Option<RedisError>) {
        (self.diagnose(), self.into_source())
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let (diagnosis, source) = failure.into_parts();
        let error = Self::new(diagnosis.kind, diagnosis.message);
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl Diagnosis {
    pub(super) fn new(
        kind: StoreErrorKind,
        setup: RedisStoreErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            setup,
            message: message.into(),
        }
    }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
