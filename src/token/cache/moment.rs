//! Moments on both clocks, exact for decisions and coarse for hits.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime},
};

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

/// A [`Moment`] as two numbers of nanoseconds, for the comparisons of a hit.
///
/// On Linux [`now`](Self::now) reads the coarse clocks of the kernel, which
/// advance with the ticks of its timer (1 to 10 ms) and cost a fifth of the
/// exact ones. They are late, never early, so a hit may serve a token one tick
/// longer than the exact clocks would. Nothing else differs: every decision
/// uses a `Moment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds of the monotonic clock, since its own zero.
    mono: i64,
    /// Nanoseconds of the wall clock, since 1970.
    wall: i64,
}

/// One moment in both representations of the monotonic time.
struct Anchor {
    instant: Instant,
    nanos: i64,
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

impl Stamp {
    #[inline]
    pub(super) fn now() -> Self {
        Self::coarse().unwrap_or_else(|| Self::of(Moment::now()))
    }

    pub(super) fn of(moment: Moment) -> Self {
        Self {
            mono: mono_nanos(moment.mono),
            wall: wall_nanos(moment.wall),
        }
    }

    /// Returns whether this is earlier than `end` on both clocks.
    #[inline]
    pub(super) const fn is_before(self, end: Self) -> bool {
        self.mono < end.mono && self.wall < end.wall
    }

    #[cfg(target_os = "linux")]
    #[inline]
    fn coarse() -> Option<Self> {
        use nix::time::ClockId;
        if can_be_paused::TOKIO {
            return None;
        }
        let mono = linux::nanos(ClockId::CLOCK_MONOTONIC_COARSE)?;
        let wall = linux::nanos(ClockId::CLOCK_REALTIME_COARSE)?;
        Some(Self { mono, wall })
    }

    #[cfg(not(target_os = "linux"))]
    #[inline]
    fn coarse() -> Option<Self> {
        None
    }
}

impl Anchor {
    /// Reads the number first: a delay between the two reads makes deadlines
    /// earlier, never later.
    fn new() -> Self {
        #[cfg(target_os = "linux")]
        let nanos = linux::nanos(nix::time::ClockId::CLOCK_MONOTONIC);
        #[cfg(not(target_os = "linux"))]
        let nanos = None;
        Self {
            instant: Instant::now(),
            // A Linux without that clock has no `Instant` in std either.
            nanos: nanos.unwrap_or_default(),
        }
    }
}

/// Converts tokio's monotonic time, relative to an anchor.
fn mono_nanos(instant: Instant) -> i64 {
    static ANCHOR: OnceLock<Anchor> = OnceLock::new();
    let anchor = ANCHOR.get_or_init(Anchor::new);
    let since = match instant.checked_duration_since(anchor.instant) {
        Some(ahead) => saturating(ahead.as_nanos()),
        // A runtime that was paused before the anchor has an earlier clock.
        None => -saturating(anchor.instant.duration_since(instant).as_nanos()),
    };
    anchor.nanos.saturating_add(since)
}

/// Converts the wall clock's time.
fn wall_nanos(wall: SystemTime) -> i64 {
    match wall.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => saturating(since.as_nanos()),
        Err(before) => -saturating(before.duration().as_nanos()),
    }
}

/// Saturates at 292 years, which no clock reaches.
fn saturating(nanos: u128) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::time::{ClockId, clock_gettime};

    #[inline]
    pub(super) fn nanos(clock: ClockId) -> Option<i64> {
        let time = clock_gettime(clock).ok()?;
        #[allow(
            clippy::useless_conversion,
            reason = "both are of 32 bits on some targets"
        )]
        let (seconds, nanos) = (i64::from(time.tv_sec()), i64::from(time.tv_nsec()));
        Some(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }
}

/// Whether tests can pause tokio's clock in this program; if so, only that
/// clock counts.
///
/// tokio has `time::pause` only with its feature `test-util`. A glob import in
/// a block takes precedence over names outside the block, so the name resolves
/// to tokio's function if it exists, and to the fallback otherwise.
#[cfg(target_os = "linux")]
mod can_be_paused {
    pub(super) const TOKIO: bool = {
        #[allow(unused_imports, reason = "without `test-util` it imports no `pause`")]
        use tokio::time::*;
        returns_nothing(pause)
    };

    #[allow(dead_code, reason = "tokio's comes first if there is one")]
    const fn pause() -> bool {
        false
    }

    const fn returns_nothing<T>(_: fn() -> T) -> bool {
        size_of::<T>() == 0
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

    #[test]
    fn both_clocks_have_to_be_before_the_end() {
        let now = Moment::now();
        let later = |mono, wall| {
            Stamp::of(Moment {
                mono: now.mono + Duration::from_nanos(mono),
                wall: now.wall + Duration::from_nanos(wall),
            })
        };
        assert!(later(0, 0).is_before(later(1, 1)));
        assert!(!later(1, 0).is_before(later(1, 1)));
        assert!(!later(0, 1).is_before(later(1, 1)));
    }

    #[test]
    fn a_moment_of_any_age_is_a_stamp_and_order_stays() {
        let now = Moment::now();
        let day = Duration::from_secs(86_400);
        let moments = [
            Moment {
                wall: SystemTime::UNIX_EPOCH - day,
                ..now
            },
            now,
            Moment {
                mono: now.mono + 500 * day,
                wall: now.wall + 200_000 * day,
            },
        ];
        let stamps = moments.map(Stamp::of);
        assert_eq!(stamps[0].wall, -86_400_000_000_000);
        assert_eq!(stamps[2].mono - stamps[1].mono, 43_200_000_000_000_000);
        assert!(stamps.is_sorted_by_key(|stamp| stamp.wall));
        assert_eq!(stamps[2].wall, i64::MAX);
    }

    /// Otherwise a user's test that pauses the clock would see tokens that
    /// never expire.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_is_tokios_where_tests_can_pause_it() {
        const { assert!(can_be_paused::TOKIO, "tests are built with `test-util`") };
        assert_eq!(Stamp::coarse(), None);
        let before = Stamp::of(Moment::now());
        assert!(!Stamp::now().is_before(before));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_coarse_clocks_are_the_exact_ones_a_step_ago() {
        use nix::time::ClockId;
        let second = 1_000_000_000;
        let coarse = Stamp {
            mono: linux::nanos(ClockId::CLOCK_MONOTONIC_COARSE).unwrap(),
            wall: linux::nanos(ClockId::CLOCK_REALTIME_COARSE).unwrap(),
        };
        let exact = Stamp::of(Moment::now());
        assert!((0..second).contains(&(exact.mono - coarse.mono)));
        assert!((0..second).contains(&(exact.wall - coarse.wall)));
    }
}
