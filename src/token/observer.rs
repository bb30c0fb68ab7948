use std::time::Duration;

use super::{Generation, Reason, Rejection, TokenError};

/// An observer of the events of a [`TokenCache`](super::TokenCache), for
/// metrics or logs.
///
/// The cache calls it from the renewal's task and from callers, never under a
/// lock. It should return quickly. A closure is an observer:
///
/// ```
/// use std::{sync::mpsc, time::Duration};
/// use tower_genesys::{
///     TokenCache, TokenError,
///     token::{IssuedToken, TokenEvent, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), TokenError> {
/// let hour = Duration::from_secs(3600);
/// let source = source_fn(move |_| async move {
///     Ok(IssuedToken::new("s3cr3t", hour))
/// });
/// let (sender, renewed) = mpsc::sync_channel(8);
/// let cache = TokenCache::builder(source)
///     .observer(move |event: &TokenEvent<'_>| {
///         if let TokenEvent::Renewed { generation, .. } = event {
///             let _ = sender.try_send(*generation);
///         }
///     })
///     .build();
/// let token = cache.token().await?;
/// assert_eq!(renewed.recv(), Ok(token.generation()));
/// # Ok(())
/// # }
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
        /// Why the cache renews the token.
        reason: Reason,
    },
    /// A renewal returned a token.
    #[non_exhaustive]
    Renewed {
        /// Why the cache renews the token.
        reason: Reason,
        /// The token that the cache serves from now on.
        generation: Generation,
        /// How long the renewal took: all its requests, and the pauses between
        /// them.
        took: Duration,
    },
    /// A renewal failed. The cache still serves a valid token.
    #[non_exhaustive]
    Failed {
        /// Why the cache renews the token.
        reason: Reason,
        /// The error that all waiting callers get.
        error: &'a TokenError,
        /// How long the renewal took: all its requests, and the pauses between
        /// them.
        took: Duration,
    },
    /// The cache gave a renewal up: its task was dropped, another renewal took
    /// over, or the cache was closed.
    #[non_exhaustive]
    Abandoned {
        /// Why the cache renews the token.
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
