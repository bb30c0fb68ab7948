use std::time::{Duration, SystemTime};

use tokio::time::Instant;

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
