use super::moment::{Moment, Stamp};

/// The clock of a cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    #[cfg(test)]
    ahead: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Clock {
    #[cfg(not(test))]
    #[inline]
    pub(super) fn now(&self) -> Moment {
        Moment::now()
    }

    /// Returns the time for a hit: cheaper, and late by up to one tick of the
    /// coarse clocks.
    #[cfg(not(test))]
    #[inline]
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::now()
    }

    #[cfg(test)]
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(self.now())
    }

    /// In unit tests both clocks follow tokio's, which tests can pause, and
    /// tests can set the wall clock.
    #[cfg(test)]
    pub(super) fn now(&self) -> Moment {
        let ahead =
            std::time::Duration::from_secs(self.ahead.load(std::sync::atomic::Ordering::Relaxed));
        let mono = tokio::time::Instant::now();
        Moment {
            mono,
            wall: tests::wall(mono) + ahead,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        sync::{OnceLock, atomic::Ordering},
        time::{Duration, SystemTime},
    };

    use tokio::time::Instant;

    use super::*;

    /// The wall clock that goes with the monotonic one.
    pub(in crate::token::cache) fn wall(mono: Instant) -> SystemTime {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = *START.get_or_init(Instant::now);
        // Another test's clock may have been ahead when the first one was
        // asked.
        let at_start = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
        at_start + mono.saturating_duration_since(start) - start.saturating_duration_since(mono)
    }

    impl Clock {
        pub(in crate::token::cache) fn set_wall_ahead(&self, seconds: u64) {
            self.ahead.store(seconds, Ordering::Relaxed);
        }
    }
}
