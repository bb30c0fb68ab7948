use std::time::Duration;

use tokio::time::Instant;

use super::api::{LIMIT, Traffic};

/// One call, as its caller saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) process: usize,
    pub(crate) interactive: bool,
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
    pub(crate) succeeded: bool,
}

/// The results of a run.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) calls: usize,
    pub(crate) failed: usize,
    pub(crate) sends: usize,
    pub(crate) refusals: usize,
    pub(crate) last_refusal: Duration,
    pub(crate) token_posts: u32,
    pub(crate) duration: Duration,
    pub(crate) longest: Duration,
    /// The share of the slowest process relative to the fastest one, at half of
    /// the work.
    pub(crate) fairness: f64,
    /// The most requests in any minute, refused or not.
    pub(crate) most_in_a_minute: usize,
    /// Store operations a second: on average, and in the busiest minute.
    pub(crate) operations: [f64; 2],
    /// All operations that reserve slots.
    pub(crate) reservations: u64,
    pub(crate) interactive: [Duration; 3],
}

impl Report {
    pub(crate) fn new(
        start: Instant,
        calls: &[Call],
        traffic: &Traffic,
        operations: [f64; 2],
        processes: usize,
    ) -> Self {
        let useful = calls.iter().filter(|call| call.succeeded).count();
        let end = calls.iter().map(|call| call.ended).max().unwrap_or(start);
        let longest = calls.iter().map(|call| call.ended - call.begun).max();
        let last_refusal = traffic.refusals.last().map(|at| *at - start);
        Self {
            calls: calls.len(),
            failed: calls.len() - useful,
            sends: traffic.sends.len(),
            refusals: traffic.refusals.len(),
            last_refusal: last_refusal.unwrap_or_default(),
            token_posts: traffic.token_posts,
            duration: end - start,
            longest: longest.unwrap_or_default(),
            fairness: fairness(calls, processes),
            most_in_a_minute: most_in_a_minute(&traffic.sends),
            operations,
            reservations: 0,
            interactive: percentiles(calls),
        }
    }

    /// 429s for each thousand useful requests.
    pub(crate) fn refusals_per_thousand(&self) -> f64 {
        let useful = self.calls - self.failed;
        self.refusals as f64 * 1000.0 / useful.max(1) as f64
    }

    /// The part of the limit that was used, from the first request to the last.
    /// The requests of the first minute may be sent at once, so it counts as an
    /// additional minute.
    pub(crate) fn utilisation(&self) -> f64 {
        let useful = (self.calls - self.failed) as f64;
        useful * 60.0 / f64::from(LIMIT) / self.duration.as_secs_f64()
    }
}

fn fairness(calls: &[Call], processes: usize) -> f64 {
    let mut done: Vec<_> = calls.iter().filter(|call| call.succeeded).collect();
    done.sort_by_key(|call| call.ended);
    let mut shares = vec![0_u32; processes];
    for call in &done[..done.len() / 2] {
        shares[call.process] += 1;
    }
    let most = shares.iter().max().copied().unwrap_or(1).max(1);
    f64::from(shares.iter().min().copied().unwrap_or(0)) / f64::from(most)
}

fn most_in_a_minute(sends: &[Instant]) -> usize {
    let mut sends = sends.to_vec();
    sends.sort();
    let mut first = 0;
    let mut most = 0;
    for (last, at) in sends.iter().enumerate() {
        while *at - sends[first] >= Duration::from_secs(60) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// The waits of interactive callers: the median, the 95th percentile, and the
/// longest.
fn percentiles(calls: &[Call]) -> [Duration; 3] {
    let mut times: Vec<_> = calls
        .iter()
        .filter(|call| call.interactive)
        .map(|call| call.ended - call.begun)
        .collect();
    times.sort();
    let at = |part: f64| {
        let place = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    };
    [at(0.5), at(0.95), at(1.0)]
}
