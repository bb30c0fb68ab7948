use std::{fmt, pin::Pin, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    TokenError, TokenErrorKind,
    lifetime::{self, EXPIRY_MARGIN},
};

/// Where tokens come from: one request to a token endpoint, and nothing else.
///
/// A source keeps no token, takes no lock and repeats nothing: [`TokenCache`](super::TokenCache)
/// does all that. Its error decides what happens next, so give it the
/// [kind](super::TokenErrorKind) that fits.
///
/// # Cancellation
///
/// The cache drops the future when the deadline of [`FetchContext`] is over.
///
/// There is an example in the [module docs](super); [`source_fn`](super::source_fn) makes one of a
/// closure.
pub trait TokenSource: Send + Sync + 'static {
    /// Asks for a token.
    fn fetch(
        &self,
        cx: FetchContext,
    ) -> impl Future<Output = Result<IssuedToken, TokenError>> + Send;

    /// The host that is asked, for errors and log events. Default: none.
    fn login_host(&self) -> Option<&str> {
        None
    }

    /// Ends this token at the service that issued it, so that nobody can use it any more.
    ///
    /// [`TokenCache::revoke`](super::TokenCache::revoke) calls it with the token that the cache
    /// has, if it has one. A source that shares tokens with other processes also ends the one that
    /// it shares, and tells the others. A token that the service does not know any more has ended.
    ///
    /// Default: [`TokenErrorKind::NotRevocable`](super::TokenErrorKind::NotRevocable) if there is a
    /// token.
    ///
    /// # Errors
    ///
    /// What could not be reached, by the kind of the error.
    fn revoke(&self, token: Option<&str>) -> impl Future<Output = Result<(), TokenError>> + Send {
        let result = match token {
            Some(_) => Err(not_revocable()),
            None => Ok(()),
        };
        std::future::ready(result)
    }

    /// Whether a request of which nobody knows if it arrived may be made again. Default: yes.
    ///
    /// Say no where each request spends something, such as a one-time code.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Whether a second request may be made while the first has no answer yet, when that is slow.
    /// Default: if it [is repeatable](Self::is_repeatable).
    fn may_overlap(&self) -> bool {
        self.is_repeatable()
    }

    /// Whether a fetch ends by itself before the deadline of its [`FetchContext`], and limits each
    /// request that it makes. Default: no.
    ///
    /// While callers wait, the cache begins a second fetch beside one that takes longer than
    /// [`with_attempt_timeout`](super::CacheSettings::with_attempt_timeout), since its request may
    /// be lost. Beside one that says yes, it begins none: for a source that waits for something
    /// else than its own request, such as another process that is getting a token for both.
    fn keeps_deadline(&self) -> bool {
        false
    }
}

/// Why and for how long a token is asked for.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::Instant;
/// use tower_genesys::{
///     TokenError, token::{FetchContext, IssuedToken, Reason, TokenSource, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let source = source_fn(|cx: FetchContext| async move {
///     assert_eq!(cx.reason, Reason::Missing);
///     Ok(IssuedToken::new("s3cr3t", Duration::from_secs(3600)))
/// });
/// let deadline = Instant::now() + Duration::from_secs(15);
/// let token = source.fetch(FetchContext::new(Reason::Missing, deadline)).await?;
/// assert_eq!(token.remaining(), token.lifetime());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchContext {
    /// What made it necessary.
    pub reason: Reason,
    /// When the cache gives up on this request, on tokio's clock.
    pub deadline: Instant,
    /// The token that the API refused, when that is the reason: a source that shares tokens with
    /// others must not return this one.
    pub rejected: Option<Fingerprint>,
    /// How long before its end the cache takes a token for expired, unless a tenth of its life is
    /// less. Default: 30 seconds.
    pub expiry_margin: Duration,
}

impl FetchContext {
    /// For this reason, until then; no token was refused. For tests of a source, and to fetch
    /// without a cache.
    pub const fn new(reason: Reason, deadline: Instant) -> Self {
        Self {
            reason,
            deadline,
            rejected: None,
            expiry_margin: EXPIRY_MARGIN,
        }
    }
}

