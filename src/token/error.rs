use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::TokenErrorKind;
use crate::{BoxError, error::find};

/// The error of a token request, a renewal or a revocation.
///
/// All callers that waited for one renewal get the same error, so it is cheap
/// to clone. It contains no secret, no token, and no byte of a response body.
/// [`find`](Self::find) finds it inside the boxes that a stack of layers puts
/// around it.
#[derive(Clone)]
pub struct TokenError {
    inner: Arc<Inner>,
}

/// The content, behind one reference count.
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

impl TokenError {
    /// Creates an error of this kind. The message should name the cause and the
    /// next step.
    ///
    /// For authors of a [`TokenSource`](super::TokenSource). The message must
    /// contain no secret.
    ///
    /// ```
    /// use std::{io, time::Duration};
    /// use tower_genesys::{TokenError, token::TokenErrorKind};
    ///
    /// let busy = "the vault is busy; the cache asks again after its pause";
    /// let error = TokenError::new(TokenErrorKind::Throttled, busy)
    ///     .with_retry_after(Duration::from_secs(3))
    ///     .with_oauth_code("slow_down")
    ///     .with_correlation_id("addc4fca")
    ///     .with_login_host("vault.example.com")
    ///     .with_source(io::Error::other("status 429"));
    /// let text = format!("{busy} [correlation id addc4fca]");
    /// assert_eq!(error.to_string(), text);
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    /// assert_eq!(error.oauth_code(), Some("slow_down"));
    /// assert_eq!(error.login_host(), Some("vault.example.com"));
    /// ```
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

    /// Sets the error that caused this one. Its text, and that of its own
    /// causes, must contain no secret: the cache logs them.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.with(|inner| inner.source = Some(source.into().into()))
    }

    /// Sets the OAuth 2.0 error code, such as `invalid_client` (RFC 6749,
    /// section 5.2).
    #[must_use]
    pub fn with_oauth_code(self, code: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.oauth_code = Some(code.into()))
    }

    /// Sets the id under which the service knows this request.
    #[must_use]
    pub fn with_correlation_id(self, id: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.correlation_id = Some(id.into()))
    }

    /// Sets the host of the token endpoint.
    #[must_use]
    pub fn with_login_host(self, host: impl Into<Box<str>>) -> Self {
        self.with(|inner| inner.login_host = Some(host.into()))
    }

    /// Sets the host, if the source knows it.
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

    /// Sets the pause that the token endpoint asked for (`Retry-After`).
    ///
    /// Zero is ignored: without a pause the cache would ask in a loop.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with(|inner| inner.retry_after = Some(wait).filter(|wait| !wait.is_zero()))
    }

    /// Returns whether the token endpoint itself asked for a pause.
    pub(crate) fn asks_for_rest(&self) -> bool {
        self.inner.kind == TokenErrorKind::Throttled || self.inner.retry_after.is_some()
    }

    /// Sets when the cache may request a token again.
    pub(crate) fn with_retry_at(self, at: Instant) -> Self {
        self.with(|inner| inner.retry_at = Some(at))
    }

    /// Changes the content, on a copy if callers share it.
    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> TokenErrorKind {
        self.inner.kind
    }

    /// Returns whether the failure can pass without a change by a person.
    ///
    /// `false` for errors that a person or the program must correct: refused or
    /// missing credentials, a used grant, a token that cannot be renewed or
    /// revoked, a closed cache, no runtime. The cache asks again even then, at
    /// long intervals, because a secret can be rotated at run time.
    pub fn is_transient(&self) -> bool {
        use TokenErrorKind as Kind;
        // Names every kind, so that the compiler asks for a decision on a new
        // one.
        match self.inner.kind {
            Kind::Throttled | Kind::Unavailable | Kind::Transport | Kind::TimedOut => true,
            Kind::Malformed | Kind::Panicked => true,
            Kind::NotPersisted | Kind::NotMarked | Kind::Busy | Kind::Store => true,
            Kind::Denied | Kind::LoginRequired | Kind::Credentials => false,
            Kind::NotRenewable | Kind::NoRuntime | Kind::Closed | Kind::NotRevocable => false,
        }
    }

    /// Returns when the cache may request a token again. Until then, a caller
    /// without a valid token gets this error.
    ///
    /// The time is on tokio's clock. `None` if the error starts no pause, or
    /// if no cache returned it.
    pub fn retry_at(&self) -> Option<Instant> {
        self.inner.retry_at
    }

    /// Returns the pause that the token endpoint asked for, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns the OAuth 2.0 error code, such as `invalid_client`.
    pub fn oauth_code(&self) -> Option<&str> {
        self.inner.oauth_code.as_deref()
    }

    /// Returns the id under which the service knows the failed request
    /// (`ININ-Correlation-Id` at Genesys). Give it to their support.
    pub fn correlation_id(&self) -> Option<&str> {
        self.inner.correlation_id.as_deref()
    }

    /// Returns the host of the token endpoint.
    pub fn login_host(&self) -> Option<&str> {
        self.inner.login_host.as_deref()
    }

    /// Finds the first `TokenError` in a chain of errors, through any number of
    /// boxes that a stack of layers puts around it.
    ///
    /// ```
    /// use std::io;
    /// use tower_genesys::{BoxError, TokenError, token::TokenErrorKind};
    ///
    /// let error = TokenError::new(TokenErrorKind::Throttled, "busy");
    /// let boxed: BoxError = io::Error::other(error).into();
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
