//! The refusals of servers, and the next step after each.
//!
//! No other file reads a server's words.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::{RedisStoreErrorKind, finding::Diagnosis};
use crate::store::StoreErrorKind;

/// A refusal of a server: its code, and a part of its text if the code is
/// ambiguous.
struct Refusal {
    /// The first word of the error, such as `NOPERM`.
    code: &'static str,
    /// A part of the rest; empty if the code says enough.
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

    /// Returns whether an error of this code and text is this refusal.
    fn matches(&self, code: &str, text: &str) -> bool {
        // Redis 6 wraps the error of a command in a script:
        // `ERR Error running script …: -OOM command …`.
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
    "Redis rejected the login; check the user and password in its URL, and that Redis accepts more connections",
);

const READ_ONLY: Refusal = Refusal::new(
    "READONLY",
    "",
    StoreErrorKind::Unavailable,
    RedisStoreErrorKind::Server,
    NOT_THE_PRIMARY,
);

const NO_LOGIN: &str = "Redis requires a login; put user and password into its URL";
const NO_PERMISSION: &str = "this user of Redis may not run the commands of the store, or not on its keys; give it the rights \
     in the documentation of RedisStore";
const NOT_THE_PRIMARY: &str = "this Redis server is a replica and accepts no writes; give the URL of the primary, or \
     redis-sentinel:// for one that changes";
const OTHER_NODE: &str = "this node of the Redis Cluster does not have the key; write redis-cluster:// instead of \
     redis:// (feature `redis-cluster`)";

/// The known refusals; the first match wins.
///
/// `Denied` needs a person; `Unavailable` may pass by itself.
static REFUSALS: [Refusal; 23] = {
    use RedisStoreErrorKind as Setup;
    use Refusal as R;
    use StoreErrorKind::{Denied, Unavailable};
    [
        WRONG_PASSWORD,
        R::new("NOAUTH", "", Denied, Setup::Credentials, NO_LOGIN),
        // A server that requires a login rejects a long command, and closes the
        // connection.
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
            "Redis is in protected mode and rejects other hosts; set up a user and a password",
        ),
        R::new(
            "ERR",
            "unknown command",
            Denied,
            Setup::Server,
            "this server does not know EVALSHA: it is a Sentinel (write redis-sentinel://), or has EVAL \
             and EVALSHA switched off, or is older than Redis 6",
        ),
        R::new(
            "ERR",
            "max number of clients",
            Unavailable,
            Setup::Server,
            "Redis has no free connection; raise `maxclients`, or connect fewer processes",
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
            "Redis has no memory left for a token; raise `maxmemory`, or allow eviction",
        ),
        READ_ONLY,
        R::new(
            "MASTERDOWN",
            "",
            Unavailable,
            Setup::Server,
            "this replica of Redis has lost its primary; give the URL of the primary",
        ),
        R::new("MOVED", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new("ASK", "", Unavailable, Setup::Server, OTHER_NODE),
        R::new(
            "TRYAGAIN",
            "",
            Unavailable,
            Setup::Server,
            "the Redis Cluster is moving this key to another node; it will finish soon",
        ),
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
            "Redis is still loading its data; it will finish soon",
        ),
        R::new(
            "BUSY",
            "",
            Unavailable,
            Setup::Server,
            "a script of another client blocks Redis; see SCRIPT KILL",
        ),
        R::new(
            "MISCONF",
            "",
            Unavailable,
            Setup::Server,
            "Redis accepts no writes because it cannot save to its disk; see its log",
        ),
        R::new(
            "NOREPLICAS",
            "",
            Unavailable,
            Setup::Server,
            "Redis accepts no writes without its replicas; check them, or `min-replicas-to-write`",
        ),
    ]
};

/// Diagnoses a server's refusal.
pub(super) fn diagnose(error: &RedisError) -> Diagnosis {
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

/// Returns the code if it has the form of one, so that no other text reaches a
/// message.
fn shown(code: &str) -> &str {
    let is_code = (1..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase());
    if is_code { code } else { "no code" }
}

/// Returns whether the server refused a write because it is a replica. The kind
/// of the error does not tell: Redis 6 wraps the refusal.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    let text = error.detail().unwrap_or_default();
    READ_ONLY.matches(error.code().unwrap_or_default(), text)
}

/// Diagnoses a refused login. The redis crate keeps nothing of the answer.
pub(super) fn wrong_password() -> Diagnosis {
    WRONG_PASSWORD.diagnosis()
}
