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
    /// Whether the API has refused that token. It is served on until there is a newer one, so this
    /// together with `failures` says that requests now end in a 401.
    pub refused: bool,
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
    /// Whether a request that is made now has a token: one that is valid by its life, even if the
    /// API has [`refused`](Self::refused) it.
    pub fn is_ready(&self) -> bool {
        self.valid_for.is_some()
    }
}
