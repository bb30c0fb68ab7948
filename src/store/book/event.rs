use std::time::Duration;

use crate::store::{Operation, StoreErrorKind};

/// Is told what is done to keep a shared limit, to count it or to write it down.
///
/// It is called in the midst of a call, never under a lock, and should return soon. A closure is
/// one:
///
/// ```
/// use std::sync::Arc;
/// use tower_genesys::store::{Limit, book::LimitEvent};
///
/// let limit = Limit::per_minute(300)
///     .with_observer(|event: &LimitEvent| println!("{event:?}"));
/// # let _ = limit;
/// ```
pub trait LimitObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &LimitEvent);
}

impl<F: Fn(&LimitEvent) + Send + Sync> LimitObserver for F {
    fn on_event(&self, event: &LimitEvent) {
        self(event);
    }
}

/// What a [`LimitObserver`] is told.
///
/// A send with a slot at hand is no event: it costs nothing.
///
/// An example is at [`LimitObserver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitEvent {
    /// This process has reserved slots.
    #[non_exhaustive]
    Reserved {
        /// How many.
        slots: u32,
        /// The limit in use, in requests a minute.
        limit: u32,
        /// How many processes are active.
        owners: u32,
    },
    /// The limit is used up: sends of this process wait from now on. Told once, until a minute
    /// passes in which none waits.
    #[non_exhaustive]
    WaitingBegan {
        /// The limit in use, in requests a minute.
        limit: u32,
        /// How many processes are active.
        owners: u32,
        /// How long the send waits that waits longest.
        wait: Duration,
    },
    /// A send that waited for a slot goes.
    #[non_exhaustive]
    Waited {
        /// How long it has waited.
        waited: Duration,
    },
    /// A send goes without a slot, since that would come after its deadline.
    #[non_exhaustive]
    WentWithout {},
    /// The limit has become known: by a 429 that names it, or from another process.
    #[non_exhaustive]
    Learned {
        /// In requests a minute.
        limit: u32,
    },
    /// A lower limit is in use than this process has stated.
    #[non_exhaustive]
    Lowered {
        /// What this process has stated, in requests a minute.
        stated: u32,
        /// What another one has stated, or a 429 has named.
        limit: u32,
    },
    /// The server answered 429, and all processes are told.
    #[non_exhaustive]
    Refused {
        /// For how long it wants to be left alone.
        wait: Duration,
    },
    /// The book did not do what it was asked for.
    #[non_exhaustive]
    Failed {
        /// What that was.
        operation: Operation,
        /// What went wrong.
        kind: StoreErrorKind,
    },
    /// Without the book, this process keeps to its share of the limit, or sends as if there were
    /// none when it does not know its share.
    #[non_exhaustive]
    WentAlone {
        /// Among how many processes the limit is shared; zero when that is not known.
        owners: u32,
    },
    /// The book is there again.
    #[non_exhaustive]
    Rejoined {},
    /// What was in the book could not be read, and was replaced.
    #[non_exhaustive]
    Replaced {
        /// What was wrong with it.
        kind: StoreErrorKind,
    },
}

impl LimitEvent {
    /// The name in log events and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reserved { .. } => "reserved",
            Self::WaitingBegan { .. } => "waiting_began",
            Self::Waited { .. } => "waited",
            Self::WentWithout {} => "went_without",
            Self::Learned { .. } => "learned",
            Self::Lowered { .. } => "lowered",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::WentAlone { .. } => "went_alone",
            Self::Rejoined {} => "rejoined",
            Self::Replaced { .. } => "replaced",
        }
    }

    /// Writes it down with `tracing`.
    pub(crate) fn trace(&self) {
        let event = self.as_str();
        match self {
            Self::WaitingBegan {
                limit,
                owners,
                wait,
            } => tracing::warn!(
                event,
                limit,
                owners,
                ?wait,
                "requests wait, since the processes of this client use up its limit"
            ),
            Self::Lowered { stated, limit } => tracing::warn!(
                event,
                stated,
                limit,
                "a lower limit than this process has stated is in use; state the same one everywhere"
            ),
            Self::Failed { operation, kind } => tracing::warn!(
                event,
                operation = operation.as_str(),
                kind = kind.as_str(),
                "the book of the shared limit failed"
            ),
            Self::WentAlone { owners } => tracing::warn!(
                event,
                owners,
                "the book of the shared limit is out of reach: this process keeps to its share"
            ),
            Self::Replaced { kind } => tracing::warn!(
                event,
                kind = kind.as_str(),
                "what was in the book of the shared limit cannot be used"
            ),
            Self::Learned { limit } => tracing::info!(event, limit, "shared limit"),
            Self::Rejoined {} => tracing::info!(event, "shared limit"),
            Self::Refused { wait } => tracing::debug!(event, ?wait, "shared limit"),
            Self::Waited { waited } => tracing::debug!(event, ?waited, "shared limit"),
            Self::WentWithout {} => tracing::debug!(event, "shared limit"),
            Self::Reserved {
                slots,
                limit,
                owners,
            } => tracing::trace!(event, slots, limit, owners, "shared limit"),
        }
    }
}
