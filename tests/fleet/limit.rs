//! Processes that keep to one limit together, with a book on a real Redis.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tower_genesys::testing::{MockGenesys, USERS};

use crate::{
    fixtures::real_time::{pass, wait_within},
    process::Process,
    setup::{Fleet, millis, seconds},
};

pub(crate) const PROCESSES: usize = 5;
/// How many requests each process has in flight.
pub(crate) const IN_FLIGHT: usize = 10;
/// Requests in a minute, so ten a second.
pub(crate) const LIMIT: u32 = 600;

/// A Genesys Cloud with this limit.
pub(crate) fn mock() -> MockGenesys {
    let mock = MockGenesys::builder().rate_limit(LIMIT);
    mock.keep_requests(10_000).build()
}

async fn fleet(limit: &str) -> Fleet {
    fleet_over(mock(), limit).await
}

async fn fleet_over(mock: MockGenesys, limit: &str) -> Fleet {
    let mut fleet = Fleet::over(mock, 0).await;
    fleet.settings = fleet.settings.with_limit(limit);
    fleet.add(PROCESSES).await;
    fleet
}

/// The requests that the server has seen, in the order of their arrival.
pub(crate) struct Sends(Vec<(Instant, StatusCode)>);

impl Sends {
    pub(crate) fn of(fleet: &Fleet) -> Self {
        let requests = fleet.mock.requests_at(USERS);
        assert_eq!(requests.len(), fleet.mock.count(USERS), "all were kept");
        let status = |status: Option<StatusCode>| status.unwrap_or(StatusCode::OK);
        let sends = requests.iter();
        let mut sends: Vec<_> = sends
            .map(|request| (request.arrived(), status(request.status())))
            .collect();
        sends.sort_unstable();
        Self(sends)
    }

