//! Interrupted anywhere and run again, the report is the same, byte for byte.

#[path = "../../../tests/fixtures/child_process.rs"]
mod child_process;
mod slices;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode};
use tempfile::TempDir;
use tokio::{sync::watch, time::Instant};
use tower::Layer;
use tower_genesys::{
    Credentials, GenesysLayer, Org,
    testing::{
        DETAILS_JOB, DETAILS_JOB_RESULTS, DETAILS_JOBS, DETAILS_QUERY, JobEnd, MockBuilder,
        MockGenesys, Route,
    },
};

use crate::{
    args::Args,
    conversation::Format,
    failure::{Code, Failure},
    interval::Interval,
    logout::log_out,
    progress::Headway,
    report::Report,
    run::{Done, Plan, run},
    state,
};

/// A mocked Genesys Cloud, and a file for the report.
struct Setup {
    mock: MockGenesys,
    folder: TempDir,
    interval: Interval,
    job: bool,
    format: Format,
}

/// Six pages of a query.
const COUNT: usize = 550;

impl Setup {
    fn new() -> Self {
        Self::of(MockGenesys::builder().conversations(COUNT))
    }

    fn of(mock: MockBuilder) -> Self {
        let mock = mock.build();
        Self {
            interval: interval(mock.interval()),
            mock,
            folder: tempfile::tempdir().unwrap(),
            job: false,
            format: Format::Csv,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn state(&self) -> PathBuf {
        state::path(&self.path())
    }

    fn output(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    async fn run(&self) -> Result<Done, Failure> {
        self.until(u64::MAX).await
    }

    /// Stops after the page with this number.
    async fn until(&self, pages: u64) -> Result<Done, Failure> {
        self.with(pages, |_| {}).await
    }

    async fn with(&self, pages: u64, change: impl FnOnce(&mut Plan<'_>)) -> Result<Done, Failure> {
        let path = self.path();
        let mut plan = Plan {
            interval: self.interval.clone(),
            output: &path,
            format: self.format,
            job: self.job,
            restart: false,
        };
        change(&mut plan);
        let (stop, interrupts) = watch::channel(0);
        let progress = |headway: Headway| {
            let stopped = headway.read.div_ceil(self.page_size()) >= pages;
            stop.send_replace(u32::from(stopped));
        };
        report(&self.mock, &plan, interrupts, progress).await
    }

    fn page_size(&self) -> u64 {
        if self.job { 1000 } else { 100 }
    }

    /// The file of a run without interruptions, with one slice.
    async fn whole(&self) -> Vec<u8> {
        let other = Self {
            job: self.job,
            format: self.format,
            ..Self::new()
        };
        assert_eq!(
            other.run().await.unwrap().total.unwrap_or(COUNT as u64),
            COUNT as u64
        );
        assert!(!other.state().exists());
        other.output()
    }
}

fn interval(text: &str) -> Interval {
    text.parse().unwrap()
}

async fn report(
    mock: &MockGenesys,
    plan: &Plan<'_>,
    interrupts: watch::Receiver<u32>,
    progress: impl FnMut(Headway),
) -> Result<Done, Failure> {
    let credentials = Credentials::new(mock.client_id(), mock.client_secret()).unwrap();
    let org = Org::builder(mock.region())
        .credentials(credentials)
        .build(mock.http_client())
        .unwrap();
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    let done = run(plan, &org, genesys, interrupts, progress).await;
    assert!(mock.live_tokens() > 0, "the run has used a token");
    log_out(&org).await;
    done
}

/// Expects a failure with this code, whose message contains all of these.
fn refused(result: Result<Done, Failure>, code: Code, says: &[&str]) {
    let failure = result.unwrap_err();
    assert_eq!(failure.code(), code, "{failure}");
    for text in says {
        assert!(failure.to_string().contains(text), "{text}: {failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn interrupted_after_any_page_it_goes_on_to_the_same_bytes() {
    for format in [Format::Csv, Format::JsonLines] {
        let whole = Setup {
            format,
            ..Setup::new()
        }
        .whole()
        .await;
        for pages in 1..=6 {
            let setup = Setup {
                format,
                ..Setup::new()
            };
            let first = setup.until(pages).await;
            if pages < 6 {
                refused(first, Code::Interrupted, &["the same command continues"]);
                assert!(whole.starts_with(&setup.output()));
                assert_eq!(setup.run().await.unwrap().total, Some(COUNT as u64));
            } else {
                first.unwrap();
            }
            assert_eq!(setup.output(), whole, "{pages}");
            assert!(!setup.state().exists());
            let report = Report::read(&setup.path(), format).unwrap();
            assert!(report.check(Some(COUNT as u64)).is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_run_leaves_a_token_behind_that_lives_for_a_day() {
    let setup = Setup::new();
    refused(setup.until(1).await, Code::Interrupted, &[]);
    assert_eq!(setup.mock.live_tokens(), 0, "interrupted");
    setup.run().await.unwrap();
    assert_eq!(setup.mock.live_tokens(), 0, "complete");
    assert_eq!(setup.mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_written_is_one_though_nobody_answers_the_logout() {
    let setup = Setup::new();
    let route = Route::new(Method::DELETE, "/api/v2/tokens/me");
    setup.mock.on(route).never_answers();
    let begun = Instant::now();
    setup.run().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "it ends");
    assert_eq!(setup.mock.live_tokens(), 1);
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn interrupted_after_every_page_it_gets_there_too() {
    let setup = Setup::new();
    for pages in 1..6 {
        refused(setup.until(pages).await, Code::Interrupted, &[]);
    }
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_gone_on_with_and_not_started_again() {
    let mock = || MockGenesys::builder().conversations(2500);
    let whole = Setup {
        job: true,
        ..Setup::of(mock())
    };
    assert_eq!(whole.run().await.unwrap().total, None);
    let setup = Setup {
        job: true,
        ..Setup::of(mock())
    };
    refused(
        setup.until(1).await,
        Code::Interrupted,
        &["1000 conversations"],
    );
    setup.run().await.unwrap();
    assert_eq!(setup.output(), whole.output());
    assert_eq!(setup.mock.count(DETAILS_JOBS), 1);
    assert_eq!(setup.mock.count(DETAILS_JOB_RESULTS), 3);

    let setup = Setup {
        job: true,
        ..Setup::of(mock())
    };
    refused(setup.until(1).await, Code::Interrupted, &[]);
    setup.mock.end_jobs(JobEnd::Expired);
    refused(setup.run().await, Code::Unusable, &["expired", "--restart"]);
    setup.with(99, |plan| plan.restart = true).await.unwrap();
    assert_eq!(setup.output(), whole.output());
}

#[tokio::test(start_paused = true)]
async fn killed_while_it_waits_for_a_job_it_waits_for_the_same_one() {
    let setup = Setup {
        job: true,
        ..Setup::new()
    };
    let pending = r#"{"state":"PENDING"}"#;
    setup
        .mock
        .on(DETAILS_JOB)
        .first(40)
        .reply(StatusCode::OK, HeaderMap::new(), pending);
    let run = tokio::time::timeout(Duration::from_secs(300), setup.run());
    assert!(run.await.is_err(), "it is waited for");
    assert!(setup.mock.count(DETAILS_JOB) < 40);
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
    assert_eq!(setup.mock.count(DETAILS_JOBS), 1);
}

/// As after a power cut between the rows of the first page and the state.
#[tokio::test(start_paused = true)]
async fn killed_with_its_first_page_half_written_it_begins_again() {
    let setup = Setup::new();
    let whole = setup.whole().await;
    setup.mock.on(DETAILS_QUERY).nth(1).never_answers();
    let run = tokio::time::timeout(Duration::from_secs(5), setup.run());
    assert!(run.await.is_err(), "it waits for the page");
    fs::write(setup.path(), &whole[..3000]).unwrap();
    setup.run().await.unwrap();
    assert_eq!(setup.output(), whole);
    assert!(!setup.state().exists());
}

#[tokio::test(start_paused = true)]
async fn an_error_in_mid_run_is_an_error_and_the_next_run_goes_on() {
    let setup = Setup::new();
    setup
        .mock
        .on(DETAILS_QUERY)
        .nth(4)
        .reply_403("missing.permissions", "No.");
    refused(
        setup.run().await,
        Code::Failed,
        &["page 4", "missing.permissions", "continues"],
    );
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_behind_the_last_whole_page_is_cut_off() {
    let whole = Setup::new().whole().await;
    // As after a power cut between the rows and the state, with more rows than
    // the complete report has.
    for tail in [&whole[20_000..20_333], &whole[..], b"\0"] {
        let setup = Setup::new();
        refused(setup.until(2).await, Code::Interrupted, &[]);
        fs::write(setup.path(), [&setup.output(), tail].concat()).unwrap();
        setup.run().await.unwrap();
        assert_eq!(setup.output(), whole);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_state_is_refused_and_nothing_is_changed() {
    let setup = Setup::new();
    refused(setup.until(2).await, Code::Interrupted, &[]);
    let (output, state) = (setup.output(), fs::read(setup.state()).unwrap());
    let text = String::from_utf8(state.clone()).unwrap();
    let mut damages = vec![
        Vec::new(),
        b"\xff\xfe".to_vec(),
        b"nonsense\n{}".to_vec(),
        text.replace("\"rows\": 200", "\"rows\": 100").into_bytes(),
        text.replace("state 2 sha256 ", "state 2 sha256 0")
            .into_bytes(),
    ];
    damages.extend(
        (0..state.len())
            .step_by(50)
            .map(|cut| state[..cut].to_vec()),
    );
    for bytes in damages {
        assert_ne!(bytes, state);
        fs::write(setup.state(), &bytes).unwrap();
        let says = [
            "is damaged",
            "out.state",
            "--restart",
            "Nothing was changed",
        ];
        refused(setup.run().await, Code::Unusable, &says);
        assert_eq!(setup.output(), output);
        assert_eq!(fs::read(setup.state()).unwrap(), bytes);
    }
    for other in ["state 1 ", "state 3 "] {
        fs::write(setup.state(), text.replace("state 2 ", other)).unwrap();
        let says = ["another version", "--restart", "Nothing was changed"];
        refused(setup.run().await, Code::Unusable, &says);
        assert_eq!(setup.output(), output);
    }
    // The original state is valid.
    fs::write(setup.state(), state).unwrap();
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

/// The API refuses the request, or the run is killed before its first page.
#[tokio::test(start_paused = true)]
async fn a_run_that_has_written_nothing_keeps_no_other_from_the_file() {
    for job in [false, true] {
        let setup = Setup {
            job,
            ..Setup::new()
        };
        // A form of ISO 8601 that the API does not accept.
        let weeks = interval("2026-W02-1T00:00Z/2026-W03-1T00:00Z");
        let wrong = setup.with(9, |plan| plan.interval = weeks).await;
        refused(wrong, Code::Failed, &["interval"]);
        assert!(!setup.state().exists());
        assert_eq!(setup.run().await.unwrap().total.unwrap_or(550), 550);
        assert_eq!(setup.output(), setup.whole().await);
    }
    let setup = Setup::new();
    setup.mock.on(DETAILS_QUERY).never_answers();
    let day = interval("2026-01-05T00:00:00.000Z/2026-01-06T00:00:00.000Z");
    let killed = setup.with(9, |plan| plan.interval = day);
    let killed = tokio::time::timeout(Duration::from_secs(5), killed).await;
    assert!(killed.is_err() && setup.state().exists());
    setup.mock.clear_script();
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_another_report_is_refused() {
    let setup = Setup::new();
    refused(setup.until(2).await, Code::Interrupted, &[]);
    let output = setup.output();
    let shorter = interval("2026-01-05T00:00:00.000Z/2026-01-11T00:00:00.000Z");
    let other = setup.with(9, |plan| plan.interval = shorter);
    refused(
        other.await,
        Code::Unusable,
        &["the interval", "and this is", "--restart"],
    );
    let other = setup.with(9, |plan| plan.format = Format::JsonLines);
    refused(
        other.await,
        Code::Unusable,
        &["the format csv, and this is jsonl"],
    );
    let other = setup.with(9, |plan| plan.job = true);
    refused(
        other.await,
        Code::Unusable,
        &["the way no --job, and this is --job"],
    );
    let mock = MockGenesys::builder().conversations(COUNT).seed(7).build();
    let setup = Setup { mock, ..setup };
    refused(
        setup.run().await,
        Code::Unusable,
        &["the organisation", "--restart"],
    );
    assert_eq!(setup.output(), output);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_was_changed_or_is_missing_is_refused() {
    let setup = Setup::new();
    refused(setup.until(2).await, Code::Interrupted, &[]);
    let output = setup.output();
    let mut changed = output.clone();
    changed[1000] ^= 1;
    fs::write(setup.path(), &changed).unwrap();
    refused(
        setup.run().await,
        Code::Unusable,
        &["was changed", "--restart"],
    );
    assert_eq!(setup.output(), changed);
    fs::write(setup.path(), &output[..output.len() - 1]).unwrap();
    refused(setup.run().await, Code::Unusable, &["bytes", "--restart"]);
    fs::remove_file(setup.path()).unwrap();
    refused(
        setup.run().await,
        Code::Unusable,
        &["no longer there", "--restart"],
    );
    assert!(!setup.path().exists());
    setup.with(99, |plan| plan.restart = true).await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_somebody_else_s_is_left_alone() {
    let setup = Setup::new();
    fs::write(setup.path(), "precious").unwrap();
    refused(
        setup.run().await,
        Code::Unusable,
        &["is there already", "--restart"],
    );
    assert_eq!(setup.output(), b"precious");
    assert!(!setup.state().exists());
    setup.with(99, |plan| plan.restart = true).await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
    refused(setup.run().await, Code::Unusable, &["is there already"]);
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_a_time_are_refused() {
    let setup = Setup::of(MockGenesys::builder().conversations(COUNT));
    let held = setup.mock.hold(DETAILS_QUERY);
    let second = async {
        setup.mock.wait_for(DETAILS_QUERY, 1).await;
        for restart in [false, true] {
            let second = setup.with(99, |plan| plan.restart = restart).await;
            refused(second, Code::Locked, &["another run"]);
        }
        drop(held);
    };
    let (first, ()) = tokio::join!(setup.run(), second);
    first.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

#[tokio::test(start_paused = true)]
async fn interrupted_twice_it_does_not_wait_for_the_page() {
    let setup = Setup::new();
    setup
        .mock
        .on(DETAILS_QUERY)
        .nth(1)
        .reply_429(Duration::from_secs(100));
    let path = setup.path();
    let plan = Plan {
        interval: setup.interval.clone(),
        output: &path,
        format: Format::Csv,
        job: false,
        restart: false,
    };
    let (stop, interrupts) = watch::channel(0);
    let started = Instant::now();
    let run = report(&setup.mock, &plan, interrupts, |_| {});
    let twice = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.send_replace(1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.send_replace(2);
    };
    let (result, ()) = tokio::join!(run, twice);
    refused(result, Code::Interrupted, &["0 conversations"]);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
}

const CHILD: &str = "CONVERSATION_REPORT_TEST_OUTPUT";

/// As a test, this writes one report. In a child process, it is the run that is
/// killed.
#[tokio::test]
async fn a_process_of_its_own() {
    let setup = Setup::of(
        MockGenesys::builder()
            .conversations(COUNT)
            .latency(Duration::from_millis(20)),
    );
    let path = env::var_os(CHILD).map_or_else(|| setup.path(), PathBuf::from);
    let plan = Plan {
        interval: interval(slices::MIDDAY),
        output: &path,
        format: Format::Csv,
        job: false,
        restart: false,
    };
    let (_stop, interrupts) = watch::channel(0);
    report(&setup.mock, &plan, interrupts, |_| {})
        .await
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), setup.whole().await);
}

fn command(output: &Path) -> Command {
    let mut command = child_process::command(a_process_of_its_own);
    command.env(CHILD, output);
    command
}

fn child(output: &Path) -> Child {
    let mut command = command(output);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[tokio::test]
async fn killed_again_and_again_it_comes_to_the_same_bytes() {
    let setup = Setup::new();
    let whole = setup.whole().await;
    let rows = |setup: &Setup| {
        let state = state::load(&setup.path()).unwrap();
        state.map_or(0, |state| state.rows)
    };
    let mut kills = 0;
    // The second slice begins at 275.
    for target in [100, 200, 300, 400] {
        let mut child = child(&setup.path());
        let deadline = Instant::now() + Duration::from_secs(60);
        while rows(&setup) < target && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the child makes no progress");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.kill().unwrap();
        kills += usize::from(child.wait().unwrap().code().is_none());
        assert!(whole.starts_with(&setup.output()), "{target}");
    }
    assert!(kills > 0, "each child ended before it was killed");
    if setup.state().exists() {
        let ended = child_process::output(&mut command(&setup.path()));
        assert!(ended.status.success());
    }
    assert_eq!(setup.output(), whole);
    assert!(!setup.state().exists());
}

#[test]
fn arguments() {
    let parse = |args: &[&str]| Args::parse(args.iter().map(OsString::from));
    let week = "2026-01-05T00:00Z/2026-01-12T00:00Z";
    let args = parse(&["--output", "a.jsonl", week, "--job", "--restart"]).unwrap();
    assert_eq!(args.interval.as_ref().unwrap().to_string(), week);
    assert_eq!(args.output.as_deref(), Some(Path::new("a.jsonl")));
    assert!(args.job && args.restart && !args.help);
    assert_eq!(args.format(), Format::JsonLines);
    assert_eq!(
        parse(&["--format=csv", "--output=a.jsonl"])
            .unwrap()
            .format(),
        Format::Csv
    );
    assert_eq!(parse(&[]).unwrap().format(), Format::Csv);
    assert!(parse(&["-h"]).unwrap().help);
    for wrong in [
        &["--what"][..],
        &["a/b"],
        &[week, week],
        &["--format", "xml"],
        &["--output"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}
