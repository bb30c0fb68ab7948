//! A fleet of processes and a rate-limited API on tokio's paused clock. Minutes
//! pass in moments, and a seed repeats a run.

mod api;
mod fleet;
mod load;
mod report;

pub(crate) use api::{LIMIT, Window};
pub(crate) use fleet::{Scenario, Trouble};
pub(crate) use load::Load;
pub(crate) use report::Report;

/// Requests of a run, unless it says otherwise.
pub(crate) const TOTAL: usize = 3000;

/// One run, from start to end.
pub(crate) fn run(scenario: &Scenario, seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    fastrand::seed(seed);
    runtime.block_on(fleet::run(scenario, seed))
}
