use std::{collections::BTreeSet, time::Duration};

use http::StatusCode;
use tokio::time::Instant;
use tower_genesys::{
    BoxError,
    testing::{MockGenesys, USERS},
};

use crate::{
    BATCH, INTERACTIVE,
    fleet::Fleet,
    limited::LIMIT,
    redis::Redis,
    table::{self, Column},
};

const ROLES: [&str; 3] = [BATCH, BATCH, INTERACTIVE];
/// How long each part of the run lasts, and how long Redis is down.
const PART: Duration = Duration::from_secs(7);
/// A process checks for the book every 10 to 12 seconds.
const LONGEST: Duration = Duration::from_secs(20);

/// One limit for two batch jobs and an interactive process, while Redis is
/// killed.
pub(crate) async fn show() -> Result<(), BoxError> {
    let mut redis = Redis::find_or_start().await?;
    let mock = MockGenesys::builder().rate_limit(LIMIT);
    let mock = mock.keep_requests(10_000).build();
    let server = mock.serve().await?;
    println!(
        "\nTwo batch jobs and an interactive process, {LIMIT} requests a minute for all of them:"
    );
    let fleet = Fleet::start(&ROLES, &redis, &mock, &server)?;
    let mut run = Run {
        mock,
        fleet,
        alone: BTreeSet::new(),
        columns: Vec::new(),
    };

    run.begin("with Redis");
    run.watch(PART, |_| false).await;
    if redis.is_our_own() {
        run.begin("Redis killed");
        redis.kill()?;
        run.watch(PART, |_| false).await;
        redis.restart().await?;
        run.watch(LONGEST, BTreeSet::is_empty).await;
        run.begin("back, and empty");
        run.watch(PART, |_| false).await;
    }
    run.check()
}

struct Run {
    mock: MockGenesys,
    fleet: Fleet,
    /// The processes that work without the store now.
    alone: BTreeSet<usize>,
    columns: Vec<(Instant, Column)>,
}

impl Run {
    /// Starts another part of the run.
    fn begin(&mut self, title: &'static str) {
        println!("  {title} …");
        let column = Column {
            title,
            alone: self.alone.clone(),
            ..Column::default()
        };
        self.columns.push((Instant::now(), column));
    }

    /// Counts the output of the processes for this time, or until the condition
    /// holds for those without the store.
    async fn watch(&mut self, longest: Duration, is_over: impl Fn(&BTreeSet<usize>) -> bool) {
        let begun = Instant::now();
        let Some((_, column)) = self.columns.last_mut() else {
            return;
        };
        while begun.elapsed() < longest && !is_over(&self.alone) {
            let left = longest.saturating_sub(begun.elapsed());
            let Some((number, said)) = self.fleet.next(left).await else {
                break;
            };
            match (&*said, said.split_once(' ')) {
                ("went_alone", _) => {
                    self.alone.insert(number);
                    column.alone.insert(number);
                }
                ("rejoined", _) => {
                    self.alone.remove(&number);
                }
                (_, Some((status, waited))) => {
                    column.failed += usize::from(status != "200");
                    if ROLES[number - 1] == INTERACTIVE {
                        column
                            .waits
                            .extend(waited.parse().ok().map(Duration::from_millis));
                    }
                }
                _ => {}
            }
        }
    }

    /// Prints the table.
    ///
    /// # Errors
    ///
    /// If a call has failed, or the limit was overrun.
    fn check(mut self) -> Result<(), BoxError> {
        let columns = self.count();
        table::print(&columns, ROLES.len());
        let sum = |number: fn(&Column) -> usize| columns.iter().map(number).sum::<usize>();
        let (sent, refused) = (sum(|column| column.sent), sum(|column| column.refused));
        println!("{sent} of {LIMIT} requests in less than a minute");
        if sum(|column| column.failed) > 0 || !self.fleet.all_live()? {
            return Err("a call has failed".into());
        }
        if refused > 0 || sent > LIMIT as usize {
            return Err(format!("the limit was overrun: {refused} 429s").into());
        }
        if let Some(column) = columns.iter().find(|column| column.waits.is_empty()) {
            let part = column.title;
            return Err(format!("{part}: the interactive process got no answer").into());
        }
        if !self.alone.is_empty() {
            return Err(format!("processes {:?} did not come back to Redis", self.alone).into());
        }
        Ok(())
    }

    /// Counts the requests at the mock by part of the run.
    fn count(&mut self) -> Vec<Column> {
        let requests = self.mock.requests_at(USERS);
        let mut end = Instant::now();
        let mut columns = Vec::new();
        while let Some((begun, mut column)) = self.columns.pop() {
            let of_it = requests.iter().filter(|request| {
                request.arrived() < end && (request.arrived() >= begun || self.columns.is_empty())
            });
            for request in of_it {
                column.sent += 1;
                let refused = request.status() == Some(StatusCode::TOO_MANY_REQUESTS);
                column.refused += usize::from(refused);
            }
            column.lasted = end - begun;
            end = begun;
            columns.insert(0, column);
        }
        columns
    }
}
