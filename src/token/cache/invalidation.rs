use tokio::time::Instant;

/// The result of [`TokenCache::invalidate`](super::TokenCache::invalidate):
/// whether a new token is on its way.
///
/// ```
/// use tower_genesys::{TokenCache, token::Invalidation};
///
/// fn renew(tokens: &TokenCache) -> String {
///     match tokens.invalidate() {
///         Invalidation::Renewing => "a new token is on its way".into(),
///         Invalidation::Resting { until, .. } => {
///             format!("the token endpoint asked for a pause until {until:?}")
///         }
///         Invalidation::Damped { until, .. } => {
///             format!("asked too often, wait until {until:?}")
///         }
///         other => format!("not renewed: {other:?}"),
///     }
/// }
/// # use std::future::pending;
/// # use tower_genesys::token::source_fn;
/// # let tokens = TokenCache::new(source_fn(|_| pending()));
/// # assert!(renew(&tokens).contains("NoRuntime"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invalidation {
    /// A renewal is in flight. This call started it, or it was in flight
    /// already.
    Renewing,
    /// No renewal: the token endpoint asked for a pause (`Retry-After`, or
    /// throttling). The cache replaces its token after the pause.
    #[non_exhaustive]
    Resting {
        /// Until when, on tokio's clock.
        until: Instant,
    },
    /// No renewal: calls of `invalidate`, or 401s, have forced too many. The
    /// cache replaces its token when the damper ends.
    #[non_exhaustive]
    Damped {
        /// Until when, on tokio's clock.
        until: Instant,
    },
    /// No renewal: this thread is outside a tokio runtime. The next caller
    /// inside a runtime starts the renewal.
    NoRuntime,
    /// No renewal: the cache was closed.
    Closed,
}

impl Invalidation {
    /// Returns whether a renewal is in flight.
    pub const fn is_renewing(self) -> bool {
        matches!(self, Self::Renewing)
    }
}
