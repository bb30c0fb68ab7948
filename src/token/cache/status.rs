use std::time::Duration;

use crate::token::{Generation, Reason, TokenError};

/// The state of a [`TokenCache`](super::TokenCache) at one moment, for
/// readiness probes.
///
/// An example is in the [guide](crate::guide::operating#is-it-ready).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheStatus {
    /// The generation of the cache's token, if it has one.
    pub generation: Option<Generation>,
    /// How much longer the cache may serve that token; `None` without a valid
    /// token.
    pub valid_for: Option<Duration>,
    /// Whether the API has refused that token. The cache serves it until it has
    /// a newer one. If `failures` is above zero too, requests currently end in
    /// a 401.
    pub refused: bool,
    /// Why a renewal is in flight; `None` if none is.
    pub renewing: Option<Reason>,
    /// How many renewals have failed in a row.
    pub failures: u32,
    /// The error of the last failed renewal.
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
