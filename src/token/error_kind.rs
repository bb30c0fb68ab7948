/// The kind of a [`TokenError`](super::TokenError), for code that decides by
/// it.
///
/// The [guide](crate::guide::operating#tokenerrorkind) names the next step for
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The token endpoint refused the client, its secret, or the grant, or the
    /// HTTP client refused to send the request. A retry fails again until the
    /// configuration is corrected.
    Denied,
    /// The grant was used before, has expired or was revoked. A person must log
    /// in again.
    LoginRequired,
    /// The token endpoint throttled the client.
    Throttled,
    /// The token endpoint, or a proxy in front of it, is failing.
    Unavailable,
    /// The token endpoint was unreachable, or the connection broke.
    Transport,
    /// The token did not arrive before the deadline.
    TimedOut,
    /// The token endpoint's response contains no valid token.
    Malformed,
    /// The source of the client's id and secret failed, or returned malformed
    /// ones.
    Credentials,
    /// The store rejected the new refresh token that came with the access
    /// token. The source keeps it in memory, and stores it before it does
    /// anything else with it.
    NotPersisted,
    /// The store failed to mark the refresh token as in use. The source did not
    /// send it, and the login stays valid.
    NotMarked,
    /// Another token request is using this one-time grant.
    Busy,
    /// The API refused the token, and a newer one is not available now; or no
    /// token of this source is valid for as long as requested.
    NotRenewable,
    /// The renewal needs a tokio runtime, and the caller is outside one.
    NoRuntime,
    /// The code that fetches the token panicked.
    Panicked,
    /// The cache was closed.
    Closed,
    /// The source of the token does not support revocation.
    NotRevocable,
    /// The service revoked the token, but the shared store still has it.
    Store,
}

impl TokenErrorKind {
    /// Returns the name for spans and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::LoginRequired => "login_required",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Transport => "transport",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::Credentials => "credentials",
            Self::NotRenewable => "not_renewable",
            Self::NoRuntime => "no_runtime",
            Self::Panicked => "panicked",
            Self::Closed => "closed",
            Self::NotPersisted => "not_persisted",
            Self::NotMarked => "not_marked",
            Self::Busy => "busy",
            Self::NotRevocable => "not_revocable",
            Self::Store => "store",
        }
    }
}
