//! How do many processes use a rate limit: without a setting, with a stated
//! limit, and with a learned one? On a paused clock, ten minutes pass in a
//! second.
//!
//! Arguments select the lines that contain all of them. With `--test`, each
//! kind runs once, for the requests of one minute.
//!
//! ```text
//! cargo bench --bench fleet_limit -- Fixed outage
//! ```

#[allow(dead_code, reason = "the test looks at more of it")]
mod simulation;

use std::time::Duration;

use simulation::{LIMIT, Load, Report, Scenario, TOTAL, Trouble, Window, run};
use tower_genesys::store::Limit;

const SEEDS: u64 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let words: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let (seeds, total) = if is_test { (1, 300) } else { (SEEDS, TOTAL) };
    println!(
        "| processes | API | load | limit | 429s per 1000 | last 429 at | failed | longest | use | fair | most in 60 s | store/s, busiest minute | interactive p50, p95, max |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for scenario in scenarios(total) {
        let name = name(&scenario).to_lowercase();
        if !words.iter().all(|word| name.contains(&word.to_lowercase())) {
            continue;
        }
        let reports: Vec<_> = (0..seeds).map(|seed| run(&scenario, seed)).collect();
        println!("{}", line(&scenario, &reports));
    }
}

fn scenarios(total: usize) -> Vec<Scenario> {
    let stated = || Limit::per_minute(LIMIT);
    let mut all = Vec::new();
    for window in [Window::Fixed, Window::Sliding, Window::Bucket] {
        let fleets = [(1, 10), (5, 10), (20, 10), (50, 10), (200, 1), (200, 10)];
        let shapes = fleets
            .map(|(processes, in_flight)| (processes, Load::AllAtOnce { in_flight, total }))
            .into_iter()
            .chain([80, 104, 150].map(|percent| (20, Load::Steady { percent, total })))
            .chain([200].map(|processes| {
                (
                    processes,
                    Load::Steady {
                        percent: 150,
                        total,
                    },
                )
            }))
            .chain([(
                12,
                Load::Mixed {
                    duration: Duration::from_secs(600),
                },
            )]);
        for (processes, load) in shapes {
            let scenario = Scenario::new(processes, window, load);
            all.push(scenario.clone());
            all.push(scenario.clone().with_limit(stated()));
            all.push(scenario.with_limit(Limit::learned()));
        }
        let ten = Load::AllAtOnce {
            in_flight: 10,
            total,
        };
        all.push(Scenario::new(1, window, ten).with_paths(10));
        all.push(Scenario::new(20, window, ten).with_paths(10));
        for trouble in [
            Trouble::Outage,
            Trouble::LostState,
            Trouble::ForeignUse(60),
            Trouble::ForeignUse(150),
        ] {
            let scenario = Scenario::new(20, window, ten).with_trouble(trouble);
            all.push(scenario.with_limit(stated()));
        }
        for limit in [330, 400, 600] {
            all.push(Scenario::new(20, window, ten).with_limit(Limit::per_minute(limit)));
        }
    }
    all
}

/// The first columns.
fn name(scenario: &Scenario) -> String {
    let trouble = match scenario.trouble {
        Trouble::None => String::new(),
        trouble => format!(", {trouble:?}"),
    };
    let paths = if scenario.paths > 1 {
        ", ten paths"
    } else {
        ""
    };
    let limit = match &scenario.limit {
        None => "none".to_owned(),
        Some(limit) => format!("{limit:?}"),
    };
    format!(
        "| {} | {:?} | {}{paths}{trouble} | {limit} |",
        scenario.processes,
        scenario.window,
        scenario.load.name(),
    )
}

fn line(scenario: &Scenario, reports: &[Report]) -> String {
    let n = reports.len() as f64;
    let mean = |of: &dyn Fn(&Report) -> f64| reports.iter().map(of).sum::<f64>() / n;
    let most = |of: &dyn Fn(&Report) -> Duration| {
        let most = reports.iter().map(of).max().unwrap_or_default();
        format!("{:.1} s", most.as_secs_f64())
    };
    let most_sends = reports.iter().map(|report| report.most_in_a_minute).max();
    let interactive = |place: usize| most(&|report: &Report| report.interactive[place]);
    format!(
        "{} {:.0} | {} | {:.1} of {} | {} | {:.0} % | {:.2} | {} | {:.1}, {:.1} | {}, {}, {} |",
        name(scenario),
        mean(&Report::refusals_per_thousand),
        most(&|report| report.last_refusal),
        mean(&|report| report.failed as f64),
        reports[0].calls,
        most(&|report| report.longest),
        100.0 * mean(&Report::utilisation),
        mean(&|report| report.fairness),
        most_sends.unwrap_or(0),
        mean(&|report| report.operations[0]),
        mean(&|report| report.operations[1]),
        interactive(0),
        interactive(1),
        interactive(2),
    )
}