/// What made a new token necessary.
///
/// An example is at [`FetchContext`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There was none yet.
    Missing,
    /// The token will expire soon; it is still served meanwhile.
    Due,
    /// The token has expired.
    Expired,
    /// The API refused the token.
    Rejected,
    /// Somebody called [`TokenCache::invalidate`](super::TokenCache::invalidate); the token is
    /// served meanwhile.
    Forced,
    /// The source asked for it by [`IssuedToken::with_check_in`]; the token is good, and served
    /// meanwhile.
    Check,
}

impl Reason {
    /// The name in log events.
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

    /// Whether the token is served meanwhile, so that nobody waits.
    pub(crate) const fn is_background(self) -> bool {
        matches!(self, Self::Due | Self::Forced | Self::Check)
    }
}

/// A token as a [`TokenSource`] got it.
///
/// An example is at [`FetchContext`].
#[derive(Clone, Debug)]
pub struct IssuedToken {
    secret: SecretString,
    lifetime: Duration,
    remaining: Duration,
    check_in: Option<Duration>,
}

impl IssuedToken {
    /// A token that was issued just now and lives for `lifetime`.
    pub fn new(secret: impl Into<SecretString>, lifetime: Duration) -> Self {
        Self {
            secret: secret.into(),
            lifetime,
            remaining: lifetime,
            check_in: None,
        }
    }

    /// For a token that was issued some time ago: how much of its life is left. Never more than
    /// the whole.
    #[must_use]
    pub fn with_remaining(mut self, remaining: Duration) -> Self {
        self.remaining = remaining.min(self.lifetime);
        self
    }

    /// Has the source asked again after this, in the background, though the token is good: with
    /// [`Reason::Check`], when somebody next uses it. Default: not before it is due.
    ///
    /// At least a second after it was adopted. The source may return the same token again, which
    /// stays the one that it is, with another time to be asked.
    #[must_use]
    pub fn with_check_in(mut self, wait: Duration) -> Self {
        self.check_in = Some(wait);
        self
    }

    /// The whole life of the token, from when it was issued.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// What was left of it when the request for it was sent.
    pub fn remaining(&self) -> Duration {
        self.remaining
    }

    /// When the source wants to be asked again.
    pub fn check_in(&self) -> Option<Duration> {
        self.check_in
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Its lifetime and what is left of it, as far as they are [believed](lifetime).
    pub(super) fn bounds(&self) -> (Duration, Duration) {
        lifetime::bounded(self.lifetime, self.remaining)
    }

    /// The same token, with a life that the cache and every store can keep.
    pub(crate) fn within_bounds(mut self) -> Self {
        (self.lifetime, self.remaining) = self.bounds();
        self
    }
}

/// A digest by which two processes can tell that they mean the same token without showing it.
///
/// The first 128 bits of its SHA-256. A token is random and long, so that nothing leads back.
///
/// ```
/// use tower_genesys::token::Fingerprint;
///
/// assert_eq!(Fingerprint::of("s3cr3t"), Fingerprint::of("s3cr3t"));
/// assert_ne!(Fingerprint::of("s3cr3t"), Fingerprint::of("another"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a token.
    pub fn of(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Self(first)
    }

    /// The fingerprint that [`as_bytes`](Self::as_bytes) gave. For stores, which keep it beside the
    /// token.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", u128::from_be_bytes(self.0))
    }
}

fn not_revocable() -> TokenError {
    TokenError::new(
        TokenErrorKind::NotRevocable,
        "the source of this token cannot end it; implement `TokenSource::revoke`, or let it expire",
    )
}

pub(super) type Revoking<'a> = Pin<Box<dyn Future<Output = Result<(), TokenError>> + Send + 'a>>;

pub(super) type Fetching<'a> =
    Pin<Box<dyn Future<Output = Result<IssuedToken, TokenError>> + Send + 'a>>;

/// [`TokenSource`] behind a pointer, so that the cache is not generic over it.
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
