use std::time::Duration;

use super::{Fence, Operation, StoreError, StoreErrorKind};

/// Is told what a [`SharedSource`](super::SharedSource) does, to count it or to write it down.
///
/// It is called where tokens are renewed, never under a lock, and should return soon. A closure is
/// one:
///
/// ```
/// use std::sync::Arc;
/// use tower_genesys::{Sharing, store::{MemoryStore, StoreEvent}};
///
/// let sharing = Sharing::unsealed(MemoryStore::new())
///     .with_observer(|event: &StoreEvent<'_>| println!("{event:?}"));
/// # let _ = sharing;
/// ```
pub trait StoreObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &StoreEvent<'_>);
}

impl<F: Fn(&StoreEvent<'_>) + Send + Sync> StoreObserver for F {
    fn on_event(&self, event: &StoreEvent<'_>) {
        self(event);
    }
}

/// What a [`StoreObserver`] is told. No event holds a token or a secret.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreEvent<'a> {
    /// A token of another process is used from now on.
    #[non_exhaustive]
    Adopted {
        /// Its place in the order of tokens.
        fence: Fence,
    },
    /// This process gets a token for all.
    #[non_exhaustive]
    Leased {
        /// What it will be published under.
        fence: Fence,
    },
    /// Its token is there for all.
    #[non_exhaustive]
    Published {
        /// Its place in the order of tokens.
        fence: Fence,
    },
    /// Its token came too late: a newer one was there.
    #[non_exhaustive]
    Superseded {
        /// The place of the newer one.
        fence: Fence,
    },
    /// It got no token, and leaves it to others.
    #[non_exhaustive]
    Abandoned {
        /// For how long nobody shall ask the token endpoint.
        cooldown: Option<Duration>,
    },
    /// Another process was told by the token endpoint to leave it alone.
    #[non_exhaustive]
    CoolingDown {
        /// For how much longer.
        left: Duration,
    },
    /// What was in the place of a token cannot be used.
    #[non_exhaustive]
    Missed {
        /// What is wrong with it.
        kind: StoreErrorKind,
    },
    /// The store did not do what it was asked for.
    #[non_exhaustive]
    Failed {
        /// What that was.
        operation: Operation,
        /// What went wrong.
        error: &'a StoreError,
    },
    /// The store was not asked, since it has failed shortly before.
    #[non_exhaustive]
    Skipped {},
    /// This process asks the token endpoint for itself.
    #[non_exhaustive]
    WentAlone {},
    /// It would, but has done so shortly before.
    #[non_exhaustive]
    Limited {
        /// How long until it may.
        wait: Duration,
    },
    /// After having been alone, it has the token that all have.
    #[non_exhaustive]
    Converged {
        /// Its place in the order of tokens.
        fence: Fence,
    },
}

impl StoreEvent<'_> {
    /// The name in log events and metrics.
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

    /// Writes it down with `tracing`.
    pub(super) fn trace(&self) {
        let event = self.as_str();
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
                "what is in the token store cannot be used"
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
