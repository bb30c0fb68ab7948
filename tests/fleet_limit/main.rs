//! Does a fleet keep to one limit, whatever the API counts by? The simulation
//! of `benches/fleet_limit`, with exact counts where they are promised. On the
//! paused clock.

#[allow(dead_code, reason = "the bench shows more of it")]
#[path = "../../benches/fleet_limit/simulation/mod.rs"]
mod simulation;

use std::time::Duration;

use simulation::{LIMIT, Load, Report, Scenario, TOTAL, Trouble, Window, run};
use tower_genesys::store::Limit;

const WINDOWS: [Window; 3] = [Window::Fixed, Window::Sliding, Window::Bucket];

const fn at_once(in_flight: usize) -> Load {
    Load::AllAtOnce {
        in_flight,
        total: TOTAL,
    }
}

const fn steady(percent: u32) -> Load {
    Load::Steady {
        percent,
        total: TOTAL,
    }
}

fn stated(processes: usize, window: Window, load: Load) -> Report {
    let limit = Limit::per_minute(LIMIT);
    run(&Scenario::new(processes, window, load).with_limit(limit), 1)
}

/// Not one 429, not one failure, one token, and never more than the limit in
/// any minute.
fn assert_kept(report: &Report, what: &str) {
    assert_eq!((report.refusals, report.failed), (0, 0), "{what}");
    assert_eq!(report.sends, report.calls, "{what}: each was sent once");
    assert_eq!(report.token_posts, 1, "{what}");
    let most = report.most_in_a_minute;
    assert!(most <= LIMIT as usize, "{what}: {most} in a minute");
}

#[test]
fn a_stated_limit_is_kept_and_used_by_any_number_of_processes() {
    for window in WINDOWS {
        for (processes, in_flight) in [(1, 10), (5, 10), (20, 10), (50, 10), (200, 1)] {
            let what = format!("{processes} with {in_flight} each, {window:?}");
            let report = stated(processes, window, at_once(in_flight));
            assert_kept(&report, &what);
            let used = report.utilisation();
            assert!(used >= 0.97, "{what}: {used}");
            if TOTAL / processes >= 50 {
                assert!(report.fairness >= 0.8, "{what}: {}", report.fairness);
            }
            let [operations, busiest] = report.operations;
            let most = f64::from(LIMIT) / 60.0 + 1.0;
            assert!(operations <= most, "{what}: {operations} a second");
            // A process that waits has its slot already: one for each is still
            // to come when the minute ends.
            let most = (LIMIT as usize + processes) as f64 / 60.0;
            assert!(busiest <= most, "{what}: {busiest} in the busiest minute");
            let (asked, calls) = (report.reservations, report.calls as u64);
            assert!(asked <= calls, "{what}: {asked}, so one brought no slot");
        }
    }
}

#[test]
fn at_a_steady_load_nothing_is_refused_and_below_the_limit_nothing_waits() {
    for window in WINDOWS {
        for (processes, percent) in [(20, 80), (20, 104), (20, 150)] {
            let report = stated(processes, window, steady(percent));
            assert_kept(&report, &format!("{percent} %, {window:?}"));
            if percent == 80 {
                let longest = report.longest;
                assert!(longest < Duration::from_secs(1), "{longest:?}");
            }
        }
    }
}

#[test]
fn a_learned_limit_costs_as_many_429s_as_were_in_flight_once() {
    for window in WINDOWS {
        for (processes, in_flight) in [(1, 10), (20, 10), (200, 1)] {
            let scenario = Scenario::new(processes, window, at_once(in_flight));
            let report = run(&scenario.with_limit(Limit::learned()), 1);
            let what = format!("{processes} with {in_flight} each, {window:?}");
            assert_eq!(report.failed, 0, "{what}");
            let most = processes * in_flight;
            assert!(
                (1..=most).contains(&report.refusals),
                "{what}: {}",
                report.refusals
            );
            // All of them before the first minute is over.
            let last = report.last_refusal;
            assert!(last < Duration::from_secs(60), "{what}: {last:?}");
        }
    }
}

#[test]
fn processes_that_learn_a_limit_at_once_tell_the_book_of_few_429s() {
    let scenario = Scenario::new(200, Window::Fixed, steady(150));
    let report = run(&scenario.with_limit(Limit::learned()), 1);
    assert_eq!(report.failed, 0);
    let [_, busiest] = report.operations;
    assert!(busiest <= 9.0, "{busiest} in the busiest minute");
}

#[test]
fn an_interactive_caller_waits_two_seconds_at_most_beside_batch_jobs() {
    let duration = Duration::from_secs(600);
    let load = Load::Mixed { duration };
    for seed in 0..8 {
        let scenario = Scenario::new(12, Window::Fixed, load);
        let report = run(&scenario.with_limit(Limit::per_minute(LIMIT)), seed);
        assert_kept(&report, "batch and interactive");
        let [median, late, longest] = report.interactive;
        assert!(median <= Duration::from_millis(1500), "{median:?}");
        assert!(late <= Duration::from_secs(2), "{late:?}");
        assert!(longest <= Duration::from_secs(5), "{longest:?}");
    }
}

#[test]
fn an_outage_lost_state_and_foreign_use_fail_no_request() {
    let most = 1.35 * f64::from(LIMIT);
    for (trouble, refused) in [
        (Trouble::Outage, 20.0),
        (Trouble::LostState, 20.0),
        (Trouble::ForeignUse(60), 100.0),
    ] {
        let scenario = Scenario::new(20, Window::Fixed, at_once(10)).with_trouble(trouble);
        let report = run(&scenario.with_limit(Limit::per_minute(LIMIT)), 1);
        assert_eq!(report.failed, 0, "{trouble:?}");
        let refusals = report.refusals_per_thousand();
        assert!(refusals <= refused, "{trouble:?}: {refusals}");
        let in_a_minute = report.most_in_a_minute as f64;
        assert!(in_a_minute <= most, "{trouble:?}: {in_a_minute}");
        if trouble == Trouble::Outage {
            let used = report.utilisation();
            assert!(used >= 0.97, "{used}");
        }
    }
}

#[test]
fn a_limit_that_is_stated_too_high_is_corrected_by_the_first_429() {
    let scenario = Scenario::new(20, Window::Fixed, at_once(10));
    let report = run(&scenario.with_limit(Limit::per_minute(400)), 1);
    assert_eq!(report.failed, 0);
    assert!(
        report.refusals_per_thousand() <= 20.0,
        "{}",
        report.refusals
    );
    assert!(
        report.last_refusal < Duration::from_secs(60),
        "{:?}",
        report.last_refusal
    );
}

/// Without a limit: the body of the first 429 closes all ten paths.
#[test]
fn ten_paths_of_one_process_share_the_gate_of_their_token() {
    let scenario = Scenario::new(1, Window::Bucket, at_once(10)).with_paths(10);
    let report = run(&scenario, 1);
    assert_eq!(report.failed, 0);
    let refusals = report.refusals_per_thousand();
    assert!(refusals <= 84.0, "{refusals}");
}
