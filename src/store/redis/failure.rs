//! Why a script has no result, and what that means: for the running process,
//! for a check, and for the decision whether to try again.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{
    RedisStoreError, RedisStoreErrorKind,
    finding::{self, Diagnosis},
    refusal,
};
use crate::store::{StoreError, StoreErrorKind};

/// The reason why a script has no result.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// No tokio runtime to connect in.
    NoRuntime,
    /// No connection, so nothing was sent.
    NotConnected(RedisError),
    /// The server refused the script, or the connection broke after the script
    /// was sent.
    Sent(RedisError),
    /// The server is not what the settings say. Compared by address, so each
    /// finding is a `static`.
    Known(&'static Diagnosis),
    /// The reply is not one that the scripts return.
    Nonsense,
}

impl Failure {
    /// Returns what the failure means, and the next step.
    ///
    /// The more specific finding comes first: an I/O error may have TLS as its
    /// cause, and only the rest is the network or the load. A refusal of the
    /// server has its own table.
    pub(super) fn diagnose(&self) -> Diagnosis {
        use RedisStoreErrorKind as Setup;
        use StoreErrorKind as Kind;
        match self {
            Self::NoRuntime => Diagnosis::new(
                Kind::Unavailable,
                Setup::Unreachable,
                "there is no tokio runtime here to connect to Redis; use the store inside one",
            ),
            Self::Known(diagnosis) => Diagnosis::clone(diagnosis),
            Self::Nonsense => Diagnosis::new(
                Kind::Unavailable,
                Setup::Server,
                "the answer is not from a Redis or Valkey server; check which server listens there",
            ),
            Self::NotConnected(error) | Self::Sent(error) => match error.kind() {
                ErrorKind::ClusterConnectionNotFound => finding::NO_NODE.clone(),
                ErrorKind::Io => finding::about_tls(error)
                    .map_or_else(|| self.without_answer(), Diagnosis::clone),
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

    /// Returns the diagnosis of an I/O error that does not have TLS as its cause.
    fn without_answer(&self) -> Diagnosis {
        let (kind, text) = match self {
            Self::NotConnected(_) => (
                StoreErrorKind::Unavailable,
                "Redis was not reached; check that it runs, its address, and for rediss that the \
                 port speaks TLS",
            ),
            _ => (
                StoreErrorKind::Timeout,
                "Redis did not answer, or the connection to it broke; check the network and the \
                 load of the server, and whether it requires TLS, which is rediss in the URL",
            ),
        };
        Diagnosis::new(kind, RedisStoreErrorKind::Unreachable, text)
    }

    /// Returns whether the connection broke, so that a new one may succeed.
    pub(super) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Sent(error) if error.is_unrecoverable_error())
    }

    /// Returns whether a failover is the cause: the server was demoted, or is
    /// not promoted yet.
    pub(super) fn is_of_the_role(&self) -> bool {
        match self {
            Self::Sent(error) => {
                error.kind() == ErrorKind::Server(ServerErrorKind::MasterDown)
                    || refusal::is_read_only(error)
            }
            Self::Known(found) => std::ptr::eq(*found, &finding::NOT_THE_PRIMARY_YET),
            _ => false,
        }
    }

    /// Returns whether the server may have run the script: it was sent, and the
    /// connection broke before an answer.
    pub(super) fn leaves_the_outcome_open(&self) -> bool {
        matches!(self, Self::Sent(error) if error.is_io_error() && !error.is_connection_refusal())
    }

    /// Returns whether another node of a cluster has the key.
    pub(super) fn is_about_another_node(&self) -> bool {
        matches!(self, Self::Sent(error) if error.redirect_node().is_some())
    }

    /// Returns whether no server answered.
    pub(super) fn is_unreachable(&self) -> bool {
        self.diagnose().setup == RedisStoreErrorKind::Unreachable
    }

    /// Returns the failure as one of a Sentinel, which has its own login and
    /// rights.
    pub(super) fn of_sentinel(self) -> Self {
        // By what it would mean for a server, since both refuse in the same
        // words.
        match (self.diagnose().setup, &self) {
            (RedisStoreErrorKind::Credentials, _) => Self::Known(&finding::SENTINEL_LOGIN),
            (RedisStoreErrorKind::Permission, _) => Self::Known(&finding::SENTINEL_RIGHTS),
            (RedisStoreErrorKind::Unreachable, _) => Self::Known(&finding::NO_SENTINEL),
            // It answered, but does not know the command of Sentinels.
            (_, Self::Sent(error)) if !error.is_io_error() => {
                Self::Known(&finding::NO_SENTINEL_THERE)
            }
            _ => self,
        }
    }

    /// Returns the cause if it is safe to show: errors of sockets and TLS
    /// repeat nothing that was sent.
    fn into_source(self) -> Option<RedisError> {
        match self {
            Self::NotConnected(error) | Self::Sent(error) if error.is_io_error() => Some(error),
            _ => None,
        }
    }

    /// Returns the error of a failed check. `setting` names the setting with
    /// the URL.
    pub(super) fn checked(self, setting: &str) -> RedisStoreError {
        let (diagnosis, source) = self.into_parts();
        let message = format!("{setting}: {}", diagnosis.message);
        let error = RedisStoreError::new(diagnosis.setup, message);
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }

    /// Returns the meaning, and the cause if it is safe to show.
    fn into_parts(self) -> (Diagnosis, Option<RedisError>) {
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

#[cfg(test)]
mod tests;
