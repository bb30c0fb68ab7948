//! The limit as a user states it.

use std::{fmt, sync::Arc, time::Duration};

use super::{LimitEvent, LimitObserver, Terms};
use crate::store::operation;

/// The rate limit of one process or of a fleet.
///
/// With [`OrgBuilder::shared_limit`](crate::genesys::OrgBuilder::shared_limit),
/// all processes that use the same OAuth client at the same login host keep the
/// limit together. They need not share a token. With
/// [`OrgBuilder::process_limit`](crate::genesys::OrgBuilder::process_limit),
/// each process keeps the limit by itself.
///
/// In both cases, each send takes a slot, and waits until the slot begins: see
/// the [module](super).
///
/// # Default
///
/// After a pause, a quarter of the limit may be sent at once, so that a limit
/// of 300 does not slow a job of 75 requests.
///
/// ```
/// use tower_genesys::store::Limit;
///
/// // A batch tool that mostly has the limit to itself:
/// let limit = Limit::per_minute(300).with_burst(0.8);
/// assert!(format!("{limit:?}").contains("per_minute: Some(300), burst: 0.8"));
/// ```
#[derive(Clone)]
pub struct Limit {
    /// Requests a minute. `None`: not known yet.
    stated: Option<u32>,
    /// The part of the limit that may be sent at once.
    burst: f64,
    operation_timeout: Duration,
    observer: Option<Arc<dyn LimitObserver>>,
}

impl Limit {
    /// The part of the limit that may be sent at once.
    ///
    /// A job of that size is not slowed if it has the limit to itself, and
    /// other callers wait at most two seconds beside it. Measured: with 0.5, an
    /// interactive caller waits for four seconds.
    pub const DEFAULT_BURST: f64 = 0.25;

    /// The maximum time limit of one operation. A later reply would bring slots
    /// that have ended, and sends that wait for them.
    pub(crate) const LONGEST_OPERATION: Duration = Duration::from_millis(800);

    /// Allows this many sends in any minute, to one process or to all that keep
    /// the limit together. A retry counts like a first send.
    ///
    /// Building the organisation fails if the limit is zero or above
    /// [`Terms::MAX_LIMIT`].
    pub const fn per_minute(requests: u32) -> Self {
        Self::new(Some(requests))
    }

    /// Learns the limit from the first 429 that names it. Until then, no send
    /// waits for a slot.
    ///
    /// With a shared limit, one process learns it, and the others read it from
    /// the book within a minute, unless a 429 of their own names it before. The
    /// book forgets the limit after two minutes without a send.
    ///
    /// ```
    /// use tower_genesys::store::Limit;
    ///
    /// let limit = Limit::learned();
    /// assert!(format!("{limit:?}").contains("per_minute: None"));
    /// ```
    pub const fn learned() -> Self {
        Self::new(None)
    }

    const fn new(stated: Option<u32>) -> Self {
        Self {
            stated,
            burst: Self::DEFAULT_BURST,
            operation_timeout: operation::TIMEOUT,
            observer: None,
        }
    }

    /// Sets the part of the limit that may be sent at once after a pause, from
    /// 0 to 1. Default: 0.25.
    ///
    /// A burst uses up the limit of the minute after it: the larger it is, the
    /// longer other callers wait. Building the organisation fails for any other
    /// number.
    #[must_use]
    pub const fn with_burst(mut self, part: f64) -> Self {
        self.burst = part;
        self
    }

    /// Sets the time limit of one operation of the book. If an operation takes
    /// longer, the process continues without the book. Default: 150
    /// milliseconds. The minimum is 10 milliseconds. The maximum is 800,
    /// because a slot can end 0.9 seconds after the process has asked for it.
    ///
    /// Raise it if the store is in another region. If the processes share a
    /// token, raise
    /// [`Sharing::with_operation_timeout`](crate::Sharing::with_operation_timeout),
    /// too.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_genesys::store::Limit;
    ///
    /// let limit = Limit::per_minute(300)
    ///     .with_operation_timeout(Duration::from_millis(400));
    /// assert!(format!("{limit:?}").contains("operation_timeout: 400ms"));
    /// ```
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout.clamp(operation::SHORTEST, Self::LONGEST_OPERATION);
        self
    }

    /// Sets the observer of the limit's events. Default: none; `tracing` gets
    /// them in any case.
    #[must_use]
    pub fn with_observer(mut self, observer: impl LimitObserver + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Checks the settings. The error says which one is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        let most = Terms::MAX_LIMIT;
        match self.stated {
            Some(0) => {
                return Err(
                    "a limit of 0 requests a minute lets no request through; state the limit that Genesys grants \
                     the client (300 by default), or use `Limit::learned`"
                        .to_owned(),
                );
            }
            Some(limit) if limit > most => {
                return Err(format!(
                    "a limit of {limit} requests a minute is above {most}, the highest that a book can \
                     keep; remove the limit"
                ));
            }
            _ => {}
        }
        if !(0.0..=1.0).contains(&self.burst) {
            return Err(format!(
                "a burst of {} is not a fraction of the limit; give `Limit::with_burst` a number from 0 to 1",
                self.burst
            ));
        }
        Ok(())
    }

    /// Returns the time limit of one operation of the book.
    pub(crate) fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    /// Returns the terms that this process states, or `None` if it has not
    /// learned the limit.
    pub(crate) fn stated(&self) -> Option<Terms> {
        self.stated.map(|limit| self.terms(limit))
    }

    /// Returns the terms for this many requests, with this limit's burst.
    pub(crate) fn terms(&self, limit: u32) -> Terms {
        let burst = f64::from(limit) * self.burst;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range, since the burst was checked; the cast saturates otherwise"
        )]
        let burst = burst as u32;
        Terms::new(limit, burst)
    }

    /// Reports an event to `tracing` and to the observer.
    pub(crate) fn tell(&self, event: &LimitEvent) {
        event.trace();
        if let Some(observer) = &self.observer {
            observer.on_event(event);
        }
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("per_minute", &self.stated)
            .field("burst", &self.burst)
            .field("operation_timeout", &self.operation_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_from_1_to_the_most_that_a_book_keeps_is_valid() {
        let most = Terms::MAX_LIMIT;
        for (limit, is_valid) in [(0, false), (1, true), (most, true), (most + 1, false)] {
            assert_eq!(
                Limit::per_minute(limit).check().is_ok(),
                is_valid,
                "{limit}"
            );
        }
    }
}
