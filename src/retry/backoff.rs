use std::time::Duration;

use fastrand::Rng;

/// The wait before a retry when the server does not name one: a random time
/// between zero and a ceiling (full jitter).
///
/// The ceiling doubles with each retry, up to a cap. Calls share no random
/// numbers, so two requests that failed together are not retried together. The
/// jitter is full at the cap, too.
///
/// # Default
///
/// Ceilings of 3 s, 6 s, 12 s, 24 s, then always 27 s. The first and the last
/// follow Genesys' guidance for 502, 503 and 504: wait 3 s in the first five
/// minutes of trouble, and 27 s after that. (Five minutes are also the default
/// deadline of a call.) The mean wait is half the ceiling, and the
/// [`Budget`](super::Budget) bounds the load of all retries.
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{RetryPolicy, retry::Backoff};
///
/// let backoff = Backoff::new()
///     .with_base(Duration::from_millis(500))
///     .with_cap(Duration::from_secs(10));
/// let policy = RetryPolicy::new().with_backoff(backoff);
/// assert_ne!(policy, RetryPolicy::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    /// Makes the random numbers repeatable.
    seed: Option<u64>,
}

impl Backoff {
    /// The default ceiling of the first wait: what Genesys asks for after a
    /// 502, 503 or 504.
    pub const DEFAULT_BASE: Duration = Duration::from_secs(3);

    /// The default ceiling of every wait: the longest one that Genesys asks for
    /// without a `Retry-After`.
    pub const DEFAULT_CAP: Duration = Duration::from_secs(27);

    /// Returns the [default](Self#default) backoff.
    pub const fn new() -> Self {
        Self {
            base: Self::DEFAULT_BASE,
            cap: Self::DEFAULT_CAP,
            seed: None,
        }
    }

    /// Sets the ceiling of the first wait.
    ///
    /// # Default
    ///
    /// [`DEFAULT_BASE`](Self::DEFAULT_BASE), 3 s.
    #[must_use]
    pub const fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets the ceiling of all waits.
    ///
    /// # Default
    ///
    /// [`DEFAULT_CAP`](Self::DEFAULT_CAP), 27 s.
    #[must_use]
    pub const fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Makes the waits of one layer repeatable, for a test. The waits of two
    /// calls still differ.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Returns the random numbers of one call. `call` numbers the calls that
    /// need some.
    pub(crate) fn rng(&self, call: impl FnOnce() -> u64) -> Rng {
        // Each call gets its own sequence, with a seed too: calls that share
        // one would be retried together.
        match self.seed {
            // An odd factor spreads consecutive numbers over all 64 bits.
            Some(seed) => {
                Rng::with_seed(seed ^ call().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            }
            None => Rng::new(),
        }
    }

    /// Returns the wait before the retry with this number, counted from 1.
    pub(crate) fn wait(&self, retry: u32, rng: &mut Rng) -> Duration {
        let factor = 2_u32.saturating_pow(retry.saturating_sub(1));
        let ceiling = self.base.saturating_mul(factor).min(self.cap);
        let nanos = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(rng.u64(0..=nanos))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn default_is_three_seconds_doubled_to_twenty_seven() {
        let backoff = Backoff::default();
        assert_eq!(backoff, Backoff::new());
        assert_eq!(backoff.base, Duration::from_secs(3));
        assert_eq!(backoff.cap, Duration::from_secs(27));
        for (retry, ceiling) in [(1, 3), (2, 6), (3, 12), (4, 24), (5, 27), (6, 27)] {
            let waits = (0..2000).map(|seed| backoff.wait(retry, &mut Rng::with_seed(seed)));
            let longest = waits.max().unwrap();
            let ceiling = Duration::from_secs(ceiling);
            assert!(longest <= ceiling, "{retry}: {longest:?}");
            assert!(longest > ceiling.mul_f64(0.98), "{retry}: {longest:?}");
        }
    }

    #[test]
    fn jitter_is_full_at_the_cap_too() {
        let backoff = Backoff::new();
        let waits = (0..2000).map(|seed| backoff.wait(1000, &mut Rng::with_seed(seed)));
        let quarters = waits.fold([0; 4], |mut quarters, wait| {
            let quarter = wait.as_nanos() * 4 / (backoff.cap.as_nanos() + 1);
            quarters[usize::try_from(quarter).unwrap()] += 1;
            quarters
        });
        assert!(quarters.iter().all(|&n| n > 400), "{quarters:?}");
    }

    #[test]
    fn two_calls_differ_with_a_seed_and_without() {
        for backoff in [Backoff::new(), Backoff::new().with_seed(7)] {
            let waits = (0..100).map(|call| backoff.wait(3, &mut backoff.rng(|| call)));
            let mut waits: Vec<_> = waits.collect();
            waits.sort();
            waits.dedup();
            assert_eq!(waits.len(), 100);
        }
    }

    #[test]
    fn a_seed_repeats() {
        let backoff = Backoff::new().with_seed(7);
        let roll = || backoff.wait(1, &mut backoff.rng(|| 3));
        assert_eq!(roll(), roll());
    }

    proptest! {
        #[test]
        fn no_wait_is_over_its_ceiling(base: u64, cap: u64, retry: u32, seed: u64) {
            let base = Duration::from_millis(base);
            let cap = Duration::from_millis(cap);
            let backoff = Backoff::new().with_base(base).with_cap(cap);
            for retry in [retry, 1_000_000, u32::MAX, 0] {
                let wait = backoff.wait(retry, &mut Rng::with_seed(seed));
                prop_assert!(wait <= cap);
                prop_assert!(retry > 1 || wait <= base);
            }
        }
    }
}