    pub(crate) fn since(mut self, from: Instant) -> Self {
        self.0.retain(|(arrived, _)| *arrived >= from);
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn refused(&self) -> Vec<Instant> {
        let is_refused = |status: StatusCode| status != StatusCode::OK;
        let refused = self.0.iter().filter(|(_, status)| is_refused(*status));
        refused.map(|(arrived, _)| *arrived).collect()
    }

    /// The most sends that any span of time, short or long, was ahead of the
    /// limit's pace. If that is 0.35 of the limit, no minute has more than 1.35
    /// of it.
    pub(crate) fn ahead_of_pace(&self) -> f64 {
        self.ahead_of(LIMIT)
    }

    fn ahead_of(&self, limit: u32) -> f64 {
        let Some((first, _)) = self.0.first() else {
            return 0.0;
        };
        let (mut least, mut most) = (0_f64, 0_f64);
        for (before, (arrived, _)) in self.0.iter().enumerate() {
            let due = (*arrived - *first).as_secs_f64() * f64::from(limit) / 60.0;
            let ahead = before as f64 - due;
            least = least.min(ahead);
            most = most.max(ahead + 1.0 - least);
        }
        most
    }
}

/// Stops the batches, of which no call has failed. Returns how many calls each
/// process has made.
pub(crate) async fn stop(fleet: &mut Fleet) -> Vec<usize> {
    let mut made = Vec::new();
    for process in &mut fleet.processes {
        made.push(process.stop_traffic().await.0);
    }
    made
}

/// Waits until all processes have seen this event.
pub(crate) async fn wait_for_all(fleet: &mut Fleet, event: &str, within: Duration) {
    let begun = Instant::now();
    for process in &mut fleet.processes {
        let left = within.saturating_sub(begun.elapsed());
        wait_within(left, event, async || process.has_seen(event).await).await;
    }
}

/// The burst is the whole limit, so the processes send as fast as they can.
#[tokio::test]
async fn a_stated_limit_is_used_up_and_never_overrun() {
    let mut fleet = fleet(&format!("{LIMIT} 1")).await;
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    let (limit, mock) = (LIMIT as usize, fleet.mock.clone());
    // A slot that a process has reserved and not used may come back too late
    // for the others.
    let most_of_it = limit * 97 / 100;
    wait_within(seconds(15), "the limit is used up", async || {
        mock.count(USERS) >= most_of_it
    })
    .await;
    // None is sent for a while.
    pass(seconds(4)).await;
    let made = stop(&mut fleet).await;
    let sends = Sends::of(&fleet);
    println!("{} sends in a minute, by process {made:?}", sends.len());
    assert!((most_of_it..=limit).contains(&sends.len()), "{made:?}");
    assert_eq!((sends.refused().len(), fleet.posts()), (0, 1));
    assert_eq!(made.iter().sum::<usize>(), sends.len(), "each sent once");
    for process in &mut fleet.processes {
        assert!(process.has_seen("limit:waiting_began").await);
    }
}

#[tokio::test]
async fn a_limit_is_shared_equally_and_delays_no_process_for_long() {
    let mut fleet = fleet(&format!("{LIMIT} 0")).await;
    let before = fleet.redis.calls("evalsha");
    let begun = Instant::now();
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    let mut interactive = Process::start(&fleet.settings).await;
    // The batches have used up the limit by then.
    pass(seconds(1)).await;
    let mut longest = Duration::ZERO;
    while begun.elapsed() < seconds(12) {
        let call = interactive.call().await;
        call.assert_ok();
        longest = longest.max(call.took);
        pass(millis(500)).await;
    }
    let (made, took) = (stop(&mut fleet).await, begun.elapsed().as_secs_f64());
    let operations = (fleet.redis.calls("evalsha") - before) as f64 / took;
    let sends = Sends::of(&fleet);
    println!(
        "{:.1} sends a second, ahead by {:.1}, by process {made:?}; the other one waited for \
         {longest:?} at most; {operations:.1} operations a second",
        sends.len() as f64 / took,
        sends.ahead_of_pace(),
    );
    assert_eq!((sends.refused().len(), fleet.posts()), (0, 1));
    // Reserved slots are sent within the 0.9 seconds for which a slot is valid.
    assert!(sends.ahead_of_pace() <= 10.0);
    let (least, most) = (made.iter().min().unwrap(), made.iter().max().unwrap());
    assert!(least * 10 >= most * 6, "{made:?}");
    // Two seconds, and one for a busy machine.
    assert!(longest < seconds(3), "{longest:?}");
    // Claims for the token are operations, too.
    assert!(operations <= f64::from(LIMIT) / 60.0 + 2.0, "{operations}");
}

#[tokio::test]
async fn learning_a_limit_costs_as_many_429s_as_were_in_flight() {
    let mut fleet = fleet("learned").await;
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    let (limit, mock) = (LIMIT as usize, fleet.mock.clone());
    wait_within(seconds(15), "the limit is used up", async || {
        mock.count(USERS) > limit
    })
    .await;
    wait_for_all(&mut fleet, "limit:learned", seconds(5)).await;
    let learned = Instant::now();
    // None is sent for a while.
    pass(seconds(5)).await;
    stop(&mut fleet).await;
    let sends = Sends::of(&fleet);
    let refused = sends.refused();
    println!("{} of {} sends were refused", refused.len(), sends.len());
    assert!((1..=PROCESSES * IN_FLIGHT).contains(&refused.len()));
    assert_eq!((sends.len() - refused.len(), fleet.posts()), (limit, 1));
    assert!(refused.iter().all(|arrived| *arrived < learned));
    assert_eq!(sends.since(learned).len(), 0);
}

/// Each process gets a 429 that names a limit. From then on, they keep to it
/// together.
#[tokio::test]
async fn processes_keep_to_a_limit_that_they_have_learned() {
    // The limit in the scripted 429s.
    const NAMED: u32 = 300;
    let mock = MockGenesys::builder().keep_requests(100_000).build();
    let mut fleet = fleet_over(mock, "learned").await;
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    // Without a limit at first.
    pass(seconds(1)).await;
    let wait = seconds(2);
    fleet.mock.on(USERS).always().reply_429(wait);
    let closed = Instant::now();
    wait_for_all(&mut fleet, "limit:learned", wait).await;
    fleet.mock.clear_script();
    // Long enough to measure a rate.
    pass(seconds(10)).await;
    stop(&mut fleet).await;
    let refused = Sends::of(&fleet).refused();
    let kept = Sends::of(&fleet).since(closed + wait);
    println!(
        "{} sends were refused, and then {} were sent, ahead by {:.1}",
        refused.len(),
        kept.len(),
        kept.ahead_of(NAMED)
    );
    assert!((PROCESSES..=PROCESSES * IN_FLIGHT).contains(&refused.len()));
    assert!(refused.iter().all(|arrived| *arrived < closed + wait));
    // Five a second for eight seconds at least.
    assert!(kept.ahead_of(NAMED) <= 10.0 && kept.len() >= 30);
    assert_eq!(fleet.posts(), 1);
}

/// Redis dies, and restarts without data. The limit is neither overrun nor left
/// unused.
#[tokio::test]
async fn a_limit_outlives_its_redis() {
    let mut fleet = fleet(&format!("{LIMIT} 0.25")).await;
    fleet.all(&format!("start_batch {IN_FLIGHT}")).await;
    // The burst is over by then.
    pass(seconds(4)).await;
    fleet.redis.kill();
    let killed = Instant::now();
    wait_for_all(&mut fleet, "limit:went_alone", seconds(5)).await;
    // Long enough to measure a rate.
    pass(seconds(7).saturating_sub(killed.elapsed())).await;
    let alone = Sends::of(&fleet).since(killed).len() as f64 / killed.elapsed().as_secs_f64();
    fleet.redis.restart();
    wait_for_all(&mut fleet, "limit:rejoined", seconds(15)).await;
    let back = killed.elapsed();
    // Long enough to overrun the limit.
    pass(seconds(2)).await;
    stop(&mut fleet).await;
    let sends = Sends::of(&fleet);
    assert_eq!((sends.refused().len(), fleet.posts()), (0, 1));
    let after = sends.since(killed);
    println!(
        "{alone:.1} sends a second without Redis; ahead by {:.1}; back after {back:?}",
        after.ahead_of_pace()
    );
    let pace = f64::from(LIMIT) / 60.0;
    assert!((0.7 * pace..=1.35 * pace).contains(&alone), "{alone}");
    // The new book grants no burst after sends without a book.
    assert!(after.ahead_of_pace() <= 0.1 * f64::from(LIMIT));
}
