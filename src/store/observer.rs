//! The events of sharing a token, and how they are logged.

use std::time::Duration;

use super::{Fence, Operation, StoreError, StoreErrorKind};

/// Receives the events of a [`SharedSource`](super::SharedSource), to count or
/// log them.
///
/// The process calls it while it renews or revokes a token, or returns a lease,
/// and never under a lock. It should return quickly. A closure is an observer:
///
/// ```
/// use std::{sync::mpsc, time::Duration};
/// use tower_genesys::{
///     Sharing, TokenCache,
///     store::{MemoryStore, SharedSource, StoreEvent, StoreKey},
///     token::{IssuedToken, source_fn},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let (seen, events) = mpsc::channel();
/// let sharing = Sharing::unsealed(MemoryStore::new())
///     .with_observer(move |event: &StoreEvent<'_>| {
///         let _ = seen.send(event.as_str());
///     });
/// let source = source_fn(|_cx| async {
///     Ok(IssuedToken::new("s3cr3t", Duration::from_secs(3600)))
/// });
/// let key = StoreKey::new("vault.example", "my-client-id", "vault");
/// let cache = TokenCache::new(SharedSource::new(source, key, sharing)?);
/// cache.token().await?;
/// let events: Vec<_> = events.try_iter().collect();
/// assert_eq!(events, ["leased", "published"]);
/// # Ok(())
/// # }
/// ```
pub trait StoreObserver: Send + Sync {
    /// Receives an event.
    fn on_event(&self, event: &StoreEvent<'_>);
}

impl<F: Fn(&StoreEvent<'_>) + Send + Sync> StoreObserver for F {
    fn on_event(&self, event: &StoreEvent<'_>) {
        self(event);
    }
}

/// An event for a [`StoreObserver`]. No event contains a token or a secret.
///
/// The [module](super) defines the terms.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreEvent<'a> {
    /// The process found a usable token in the store, and uses it.
    #[non_exhaustive]
    Adopted {
        /// The fence of the token.
        fence: Fence,
    },
    /// The process got the lease, and fetches a token for all processes.
    #[non_exhaustive]
    Leased {
        /// The fence that the token will have.
        fence: Fence,
    },
    /// The process published its token.
    #[non_exhaustive]
    Published {
        /// The fence of the token.
        fence: Fence,
    },
    /// The process published too late: the store has a newer token.
    #[non_exhaustive]
    Superseded {
        /// The fence of the newer token.
        fence: Fence,
    },
    /// The process had the lease and got no token, and has returned the lease.
    #[non_exhaustive]
    Abandoned {
        /// How long no process may call the token endpoint. `None`: the next
        /// process may at once.
        cooldown: Option<Duration>,
    },
    /// The store reported a cooldown: the token endpoint throttled or failed a
    /// process, so no process may call it for a while.
    #[non_exhaustive]
    CoolingDown {
        /// The rest of the cooldown.
        left: Duration,
    },
    /// The store has a value that this process cannot read, or an implausible
    /// lease or cooldown.
    #[non_exhaustive]
    Missed {
        /// The fault of the value.
        kind: StoreErrorKind,
    },
    /// A store operation failed, or exceeded its time limit.
    #[non_exhaustive]
    Failed {
        /// The operation.
        operation: Operation,
        /// Its error.
        error: &'a StoreError,
    },
    /// The process did not ask the store, because the store had failed shortly
    /// before.
    #[non_exhaustive]
    Skipped {},
    /// The process sends a token request of its own, without the store.
    #[non_exhaustive]
    WentAlone {},
    /// The process would send a token request of its own, but sent the last one
    /// less than 10 seconds before.
    #[non_exhaustive]
    Limited {
        /// The time until it may send the next one.
        wait: Duration,
    },
    /// The process, which was without the store, has the shared token again.
    #[non_exhaustive]
    Converged {
        /// The fence of the token.
        fence: Fence,
    },
}

impl StoreEvent<'_> {
    /// Returns the name that log events and metrics show.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Adopted { .. } => "adopted",
            Self::Leased { .. } => "leased",
            Self::Published { .. } => "published",
            Self::Superseded { .. } => "superseded",
            Self::Abandoned { .. } => "abandoned",
            Self::CoolingDown { .. } => "cooling_down",
            Self::Missed { .. } => "missed",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
            Self::WentAlone { .. } => "went_alone",
            Self::Limited { .. } => "limited",
            Self::Converged { .. } => "converged",
        }
    }

    /// Logs the event through `tracing`.
    pub(super) fn trace(&self) {
        let event = self.as_str();
        // A warning is what an operator should look at: the store fails, or has
        // a value that no process can use. The rest is normal operation.
        match self {
            Self::Adopted { fence }
            | Self::Leased { fence }
            | Self::Published { fence }
            | Self::Superseded { fence }
            | Self::Converged { fence } => {
                tracing::debug!(event, fence = fence.get(), "token store");
            }
            Self::Abandoned { cooldown } => tracing::debug!(event, ?cooldown, "token store"),
            Self::CoolingDown { left } => tracing::debug!(event, ?left, "token store"),
            Self::Limited { wait } => tracing::debug!(event, ?wait, "token store"),
            Self::Missed { kind } => tracing::warn!(
                event,
                kind = kind.as_str(),
                "the token store has an unusable value"
            ),
            Self::Failed { operation, error } => tracing::warn!(
                event,
                operation = operation.as_str(),
                kind = error.kind().as_str(),
                %error,
                "the token store failed"
            ),
            Self::Skipped {} | Self::WentAlone {} => tracing::debug!(event, "token store"),
        }
    }
}
