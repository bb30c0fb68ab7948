use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// A limit on the retries of all calls to one API together.
///
/// # Why a budget
///
/// A limit for each call is not enough. If an API fails every request, four
/// sends per call are four times the load, from all clients at once, on a
/// service that tries to recover. A budget allows the retries that repair
/// single failures, and stops those that only prolong an outage.
///
/// A budget is a bucket of permits. Each retry takes one, and permits return at
/// a constant rate.
///
/// | resend after | takes a permit |
/// |---|---|
/// | a 5xx, a 408, a transport error, or an attempt that timed out | yes |
/// | a 429 | no: it waits as long as the server asked for, and the [`Throttle`](super::Throttle) paces it |
/// | a failure that was [no load for the API](super#how-long-it-waits) | from the third one of a call on |
/// | a 401, with a newer token | no |
///
/// # Default
///
/// For the rate that Genesys grants each token, 300 requests a minute: 50
/// permits, and 45 more each minute. If everything fails for ten minutes at
/// full load, 3000 requests lead to 500 retries, 17 % more load.
///
/// # Cloning
///
/// Clones share their permits.
///
/// ```
/// use tower_genesys::{RetryLayer, retry::{Budget, Upstream}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let budget = Budget::for_requests_per_minute(600);
/// let upstream = Upstream::new().with_budget(budget.clone());
/// let layer = RetryLayer::default().with_upstream(upstream);
/// assert_eq!(budget.available(), 100); // before the first retry
/// # let _ = layer;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
}

/// The bucket as a single number: the time at which it is full again. A permit
/// moves that time by the interval at which permits return.
#[derive(Debug)]
struct Shared {
    /// The start of all times, so that a time fits an atomic.
    epoch: Instant,
    /// The time in which one permit returns, in nanoseconds.
    interval: u64,
    /// The time in which an empty bucket fills, in nanoseconds.
    depth: u64,
    /// The time at which the bucket is full, in nanoseconds after the epoch.
    full_at: AtomicU64,
}

impl Budget {
    /// The request rate of the default budget, which Genesys grants a token.
    pub const DEFAULT_REQUESTS_PER_MINUTE: u32 = 300;

    /// Creates a budget for an API that gets this many requests a minute.
    ///
    /// The bucket has a sixth of that number of permits, and 15 % of it return
    /// each minute. In any ten minutes that allows less than 20 % more load.
    /// Below 6 requests a minute it may be more, because a budget has at least
    /// one permit and one more each minute.
    ///
    /// [`Budget`] has an example.
    pub fn for_requests_per_minute(rate: u32) -> Self {
        let refill = u64::from(rate) * 15 / 100;
        Self::new(rate / 6, u32::try_from(refill).unwrap_or(u32::MAX))
    }

    /// Creates a bucket with this many permits, of which `per_minute` return
    /// each minute. Zero counts as one.
    ///
    /// ```
    /// use tower_genesys::retry::Budget;
    ///
    /// assert_eq!(Budget::new(20, 10).available(), 20);
    /// ```
    pub fn new(permits: u32, per_minute: u32) -> Self {
        let minute = 60_000_000_000;
        let interval = minute / u64::from(per_minute.max(1));
        let shared = Shared {
            epoch: Instant::now(),
            interval,
            depth: interval.saturating_mul(u64::from(permits.max(1))),
            full_at: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes a permit. Returns false if the bucket is empty.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let now = self.elapsed(now);
        let withdraw = |full_at: u64| {
            let next = full_at.max(now).saturating_add(self.shared.interval);
            (next - now <= self.shared.depth).then_some(next)
        };
        // `Relaxed` suffices: no other memory depends on this number.
        let full_at = &self.shared.full_at;
        full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, withdraw)
            .is_ok()
    }

    /// Returns the number of permits that are left now, for a gauge.
    pub fn available(&self) -> u32 {
        let now = self.elapsed(Instant::now());
        let owed = self
            .shared
            .full_at
            .load(Ordering::Relaxed)
            .saturating_sub(now);
        let permits = self.shared.depth.saturating_sub(owed) / self.shared.interval;
        u32::try_from(permits).unwrap_or(u32::MAX)
    }

    /// Returns the nanoseconds since the epoch.
    fn elapsed(&self, now: Instant) -> u64 {
        let elapsed: Duration = now.saturating_duration_since(self.shared.epoch);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::for_requests_per_minute(Self::DEFAULT_REQUESTS_PER_MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn default_is_fifty_permits_and_forty_five_a_minute() {
        let budget = Budget::default();
        assert_eq!(budget.available(), 50);
        let spent = (0..1000)
            .filter(|_| budget.withdraw(Instant::now()))
            .count();
        assert_eq!(spent, 50);
        time::advance(Duration::from_secs(60)).await;
        assert_eq!(budget.available(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn full_load_for_ten_minutes_stays_under_twenty_percent() {
        let budget = Budget::default();
        let (mut requests, mut retries) = (0, 0);
        for _ in 0..3000 {
            requests += 1;
            retries += (0..3).filter(|_| budget.withdraw(Instant::now())).count();
            time::advance(Duration::from_millis(200)).await;
        }
        assert_eq!((requests, retries), (3000, 499));
        time::advance(Duration::from_secs(600)).await;
        assert_eq!(budget.available(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn clones_share_their_permits() {
        let budget = Budget::new(2, 1);
        let clone = budget.clone();
        assert!(budget.withdraw(Instant::now()));
        assert!(clone.withdraw(Instant::now()));
        assert!(!budget.withdraw(Instant::now()));
    }

    #[test]
    fn extremes_neither_panic_nor_divide_by_zero() {
        for (permits, rate) in [(0, 0), (u32::MAX, u32::MAX), (u32::MAX, 0), (1, u32::MAX)] {
            let budget = Budget::new(permits, rate);
            assert!(budget.withdraw(Instant::now()));
        }
        assert!(Budget::for_requests_per_minute(0).withdraw(Instant::now()));
        let budget = Budget::for_requests_per_minute(u32::MAX);
        assert!(budget.withdraw(Instant::now()));
    }
}
