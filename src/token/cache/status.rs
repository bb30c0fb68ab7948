use std::time::Duration;

use crate::token::{Generation, Reason, TokenError};

/// How a [`TokenCache`](super::TokenCache) stands at one moment, for readiness probes.
///
/// An example is in the [guide](crate::guide::operating#is-it-ready).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheStatus {
    /// Which token is held, if any.
    pub generation: Option<Generation>,
    /// How much longer that token may be sent; `None` when there is none that may.
    pub valid_for: Option<Duration>,
    /// Why a renewal is under way, if one is.
    pub renewing: Option<Reason>,
    /// How many renewals have failed in a row.
    pub failures: u32,
    /// The last of those failures.
    pub last_error: Option<TokenError>,
    /// Whether the cache was closed.
    pub closed: bool,
}

impl CacheStatus {
    /// Whether a request that is made now has a token.
    pub fn is_ready(&self) -> bool {
        self.valid_for.is_some()
    }
}
