use std::time::Duration;

use crate::token::{Generation, Reason, TokenError};

/// The state of a [`TokenCache`](super::TokenCache) at one moment, for
/// readiness probes.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{
///     TokenCache, TokenError,
///     token::{IssuedToken, Reason, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let hour = Duration::from_secs(3600);
/// let cache = TokenCache::new(source_fn(move |_| async move {
///     Ok(IssuedToken::new("s3cr3t", hour))
/// }));
/// assert!(!cache.status().is_ready()); // asking starts nothing
/// cache.warm_up().await?;
///
/// let status = cache.status();
/// assert!(status.is_ready() && !status.refused);
/// // The cache stops serving the token 30 seconds before it expires.
/// assert!(status.valid_for <= Some(hour - Duration::from_secs(30)));
/// assert_eq!((status.failures, status.renewing), (0, None::<Reason>));
/// # Ok(())
/// # }
/// ```
///
/// The [guide](crate::guide::operating#is-it-ready) has a readiness probe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheStatus {
    /// The generation of the cache's token, if it has one.
    pub generation: Option<Generation>,
    /// How much longer the cache may serve that token; `None` without a valid
    /// token.
    pub valid_for: Option<Duration>,
    /// Whether the API has refused that token. While a renewal is in flight,
    /// callers wait for the newer token; otherwise they get this one. If
    /// `failures` is above zero too, requests currently end in a 401.
    pub refused: bool,
    /// Why a renewal is in flight; `None` if none is.
    pub renewing: Option<Reason>,
    /// How many renewals have failed in a row.
    pub failures: u32,
    /// The error of the last failed renewal; `None` after a success.
    pub last_error: Option<TokenError>,
    /// Whether [`close`](super::TokenCache::close) was called.
    pub closed: bool,
}

impl CacheStatus {
    /// Returns whether the cache can serve a token now: one that has not
    /// expired, even if the API has [`refused`](Self::refused) it.
    pub fn is_ready(&self) -> bool {
        self.valid_for.is_some()
    }
}
