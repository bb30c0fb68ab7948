use std::{collections::BTreeSet, time::Duration};

/// The numbers of one part of the run.
#[derive(Default)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) lasted: Duration,
    pub(crate) sent: usize,
    pub(crate) refused: usize,
    pub(crate) failed: usize,
    /// How long each request of the interactive process has waited.
    pub(crate) waits: Vec<Duration>,
    /// The processes that worked without the store for a while.
    pub(crate) alone: BTreeSet<usize>,
}

impl Column {
    /// The wait that this percentage of the requests does not exceed.
    fn wait(&self, percent: usize) -> String {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let rank = (waits.len() * percent).div_ceil(100).max(1);
        match waits.get(rank - 1) {
            Some(wait) => format!("{:.1} s", wait.as_secs_f64()),
            None => "-".into(),
        }
    }

    fn mode(&self, processes: usize) -> String {
        match self.alone.len() {
            0 => "one book".into(),
            alone => format!("{alone} of {processes} alone"),
        }
    }
}

/// Prints the table, with a line for each number.
pub(crate) fn print(columns: &[Column], processes: usize) {
    let line = |name: &str, value: &dyn Fn(&Column) -> String| {
        let values = columns
            .iter()
            .map(|column| format!("{:>18}", value(column)));
        println!("  {name:26}{}", values.collect::<String>());
    };
    let per_second = |column: &Column| column.sent as f64 / column.lasted.as_secs_f64();
    line("", &|column| column.title.into());
    line("seconds", &|column| {
        format!("{:.1}", column.lasted.as_secs_f64())
    });
    line("requests", &|column| column.sent.to_string());
    line("requests a second", &|column| {
        format!("{:.1}", per_second(column))
    });
    line("429s", &|column| column.refused.to_string());
    line("failed calls", &|column| column.failed.to_string());
    line("interactive waits, p50", &|column| column.wait(50));
    line("interactive waits, p95", &|column| column.wait(95));
    line("mode", &|column| column.mode(processes));
}
