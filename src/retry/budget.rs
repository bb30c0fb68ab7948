use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// How many retries all calls to one API may make together.
///
/// # Why a budget
///
/// Each call has a limit of its own, and that limit multiplies: when an API is
/// down for all requests, four sends per call are four times the load, from all
/// clients at once, on a service that is trying to come up. A budget leaves the
/// retries that repair single failures alone, and ends those that only add to
/// an outage.
///
/// It is a bucket of permits: each retry takes one, and they come back at a
/// constant rate. It governs retries after 5xx, 408 and errors of the
/// transport. A 429 is not governed by it: its retry waits as long as the
/// server asked for, and the [`Throttle`](super::Throttle) paces it. Nor are
/// the first two resends after failures that were [no load for the
/// API](super#what-is-retried).
///
/// # Default
///
/// For 300 requests a minute, the limit that Genesys gives a token: 50 permits,
/// and 45 more each minute. In ten minutes at full load in which everything
/// fails, 3000 requests lead to 500 retries, 17 % more load.
///
/// # Cloning
///
/// Clones share their permits.
///
/// There is an example in the [module docs](super#customising).
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// From here the times are counted, so that one fits an atomic.
    epoch: Instant,
    /// The cost of one permit, in nanoseconds of refilling.
    interval: u64,
    /// What all permits cost.
    depth: u64,
    /// When the bucket is full again, in nanoseconds after the epoch.
    full_at: AtomicU64,
}

impl Budget {
    /// The rate that the default is made for: what Genesys allows per token.
    pub const DEFAULT_REQUESTS_PER_MINUTE: u32 = 300;

    /// A budget for an API on which this many requests a minute are made.
    ///
    /// A sixth of them in store, and 15 % of them added each minute: together
    /// less than 20 % in any ten minutes, from 60 requests a minute on; below
    /// that, the least that a budget has is more.
    pub fn for_requests_per_minute(rate: u32) -> Self {
        let refill = u64::from(rate) * 15 / 100;
        Self::new(rate / 6, u32::try_from(refill).unwrap_or(u32::MAX))
    }

    /// This many permits in store, and this many more each minute, at least one
    /// of each.
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

    /// Takes one permit, if there is one.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let now = self.elapsed(now);
        let withdraw = |full_at: u64| {
            let next = full_at.max(now).saturating_add(self.shared.interval);
            (next - now <= self.shared.depth).then_some(next)
        };
        // Relaxed: the number is all there is, nothing else is published by it.
        let full_at = &self.shared.full_at;
        full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, withdraw)
            .is_ok()
    }

    /// How many permits there are now.
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
