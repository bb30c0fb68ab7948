//! Does a fleet keep to one limit, by whichever window the API counts? Runs the
//! simulation of `benches/fleet_limit` on the paused clock. A seed fixes its
//! jitter, so counts and times are exact.

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

/// There is no 429 and no failure, one token, and no minute with more sends
/// than the limit.
fn assert_kept(report: &Report, what: &str) {
    assert_eq!((report.refusals, report.failed), (0, 0), "{what}");
    assert_eq!(report.sends, report.calls, "{what}: each call is sent once");
    assert_eq!(report.token_posts, 1, "{what}");
    let most = report.most_in_a_minute;
    assert!(most <= LIMIT as usize, "{what}: {most} in a minute");
}

#[test]
fn a_stated_limit_is_kept_and_used_by_any_number_of_processes() {
    for window in WINDOWS {
        for (processes, in_flight, reservations) in [
            (1, 10, 338),
            (5, 10, 2948),
            (20, 10, 2991),
            (50, 10, 3000),
            (200, 1, 3000),
        ] {
            let what = format!("{processes} with {in_flight} each, {window:?}");
            let report = stated(processes, window, at_once(in_flight));
            assert_kept(&report, &what);
            assert_eq!(report.most_in_a_minute, 297, "{what}");
            assert_eq!(report.duration.as_millis(), 611_997, "{what}");
            let used = report.utilisation();
            assert!(used >= 0.97, "{what}: {used}");
            if TOTAL / processes >= 50 {
                assert!(report.fairness >= 0.8, "{what}: {}", report.fairness);
            }
            let [operations, busiest] = report.operations;
            let most = f64::from(LIMIT) / 60.0 + 1.0;
            assert!(operations <= most, "{what}: {operations} a second");
            // A process that waits has reserved its slot already, so a minute
            // has one operation more for each process.
            let most = (LIMIT as usize + processes) as f64 / 60.0;
            assert!(busiest <= most, "{what}: {busiest} in the busiest minute");
            // Never more than the calls, because each reservation brings a
            // slot.
            assert_eq!(report.reservations, reservations, "{what}");
        }
    }
}

#[test]
fn at_a_steady_load_nothing_is_refused_and_below_the_limit_no_call_waits_for_another() {
    for window in WINDOWS {
        // Below the limit, a call waits for its slot and for no other call.
        for (percent, longest) in [(80, 378), (104, 68_930), (150, 234_925)] {
            let report = stated(20, window, steady(percent));
            let what = format!("{percent} %, {window:?}");
            assert_kept(&report, &what);
            assert_eq!(report.longest.as_millis(), longest, "{what}");
        }
    }
}

#[test]
fn a_learned_limit_costs_at_most_one_429_for_each_request_in_flight() {
    for window in WINDOWS {
        let bucket = window == Window::Bucket;
        for (processes, in_flight, refusals) in [
            (1, 10, 3),
            (20, 10, if bucket { 97 } else { 98 }),
            (200, 1, 200),
        ] {
            let scenario = Scenario::new(processes, window, at_once(in_flight));
            let report = run(&scenario.with_limit(Limit::learned()), 1);
            let what = format!("{processes} with {in_flight} each, {window:?}");
            assert_eq!(report.failed, 0, "{what}");
            // At most one for each request in flight.
            assert_eq!(report.refusals, refusals, "{what}");
            // All of them come within the first minute.
            let last = report.last_refusal;
            assert!(last < Duration::from_secs(60), "{what}: {last:?}");
        }
    }
}

#[test]
fn processes_that_learn_a_limit_together_report_few_429s_to_the_book() {
    let scenario = Scenario::new(200, Window::Fixed, steady(150));
    let report = run(&scenario.with_limit(Limit::learned()), 1);
    assert_eq!(report.failed, 0);
    let [_, busiest] = report.operations;
    assert_eq!(busiest * 60.0, 504.0, "in the busiest minute");
    assert_eq!(report.refusals, 212);
}

#[test]
fn an_interactive_caller_waits_at_most_two_seconds_beside_batch_jobs() {
    let duration = Duration::from_secs(600);
    let load = Load::Mixed { duration };
    let mut slowest = [0; 3];
    for seed in 0..8 {
        let scenario = Scenario::new(12, Window::Fixed, load);
        let report = run(&scenario.with_limit(Limit::per_minute(LIMIT)), seed);
        assert_kept(&report, "batch and interactive");
        let [median, late, longest] = report.interactive;
        assert!(median <= Duration::from_millis(1500), "{median:?}");
        assert!(late <= Duration::from_secs(2), "{late:?}");
        assert!(longest <= Duration::from_secs(5), "{longest:?}");
        for (slowest, wait) in slowest.iter_mut().zip(report.interactive) {
            *slowest = wait.as_millis().max(*slowest);
        }
    }
    assert_eq!(slowest, [1000, 1703, 2578], "median, late, longest");
}

#[test]
fn an_outage_lost_state_and_foreign_use_fail_no_request() {
    for (trouble, refusals, most) in [
        (Trouble::Outage, 28, 336),
        (Trouble::LostState, 15, 315),
        (Trouble::ForeignUse(60), 233, 272),
    ] {
        let scenario = Scenario::new(20, Window::Fixed, at_once(10)).with_trouble(trouble);
        let report = run(&scenario.with_limit(Limit::per_minute(LIMIT)), 1);
        assert_eq!(report.failed, 0, "{trouble:?}");
        assert_eq!(report.refusals, refusals, "{trouble:?}");
        assert_eq!(report.most_in_a_minute, most, "{trouble:?}");
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
    assert_eq!(report.refusals, 20);
    assert_eq!(report.last_refusal.as_millis(), 44_721);
}

/// Without a limit, the body of the first 429 closes all ten paths.
#[test]
fn ten_paths_of_one_process_share_the_gate_of_their_token() {
    let scenario = Scenario::new(1, Window::Bucket, at_once(10)).with_paths(10);
    let report = run(&scenario, 1);
    assert_eq!(report.failed, 0);
    assert_eq!(report.refusals, 174);
}
