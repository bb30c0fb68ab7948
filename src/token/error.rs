use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{BoxError, error::find};

/// Why there is no token.
///
/// One failed renewal fails every caller that waited for it, so the error is cheap to clone. It
/// holds no secret, no token, and no byte of a response body. [`find`](Self::find) gets it back out
/// of the boxes that a stack of layers puts around it.
#[derive(Clone)]
pub struct TokenError {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: TokenErrorKind,
    message: Cow<'static, str>,
    oauth_code: Option<Box<str>>,
    correlation_id: Option<Box<str>>,
    login_host: Option<Box<str>>,
    retry_after: Option<Duration>,
    retry_at: Option<Instant>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What kind of failure a [`TokenError`] is, for code that decides what to do.
///
/// What to do about each is in the [guide](crate::guide::operating#tokenerrorkind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The token endpoint refused the client, its secret, or the grant, or the HTTP client refuses
    /// to send the request. Trying again changes nothing until somebody corrects the configuration.
    Denied,
    /// The grant was spent, has expired or was revoked: a person has to log in again.
    LoginRequired,
    /// The token endpoint asked for fewer requests.
    Throttled,
    /// The token endpoint, or something in front of it, is out of order.
    Unavailable,
    /// The token endpoint was not reached, or the connection broke.
    Transport,
    /// The token did not come in time.
    TimedOut,
    /// The token endpoint answered with something that is no token.
    Malformed,
    /// The client's id and secret were not to be had, or cannot be right.
    Credentials,
    /// The new refresh token that came with the token could not be stored. It is kept in memory,
    /// and stored before anything else is done with it.
    NotPersisted,
    /// The stored refresh token could not be marked as in use. It was not sent, and the login is
    /// kept.
    NotMarked,
    /// The grant is in use by another request for a token, and can be used once only.
    Busy,
    /// The token was refused by the API, and a newer one is not to be had now.
    NotRenewable,
    /// There is no tokio runtime to renew on.
    NoRuntime,
    /// The code that was to fetch the token panicked.
    Panicked,
    /// The cache was closed.
    Closed,
    /// The token was to be revoked, and its source cannot do that.
    NotRevocable,
    /// The token has ended at the service, and the store that processes share still has it.
    Store,
}

impl TokenErrorKind {
    /// The name in spans and metrics.
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

impl TokenError {
    /// An error of this kind, with a message that names the cause and the next step.
    ///
    /// For authors of a [`TokenSource`](super::TokenSource). The message must hold no secret.
    pub fn new(kind: TokenErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            oauth_code: None,
            correlation_id: None,
            login_host: None,
            retry_after: None,
            retry_at: None,
            source: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Adds the error that led to this one.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.with(|inner| inner.source = Some(source.into().into()))
    }

    /// Adds the OAuth 2.0 error code, such as `invalid_client` (RFC 6749, section 5.2).
    #[must_use]
    pub fn with_oauth_code(self, code: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.oauth_code = Some(code.into()))
    }

