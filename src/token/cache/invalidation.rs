use tokio::time::Instant;

/// What became of the wish for another token: the answer of
/// [`TokenCache::invalidate`](super::TokenCache::invalidate).
///
/// ```
/// use tower_genesys::{TokenCache, token::Invalidation};
///
/// fn renew(tokens: &TokenCache) -> String {
///     match tokens.invalidate() {
///         Invalidation::Renewing => "a new token is on its way".into(),
///         Invalidation::Resting { until, .. } => format!("the token endpoint rests until {until:?}"),
///         Invalidation::Damped { until, .. } => format!("asked too often, wait until {until:?}"),
///         other => format!("not renewed: {other:?}"),
///     }
/// }
/// # let tokens = TokenCache::new(tower_genesys::token::source_fn(|_| std::future::pending()));
/// # assert!(renew(&tokens).contains("NoRuntime"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invalidation {
    /// A new token is on its way. The cache has asked for it now, or was asking already.
    Renewing,
    /// Not asked: the token endpoint wants to be left alone. A token that is held is replaced after
    /// that.
    #[non_exhaustive]
    Resting {
        /// Until when, on tokio's clock.
        until: Instant,
    },
    /// Not asked: tokens were forced too often, by this call or by 401s, without an end to it. A
    /// token that is held is replaced after that.
    #[non_exhaustive]
    Damped {
        /// Until when, on tokio's clock.
        until: Instant,
    },
    /// Not asked: there is no tokio runtime here. The next caller within one makes the cache ask.
    NoRuntime,
    /// Not asked: the cache was closed.
    Closed,
}

impl Invalidation {
    /// Whether a new token is on its way.
    pub const fn is_renewing(self) -> bool {
        matches!(self, Self::Renewing)
    }
}
