//! The events of a limit, and how they are logged.

use std::time::Duration;

use crate::store::{Operation, StoreErrorKind};

/// Receives the events of a shared limit, to count or log them.
///
/// A call, or the task that reserves slots, runs it, and never under a lock. It
/// should return quickly. A closure is an observer:
///
/// ```
/// # use bytes::Bytes;
/// # use http::Request;
/// # use http_body_util::Full;
/// # use tower::{Layer, ServiceExt};
/// use std::sync::mpsc;
/// use tower_genesys::{
///     Credentials, GenesysLayer, Org,
///     store::{Limit, book::LimitEvent},
///     testing::MockGenesys,
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let (seen, events) = mpsc::channel();
/// let limit = Limit::per_minute(300).with_observer(move |event: &LimitEvent| {
///     let _ = seen.send(event.as_str());
/// });
/// let mock = MockGenesys::new();
/// let org = Org::builder(mock.region())
///     .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
///     .process_limit(limit)
///     .build(mock.http_client())?;
/// let genesys = GenesysLayer::new(&org).layer(mock.service());
/// let request = Request::get(org.api("/api/v2/users")?);
/// genesys.oneshot(request.body(Full::<Bytes>::default())?).await?;
/// assert_eq!(events.try_recv(), Ok("reserved"));
/// # Ok(())
/// # }
/// ```
pub trait LimitObserver: Send + Sync {
    /// Receives an event.
    fn on_event(&self, event: &LimitEvent);
}

impl<F: Fn(&LimitEvent) + Send + Sync> LimitObserver for F {
    fn on_event(&self, event: &LimitEvent) {
        self(event);
    }
}

/// An event for a [`LimitObserver`].
///
/// A send that takes a slot which the process already has causes no event,
/// because it does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitEvent {
    /// The process reserved slots.
    #[non_exhaustive]
    Reserved {
        /// The number of slots.
        slots: u32,
        /// The limit in use, in requests a minute.
        limit: u32,
        /// The number of active processes.
        owners: u32,
    },
    /// The limit is used up, and sends of this process begin to wait for a
    /// second or longer. The event repeats only after a minute without such
    /// waits.
    #[non_exhaustive]
    WaitingBegan {
        /// The limit in use, in requests a minute.
        limit: u32,
        /// The number of active processes.
        owners: u32,
        /// The time until the last of the reserved slots begins.
        wait: Duration,
    },
    /// The wait of a send for its slot is over. It may have been the time of
    /// the reservation only: [`WaitingBegan`](Self::WaitingBegan), and not this
    /// event, says that the limit is used up.
    #[non_exhaustive]
    Waited {
        /// The duration of the wait.
        waited: Duration,
    },
    /// A send went without a slot, because the slot would have begun after the
    /// deadline of the call.
    #[non_exhaustive]
    WentWithout {},
    /// The process, which states no limit, learned it from a 429 that names it,
    /// or from the book.
    #[non_exhaustive]
    Learned {
        /// The limit, in requests a minute.
        limit: u32,
    },
    /// The limit in use is lower than the one that this process states.
    #[non_exhaustive]
    Lowered {
        /// The limit that this process states, in requests a minute.
        stated: u32,
        /// The limit that another process states or a 429 names, in requests a
        /// minute.
        limit: u32,
    },
    /// The process got a 429, and reports it to the book.
    #[non_exhaustive]
    Refused {
        /// The server's `Retry-After`: how long clients must wait.
        wait: Duration,
    },
    /// An operation of the book failed.
    #[non_exhaustive]
    Failed {
        /// The operation.
        operation: Operation,
        /// The kind of failure.
        kind: StoreErrorKind,
    },
    /// The process cannot reach the book. It keeps to its share of the limit,
    /// or sends without a limit if it does not know its share.
    #[non_exhaustive]
    WentAlone {
        /// The last known number of active processes. Zero if none is known.
        owners: u32,
    },
    /// The process reaches the book again.
    #[non_exhaustive]
    Rejoined {},
    /// The book was unreadable, and the process replaced it.
    #[non_exhaustive]
    Replaced {
        /// The fault of the old book.
        kind: StoreErrorKind,
    },
}

impl LimitEvent {
    /// Returns the name that log events and metrics show.
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

    /// Logs the event through `tracing`.
    pub(crate) fn trace(&self) {
        let event = self.as_str();
        // A warning is what an operator should act on; the rest is for finding
        // out why a call took long.
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
                "the book of the shared limit was unreadable: this process replaced it"
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

#[cfg(test)]
mod tests;
