use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A moment on the monotonic clock and the wall clock.
///
/// The monotonic clock never jumps, but stops while the machine is suspended.
/// The wall clock keeps running then, but can be set. The age of a token is the
/// larger of the two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// Returns the current moment.
    #[inline]
    pub(crate) fn now() -> Self {
        Self {
            mono: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Returns the time since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let wall = self.wall.duration_since(earlier.wall).unwrap_or_default();
        self.mono.saturating_duration_since(earlier.mono).max(wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
