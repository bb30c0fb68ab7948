use std::{pin::Pin, time::Duration};

use tokio::time::Instant;

use super::{Fingerprint, IssuedToken, TokenError, TokenErrorKind, lifetime::EXPIRY_MARGIN};

/// A source of tokens: one request to a token endpoint, without a cache or a
/// retry.
///
/// [`TokenCache`](super::TokenCache) around it keeps the token, shares each
/// renewal among all callers, and retries it. The [kind](super::TokenErrorKind)
/// of the error decides what the cache does next.
///
/// The [module docs](super#example) have an example.
/// [`source_fn`](super::source_fn) turns a closure into a source.
///
/// # Cancellation
///
/// The cache drops the future at the deadline of [`FetchContext`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of tokens",
    note = "wrap a closure in `token::source_fn`",
    note = "give a `TokenCache` to a layer directly; for a token that never changes, use `FixedToken`"
)]
pub trait TokenSource: Send + Sync + 'static {
    /// Requests a token.
    ///
    /// # Errors
    ///
    /// A [`TokenError`]. Its kind tells the cache whether and when to ask
    /// again.
    fn fetch(
        &self,
        cx: FetchContext,
    ) -> impl Future<Output = Result<IssuedToken, TokenError>> + Send;

    /// Returns the host of the token endpoint, for errors and log events.
    /// Default: none.
    fn login_host(&self) -> Option<&str> {
        None
    }

    /// Revokes this token at the service that issued it.
    ///
    /// [`TokenCache::revoke`](super::TokenCache::revoke) calls it with the
    /// cache's token, if it has one. A source that shares tokens with other
    /// processes also revokes the shared token, and notifies the others. Return
    /// `Ok` for a token that the service no longer knows.
    ///
    /// Default:
    /// [`TokenErrorKind::NotRevocable`](super::TokenErrorKind::NotRevocable)
    /// for a token, `Ok` without one.
    ///
    /// # Errors
    ///
    /// The kind of the error tells whether the service or the store was
    /// unreachable.
    fn revoke(&self, token: Option<&str>) -> impl Future<Output = Result<(), TokenError>> + Send {
        let result = match token {
            Some(_) => Err(not_revocable()),
            None => Ok(()),
        };
        std::future::ready(result)
    }

    /// Returns whether the cache may repeat a request whose outcome is unknown
    /// (sent, but not answered). Default: yes.
    ///
    /// Return `false` if each request uses something up, such as a one-time
    /// code.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Returns whether the cache may send a second request while a slow first
    /// one is in flight. Default: the value of
    /// [`is_repeatable`](Self::is_repeatable).
    fn may_overlap(&self) -> bool {
        self.is_repeatable()
    }

    /// Returns whether each fetch ends before the deadline of its
    /// [`FetchContext`] on its own, and limits the time of each request that it
    /// sends. Default: no.
    ///
    /// While callers wait, the cache starts a second fetch if the first takes
    /// longer than
    /// [`with_attempt_timeout`](super::CacheSettings::with_attempt_timeout),
    /// because its request may be lost. If this method returns `true`, the
    /// cache starts no second fetch. Return `true` for a source that can wait
    /// for more than its own request, for example until another process has
    /// fetched a token for both.
    fn keeps_deadline(&self) -> bool {
        false
    }
}

/// The reason and the deadline of a fetch.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use tower_genesys::{
///     TokenError,
///     token::{FetchContext, IssuedToken, Reason, TokenSource, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let source = source_fn(|cx: FetchContext| async move {
///     assert_eq!(cx.reason, Reason::Missing);
///     Ok(IssuedToken::new("s3cr3t", Duration::from_secs(3600)))
/// });
/// let deadline = Instant::now() + Duration::from_secs(15);
/// let cx = FetchContext::new(Reason::Missing, deadline);
/// let token = source.fetch(cx).await?;
/// assert_eq!(token.remaining(), token.lifetime());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchContext {
    /// Why the cache fetches a token.
    pub reason: Reason,
    /// When the cache gives this fetch up, on tokio's clock.
    pub deadline: Instant,
    /// The token that the API refused, if it refused one. A source that shares
    /// tokens with other processes must not return this one.
    pub rejected: Option<Fingerprint>,
    /// How long before expiry the cache stops serving a token. The cache caps
    /// this at a tenth of the token's lifetime. Default: 30 seconds.
    pub expiry_margin: Duration,
}

impl FetchContext {
    /// Creates a context with this reason and deadline, and without a refused
    /// token. Use it in tests of a source, and to fetch without a cache.
    pub const fn new(reason: Reason, deadline: Instant) -> Self {
        Self {
            reason,
            deadline,
            rejected: None,
            expiry_margin: EXPIRY_MARGIN,
        }
    }
}

/// The reason for a renewal.
///
/// [`FetchContext`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The cache has no token.
    Missing,
    /// The token will expire soon. The cache serves it meanwhile.
    Due,
    /// The token has expired.
    Expired,
    /// The API refused the token.
    Rejected,
    /// The program called
    /// [`TokenCache::invalidate`](super::TokenCache::invalidate). The cache
    /// serves the token meanwhile.
    Forced,
    /// The source asked for a check with [`IssuedToken::with_check_in`]. The
    /// token is valid, and the cache serves it meanwhile.
    Check,
}

impl Reason {
    /// Returns the name for log events and metrics.
    ///
    /// ```
    /// use tower_genesys::token::Reason;
    ///
    /// assert_eq!(Reason::Forced.as_str(), "forced");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Due => "due",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Forced => "forced",
            Self::Check => "check",
        }
    }

    /// Returns whether the cache serves the token meanwhile, so that no caller
    /// waits.
    pub(crate) const fn is_background(self) -> bool {
        matches!(self, Self::Due | Self::Forced | Self::Check)
    }
}

/// The error of a source without revocation.
fn not_revocable() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRevocable,
        "the token was not revoked: its source does not support that; implement \
         `TokenSource::revoke`, or let the token expire",
    )
}

/// The boxed future of a revocation.
pub(super) type Revoking<'a> = Pin<Box<dyn Future<Output = Result<(), TokenError>> + Send + 'a>>;

/// The boxed future of a fetch.
pub(super) type Fetching<'a> =
    Pin<Box<dyn Future<Output = Result<IssuedToken, TokenError>> + Send + 'a>>;

/// An object-safe [`TokenSource`], so that the cache is not generic over it.
pub(super) trait ErasedSource: Send + Sync {
    fn fetch(&self, cx: FetchContext) -> Fetching<'_>;
    fn revoke<'a>(&'a self, token: Option<&'a str>) -> Revoking<'a>;
    fn login_host(&self) -> Option<&str>;
    fn is_repeatable(&self) -> bool;
    fn may_overlap(&self) -> bool;
    fn keeps_deadline(&self) -> bool;
}

impl<T: TokenSource> ErasedSource for T {
    fn fetch(&self, cx: FetchContext) -> Fetching<'_> {
        Box::pin(TokenSource::fetch(self, cx))
    }

    fn revoke<'a>(&'a self, token: Option<&'a str>) -> Revoking<'a> {
        Box::pin(TokenSource::revoke(self, token))
    }

    fn login_host(&self) -> Option<&str> {
        TokenSource::login_host(self)
    }

    fn is_repeatable(&self) -> bool {
        TokenSource::is_repeatable(self)
    }

    fn may_overlap(&self) -> bool {
        TokenSource::may_overlap(self)
    }

    fn keeps_deadline(&self) -> bool {
        TokenSource::keeps_deadline(self)
    }
}