    /// Adds the id under which the service knows this request.
    #[must_use]
    pub fn with_correlation_id(self, id: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.correlation_id = Some(id.into()))
    }

    /// Adds the host that was asked for the token.
    #[must_use]
    pub fn with_login_host(self, host: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.login_host = Some(host.into()))
    }

    /// Adds the host, of a source that knows it.
    pub(crate) fn with_login_host_of(self, host: Option<&str>) -> Self {
        match host {
            Some(host) => self.with_login_host(host),
            None => self,
        }
    }

    /// Adds a further step to the message.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        self.with(|inner| inner.message = format!("{}; {hint}", inner.message).into())
    }

    /// Adds how long the token endpoint asked to be left alone.
    ///
    /// Zero counts as not stated: a wait that is none would have it asked in a loop.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(wait).filter(|wait| !wait.is_zero()))
    }

    /// Whether the token endpoint itself wants to be left alone.
    pub(crate) fn asks_for_rest(&self) -> bool {
        self.inner.kind == TokenErrorKind::Throttled || self.inner.retry_after.is_some()
    }

    pub(crate) fn with_retry_at(self, at: Instant) -> Self {
        self.with(|inner| inner.retry_at = Some(at))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> TokenErrorKind {
        self.inner.kind
    }

    /// Whether it may go away by itself.
    ///
    /// False for what somebody has to correct: refused or missing credentials, a spent grant, a
    /// closed cache, no runtime. The cache asks again even then, though seldom, since a secret may
    /// be rotated at run time.
    pub fn is_transient(&self) -> bool {
        use TokenErrorKind as Kind;
        // Every kind is named, so that a new one cannot be taken for either by accident.
        match self.inner.kind {
            Kind::Throttled | Kind::Unavailable | Kind::Transport | Kind::TimedOut => true,
            Kind::Malformed | Kind::Panicked => true,
            Kind::NotPersisted | Kind::NotMarked | Kind::Busy | Kind::Store => true,
            Kind::Denied | Kind::LoginRequired | Kind::Credentials => false,
            Kind::NotRenewable | Kind::NoRuntime | Kind::Closed | Kind::NotRevocable => false,
        }
    }

    /// When the cache will ask for a token again; until then it answers with this error.
    ///
    /// On tokio's clock. `None` outside a cache.
    pub fn retry_at(&self) -> Option<Instant> {
        self.inner.retry_at
    }

    /// How long the token endpoint asked to be left alone, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The OAuth 2.0 error code, such as `invalid_client`.
    pub fn oauth_code(&self) -> Option<&str> {
        self.inner.oauth_code.as_deref()
    }

    /// The id under which the service knows the failed request (`ININ-Correlation-Id` at Genesys):
    /// name it to their support.
    pub fn correlation_id(&self) -> Option<&str> {
        self.inner.correlation_id.as_deref()
    }

    /// The host that was asked for the token.
    pub fn login_host(&self) -> Option<&str> {
        self.inner.login_host.as_deref()
    }

    /// The `TokenError` in a chain of errors, however many boxes a stack of layers has put around
    /// it.
    ///
    /// ```
    /// use tower_genesys::{TokenError, token::TokenErrorKind};
    ///
    /// let error = TokenError::new(TokenErrorKind::Throttled, "the token endpoint is busy");
    /// let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(std::io::Error::other(error));
    /// let found = TokenError::find(&*boxed).expect("it is in there");
    /// assert_eq!(found.kind(), TokenErrorKind::Throttled);
    /// assert!(found.is_transient());
    /// ```
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("oauth_code", &self.inner.oauth_code)
            .field("correlation_id", &self.inner.correlation_id)
            .field("login_host", &self.inner.login_host)
            .field("retry_after", &self.inner.retry_after)
            .field("source", &self.inner.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(id) = &self.inner.correlation_id {
            write!(f, " [correlation id {id}]")?;
        }
        Ok(())
    }
}

impl Error for TokenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_is_what_may_go_away_by_itself() {
        use TokenErrorKind as Kind;
        for (kind, transient) in [
            (Kind::Denied, false),
            (Kind::LoginRequired, false),
            (Kind::Throttled, true),
            (Kind::Unavailable, true),
            (Kind::Transport, true),
            (Kind::TimedOut, true),
            (Kind::Malformed, true),
            (Kind::Credentials, false),
            (Kind::NotPersisted, true),
            (Kind::NotMarked, true),
            (Kind::Busy, true),
            (Kind::NotRenewable, false),
            (Kind::NoRuntime, false),
            (Kind::Panicked, true),
            (Kind::Closed, false),
            (Kind::NotRevocable, false),
            (Kind::Store, true),
        ] {
            assert_eq!(
                TokenError::new(kind, "").is_transient(),
                transient,
                "{kind:?}"
            );
        }
    }
}
