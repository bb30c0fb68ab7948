use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::stamp::Stamp;

/// A moment on both clocks.
///
/// The monotonic one does not jump, but stands still while the machine is suspended; the wall clock
/// goes on then, but can be set. A token is taken for as old as the clock says that shows more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// The moment of now.
    #[inline]
    pub(crate) fn now() -> Self {
        Self {
            mono: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// How much time has passed since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.mono.saturating_duration_since(earlier.mono).max(wall)
    }
}

/// Where a cache reads the time.
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

    /// The same for a hit: as cheap as this machine has it, and late by a step of its clocks.
    #[cfg(not(test))]
    #[inline]
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::now()
    }

    #[cfg(test)]
    pub(super) fn stamp(&self) -> Stamp {
        Stamp::of(self.now())
    }

    /// In unit tests both clocks go with tokio's, which can be paused, and the wall clock can be
    /// set.
    #[cfg(test)]
    pub(super) fn now(&self) -> Moment {
        let ahead = Duration::from_secs(self.ahead.load(std::sync::atomic::Ordering::Relaxed));
        let mono = Instant::now();
        Moment {
            mono,
            wall: tests::wall(mono) + ahead,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{OnceLock, atomic::Ordering};

    use super::*;

    /// The wall clock that goes with the monotonic one.
    pub(in crate::token::cache) fn wall(mono: Instant) -> SystemTime {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = *START.get_or_init(Instant::now);
        // Another test's clock may have been ahead when the first one was asked.
        let at_start = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
        at_start + mono.saturating_duration_since(start) - start.saturating_duration_since(mono)
    }

    impl Clock {
        pub(in crate::token::cache) fn set_wall_ahead(&self, seconds: u64) {
            self.ahead.store(seconds, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_clock_that_shows_more_counts() {
        let mono = Instant::now();
        let early = Moment {
            mono,
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(100),
        };
        let slept = Moment {
            wall: early.wall + Duration::from_secs(7200),
            ..early
        };
        assert_eq!(slept.since(early), Duration::from_secs(7200));
        let set_back = Moment {
            mono: mono + Duration::from_secs(5),
            wall: SystemTime::UNIX_EPOCH,
        };
        assert_eq!(set_back.since(early), Duration::from_secs(5));
    }
}
