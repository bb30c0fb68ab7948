use std::borrow::Cow;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::RedisStoreErrorKind;
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

/// What a failure comes to: for whoever goes on without the store, for whoever sets it up, and in words.
///
/// Nothing of the server's own words is in it: some servers and proxies repeat the command that they
/// refuse, and with it the password.
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
                ErrorKind::AuthenticationFailed => WRONG_PASSWORD.diagnosis(),
                ErrorKind::RESP3NotSupported => Diagnosis::new(
                    Kind::Denied,
                    Setup::Server,
                    "Redis does not speak RESP3, or refused the login; leave `protocol=resp3` out \
                     of its URL",
                ),
                ErrorKind::Server(_) | ErrorKind::Extension => answer(error),
                _ => Self::Nonsense.diagnose(),
            },
        }
    }

    /// What is safe to show of the cause: errors of sockets and of TLS, which repeat nothing that was sent.
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
    fn new(
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

/// An answer by which a server says no: its code, a part of its text where the code is not enough.
struct Refusal {
    code: &'static str,
    text: &'static str,
    kind: StoreErrorKind,
    setup: RedisStoreErrorKind,
    message: &'static str,
}

impl Refusal {
    const fn new(
        code: &'static str,
        text: &'static str,
        kind: StoreErrorKind,
        setup: RedisStoreErrorKind,
        message: &'static str,
    ) -> Self {
        Self {
            code,
            text,
            kind,
            setup,
            message,
        }
    }

    fn matches(&self, code: &str, text: &str) -> bool {
        // Redis 6 wraps what a command in a script answers: `ERR Error running script …: -OOM command …`.
        let wrapped = || !self.code.is_empty() && text.contains(&format!("-{} ", self.code));
        if self.text.is_empty() {
            code == self.code || (code == "ERR" && wrapped())
        } else {
            code == self.code && text.contains(self.text)
        }
    }

    fn diagnosis(&self) -> Diagnosis {
        Diagnosis::new(self.kind, self.setup, self.message)
    }
}

const WRONG_PASSWORD: Refusal = Refusal::new(
    "WRONGPASS",
    "",
    StoreErrorKind::Denied,
    RedisStoreErrorKind::Credentials,
    "Redis refused the login; check user and password in its URL, and that it has a connection to spare",
);

const NO_LOGIN: &str = "Redis wants a login; put user and password into its URL";
const NO_PERMISSION: &str = "this user of Redis may not run the commands of the store, or not on its keys; give it the rights \
     in the documentation of RedisStore";
const NOT_THE_PRIMARY: &str =
    "this Redis server is a replica and takes no writes; give the URL of the primary";
const OTHER_NODE: &str = "this node of the Redis Cluster does not have the key; give the URL of a proxy in front of the \
     cluster, or of a server that is none";

/// The first that matches.
static REFUSALS: [Refusal; 23] = {
    use RedisStoreErrorKind as Setup;
    use Refusal as R;
    use StoreErrorKind::{Denied, Unavailable};
    [
        WRONG_PASSWORD,
        R::new("NOAUTH", "", Denied, Setup::Credentials, NO_LOGIN),
        // A server without a login takes no command of so many words, and ends the connection.
        R::new(
            "ERR",
            "Protocol error: unauthenticated",
            Denied,
            Setup::Credentials,
            NO_LOGIN,
        ),
        R::new("NOPERM", "", Denied, Setup::Permission, NO_PERMISSION),
        R::new(
            "ERR",
            "can't run this command",
            Denied,
            Setup::Permission,
            NO_PERMISSION,
        ),
        R::new(
            "ERR",
            "can't access at least one of the keys",
            Denied,
            Setup::Permission,
            NO_PERMISSION,
        ),
        R::new(
            "ERR",
            "ACL failure in script",
            Denied,
            Setup::Permission,
            NO_PERMISSION,
        ),
        R::new(
            "DENIED",
            "",
            Denied,
            Setup::Credentials,
            "Redis is in protected mode and takes no foreign hosts; set up a user and a password",
        ),
        R::new(
            "ERR",
            "unknown command",
            Denied,
            Setup::Server,
            "this server does not know a command that the store needs; use Redis 6 or newer, or \
             Valkey, with EVAL and EVALSHA",
        ),
        R::new(
            "ERR",
            "max number of clients",
            Unavailable,
            Setup::Server,
            "Redis has no connection to spare; raise `maxclients`, or let fewer processes connect",
        ),
        R::new(
            "ERR",
            "DB index is out of range",
            Denied,
            Setup::Url,
            "Redis does not have the database in its URL; give the number of one that it has",
        ),
        R::new(
            "OOM",
            "",
            Unavailable,
            Setup::Server,
            "Redis has no memory left for a token; raise `maxmemory`, or let it evict",
        ),
        R::new("READONLY", "", Unavailable, Setup::Server, NOT_THE_PRIMARY),
        R::new(
            "MASTERDOWN",
            "",
            Unavailable,
            Setup::Server,
            "this replica of Redis has lost its primary; give the URL of the primary",
        ),
        R::new("MOVED", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new("ASK", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new("TRYAGAIN", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new("CROSSSLOT", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new(
            "CLUSTERDOWN",
            "",
            Unavailable,
            Setup::Server,
            "the Redis Cluster is down; check its nodes",
        ),
        R::new(
            "LOADING",
            "",
            Unavailable,
            Setup::Server,
            "Redis is still loading its data; it will be there soon",
        ),
        R::new(
            "BUSY",
            "",
            Unavailable,
            Setup::Server,
            "a script of somebody else holds Redis up; see SCRIPT KILL",
        ),
        R::new(
            "MISCONF",
            "",
            Unavailable,
            Setup::Server,
            "Redis takes no writes since it cannot save to its disk; see its log",
        ),
        R::new(
            "NOREPLICAS",
            "",
            Unavailable,
            Setup::Server,
            "Redis takes no writes without its replicas; check them, or `min-replicas-to-write`",
        ),
    ]
};

fn answer(error: &RedisError) -> Diagnosis {
    let code = error.code().unwrap_or_default();
    let text = error.detail().unwrap_or_default();
    if let Some(refusal) = REFUSALS.iter().find(|refusal| refusal.matches(code, text)) {
        return refusal.diagnosis();
    }
    let word = if error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError) {
        "ERR"
    } else {
        shown(code)
    };
    let message = format!("Redis refused the script of the store ({word}); see the server's log");
    Diagnosis::new(
        StoreErrorKind::Unavailable,
        RedisStoreErrorKind::Server,
        message,
    )
}

/// A code as servers have them, and nothing else that may stand in its place.
fn shown(code: &str) -> &str {
    let is_code = (1..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase());
    if is_code { code } else { "no code" }
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
