use std::time::Duration;

/// The smallest number of turns before the pace doubles, however long the
/// interval is.
///
/// At the default interval, five turns take one second. A response takes about
/// as long, so a server that is still overloaded can say so before the next
/// doubling.
const MIN_TURNS: u64 = 5;

/// The shortest time between two doublings of the pace.
const PERIOD: Duration = Duration::from_secs(1);

/// The distance between the turns of a gate: one interval at first, half of it
/// after some turns, and so on.
///
/// With a constant pace, any load above it would keep the queue full forever
/// after one 429. So the pace grows until the next 429, and a queue of any
/// length is gone after a few seconds. It grows with turns and not with time:
/// while no request leaves, the server cannot object.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The first distance between two turns.
    interval: Duration,
    /// The number of turns before the first doubling. Twice as many follow
    /// before the next one, and so on.
    period: u64,
    /// The number of turns since the last 429.
    given: u64,
}

impl Pace {
    /// Creates a pace that starts with this interval.
    pub(super) fn new(interval: Duration) -> Self {
        // An interval of zero has no first period; the minimum applies.
        let per_period = PERIOD.as_nanos().checked_div(interval.as_nanos());
        let per_period = u64::try_from(per_period.unwrap_or(0)).unwrap_or(u64::MAX);
        Self {
            interval,
            period: per_period.max(MIN_TURNS),
            given: 0,
        }
    }

    /// Returns to the first interval, after another 429.
    pub(super) fn restart(&mut self) {
        self.given = 0;
    }

    /// Returns the time from a turn that is given now to the next one.
    pub(super) fn gap(&self) -> Duration {
        self.gap_at(self.level(self.given))
    }

    /// Counts a turn.
    pub(super) fn count(&mut self) {
        self.given = self.given.saturating_add(1);
    }

    /// Returns the time from the next turn to the one that is `ahead` places
    /// later.
    ///
    /// It adds up whole levels rather than turns, so a queue of any length
    /// costs at most some dozens of steps.
    pub(super) fn wait(&self, ahead: usize) -> Duration {
        let mut given = self.given;
        let end = given.saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX));
        let mut wait = Duration::ZERO;
        while given < end {
            let level = self.level(given);
            // The levels have one, two, four, … periods.
            let periods = 2_u64.saturating_pow(level + 1) - 1;
            let upper = self.period.saturating_mul(periods).clamp(given + 1, end);
            let turns = u32::try_from(upper - given).unwrap_or(u32::MAX);
            wait = wait.saturating_add(self.gap_at(level).saturating_mul(turns));
            given = upper;
        }
        wait
    }

    /// Returns how often the pace has doubled after this many turns.
    fn level(&self, given: u64) -> u32 {
        (given / self.period).saturating_add(1).ilog2()
    }

    /// Returns the distance between turns after this many doublings.
    fn gap_at(&self, level: u32) -> Duration {
        // After 32 doublings, the turns follow each other at once.
        let parts = 1_u32.checked_shl(level);
        parts.map_or(Duration::ZERO, |parts| self.interval / parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(interval: u64, turns: usize) -> Vec<u128> {
        let mut pace = Pace::new(Duration::from_millis(interval));
        let mut gaps = Vec::new();
        for _ in 0..turns {
            gaps.push(pace.gap().as_millis());
            pace.count();
        }
        gaps
    }

    #[test]
    fn five_a_second_double_every_second() {
        let expected = [&[200; 5][..], &[100; 10], &[50; 20], &[25; 40]].concat();
        assert_eq!(gaps(200, 75), expected);
    }

    #[test]
    fn a_slow_pace_doubles_after_five_turns_and_a_fast_one_after_a_second() {
        assert_eq!(gaps(3000, 6), [3000, 3000, 3000, 3000, 3000, 1500]);
        assert_eq!(gaps(10, 101)[99..], [10, 5]);
    }

    #[test]
    fn the_wait_of_a_place_is_the_sum_of_the_gaps_before_it() {
        let mut pace = Pace::new(Duration::from_millis(200));
        for start in 0..40 {
            let mut ahead = pace.clone();
            let mut sum = Duration::ZERO;
            for n in 0..100 {
                assert_eq!(pace.wait(n), sum, "{n} after {start}");
                sum += ahead.gap();
                ahead.count();
            }
            pace.count();
        }
    }

    #[test]
    fn a_million_waiters_are_gone_in_twenty_seconds() {
        let pace = Pace::new(Duration::from_millis(200));
        assert!(pace.wait(1_000_000) < Duration::from_secs(20));
    }

    #[test]
    fn absurd_numbers_overflow_nothing() {
        for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let mut pace = Pace::new(interval);
            assert!(pace.wait(usize::MAX) <= Duration::MAX);
            pace.given = u64::MAX - 1;
            pace.count();
            pace.count();
            assert_eq!((pace.gap(), pace.given), (Duration::ZERO, u64::MAX));
            assert_eq!(pace.wait(7), Duration::ZERO);
            pace.restart();
            assert_eq!(pace.gap(), interval);
        }
    }
}
