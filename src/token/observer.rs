use std::time::Duration;

use super::{Generation, Reason, Rejection, TokenError};

/// An observer of the events of a [`TokenCache`](super::TokenCache), for
/// metrics or logs.
///
/// The cache calls it from the renewal's task and from callers, never under a
/// lock. It should return quickly. A closure is an observer:
///
/// ```
/// # use std::time::Duration;
/// use std::sync::Arc;
/// use tower_genesys::{TokenCache, token::TokenEvent};
/// # use tower_genesys::{TokenError, token::{FetchContext, IssuedToken, TokenSource}};
/// # struct Vault;
/// # impl TokenSource for Vault {
/// #     async fn fetch(&self, _cx: FetchContext) -> Result<IssuedToken, TokenError> {
/// #         Ok(IssuedToken::new("s3cr3t", Duration::from_secs(3600)))
/// #     }
/// # }
///
/// let cache = TokenCache::builder(Vault)
///     .observer(|event: &TokenEvent<'_>| println!("{event:?}"))
///     .build();
/// # let _ = cache;
/// ```
pub trait TokenObserver: Send + Sync {
    /// Receives one event.
    fn on_event(&self, event: &TokenEvent<'_>);
}

impl<F: Fn(&TokenEvent<'_>) + Send + Sync> TokenObserver for F {
    fn on_event(&self, event: &TokenEvent<'_>) {
        self(event);
    }
}

/// An event of a [`TokenCache`](super::TokenCache). No event contains a token
/// or a secret.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TokenEvent<'a> {
    /// A renewal starts.
    #[non_exhaustive]
    Started {
        /// Why the cache renewed the token.
        reason: Reason,
    },
    /// A renewal returned a token.
    #[non_exhaustive]
    Renewed {
        /// Why the cache renewed the token.
        reason: Reason,
        /// The token that the cache serves from now on.
        generation: Generation,
        /// How long the renewal took, including attempts and pauses.
        took: Duration,
    },
    /// A renewal failed. The cache still serves a valid token.
    #[non_exhaustive]
    Failed {
        /// Why the cache renewed the token.
        reason: Reason,
        /// The error that all waiting callers get.
        error: &'a TokenError,
        /// How long the renewal took, including attempts and pauses.
        took: Duration,
    },
    /// The cache gave a renewal up: its task was dropped, or another renewal
    /// took over.
    #[non_exhaustive]
    Abandoned {
        /// Why the cache renewed the token.
        reason: Reason,
    },
    /// The API refused a token.
    #[non_exhaustive]
    Rejected {
        /// The refused token.
        generation: Generation,
        /// What follows.
        rejection: Rejection,
    },
}
