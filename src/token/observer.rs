use std::time::Duration;

use super::{Generation, Reason, Rejection, TokenError};

/// Is told what a [`TokenCache`](super::TokenCache) does, to count it or to write it down.
///
/// It is called from the renewal's task and from callers, never under a lock, and should return
/// soon. A closure is one:
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
    /// Something happened.
    fn on_event(&self, event: &TokenEvent<'_>);
}

impl<F: Fn(&TokenEvent<'_>) + Send + Sync> TokenObserver for F {
    fn on_event(&self, event: &TokenEvent<'_>) {
        self(event);
    }
}

/// What a [`TokenObserver`] is told. No event holds a token or a secret.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TokenEvent<'a> {
    /// A renewal begins.
    #[non_exhaustive]
    Started {
        /// What made it necessary.
        reason: Reason,
    },
    /// A renewal has brought a token.
    #[non_exhaustive]
    Renewed {
        /// What made it necessary.
        reason: Reason,
        /// The token that is served from now on.
        generation: Generation,
        /// From its beginning, attempts and pauses together.
        took: Duration,
    },
    /// A renewal has failed. A token that is still valid is served on.
    #[non_exhaustive]
    Failed {
        /// What made it necessary.
        reason: Reason,
        /// What all who waited for it got.
        error: &'a TokenError,
        /// From its beginning, attempts and pauses together.
        took: Duration,
    },
    /// A renewal was given up: its task was dropped, or another one has taken over.
    #[non_exhaustive]
    Abandoned {
        /// What made it necessary.
        reason: Reason,
    },
    /// The API refused a token.
    #[non_exhaustive]
    Rejected {
        /// Which one.
        generation: Generation,
        /// What that leads to.
        rejection: Rejection,
    },
}
