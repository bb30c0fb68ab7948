//! A long interval is read in slices, and the report is the same as with one
//! slice.

use super::*;

/// Two slices that meet at midday, in the middle of the conversations. Both
/// find those of 8 January.
pub(super) const MIDDAY: &str = "2026-01-01T12:00:00Z/2026-01-12T00:00:00Z";
/// Intervals around the week of the mock. The first slice finds nothing, or the
/// last one, or neither.
const LONG: [&str; 4] = [
    MIDDAY,
    "2025-12-28T00:00:00Z/2026-01-12T00:00:00Z",
    "2025-12-29T12:00:00Z/2026-01-12T18:00:00Z",
    "2025-12-30T23:30:00+01:30/2026-02-01T00:00:00-03:00",
];

fn setup(text: &str) -> Setup {
    Setup {
        interval: interval(text),
        ..Setup::new()
    }
}

impl Setup {
    /// Writes one page, or a list without pages, and stops.
    async fn step(&self) -> Result<Done, Failure> {
        let path = self.path();
        let plan = Plan {
            interval: self.interval.clone(),
            output: &path,
            format: self.format,
            job: self.job,
            restart: false,
        };
        let (_stop, interrupts) = watch::channel(1);
        report(&self.mock, &plan, interrupts, |_| {}).await
    }

    /// Runs to the end, and records the progress after each page.
    async fn headways(&self) -> (Done, Vec<Headway>) {
        let path = self.path();
        let plan = Plan {
            interval: self.interval.clone(),
            output: &path,
            format: self.format,
            job: self.job,
            restart: false,
        };
        let (_stop, interrupts) = watch::channel(0);
        let mut headways = Vec::new();
        let progress = |headway| headways.push(headway);
        let done = report(&self.mock, &plan, interrupts, progress).await;
        (done.unwrap(), headways)
    }

    fn check(&self) {
        let report = Report::read(&self.path(), self.format).unwrap();
        report.check(Some(COUNT as u64)).unwrap();
        assert!(!self.state().exists());
    }
}

#[tokio::test(start_paused = true)]
async fn each_conversation_is_written_once_over_all_slices() {
    for format in [Format::Csv, Format::JsonLines] {
        for text in LONG {
            let setup = Setup {
                format,
                ..setup(text)
            };
            let (done, headways) = setup.headways().await;
            assert_eq!(done.total, Some(COUNT as u64), "{text}");
            assert_eq!(setup.output(), setup.whole().await, "{text}");
            setup.check();
            // Each slice is read to its end before the next one starts.
            let ends = headways.chunk_by(|one, next| one.slice == next.slice);
            for (index, slice) in ends.enumerate() {
                let last = slice.last().unwrap();
                assert_eq!(last.slice, index as u64 + 1, "{text}");
                assert_eq!(Some(last.read), last.found, "{text}");
            }
            let last = headways.last().unwrap();
            assert!(last.slice == last.slices && last.slices > 1, "{text}");
        }
    }
}

/// Shows that slices overlap: otherwise the other tests would prove nothing.
#[tokio::test(start_paused = true)]
async fn slices_that_meet_at_midday_find_the_same_conversations() {
    let (_, headways) = setup(MIDDAY).headways().await;
    let read = |slice| {
        let pages = headways.iter().filter(|headway| headway.slice == slice);
        pages.map(|headway| headway.read).max().unwrap()
    };
    // Four days of the seven each.
    assert!(read(1) > 300 && read(2) > 300, "{headways:?}");
}

#[tokio::test(start_paused = true)]
async fn a_day_is_one_slice() {
    let setup = setup("2026-01-06T00:00:00Z/2026-01-07T00:00:00Z");
    let (done, headways) = setup.headways().await;
    assert!(headways.iter().all(|headway| headway.slices == 1));
    let whole = String::from_utf8(setup.whole().await).unwrap();
    let of_the_day = |line: &&str| line.starts_with("id,") || line.contains(",2026-01-06T");
    let day: Vec<_> = whole.lines().filter(of_the_day).collect();
    assert_eq!(done.total, Some(day.len() as u64 - 1));
    let output = String::from_utf8(setup.output()).unwrap();
    assert_eq!(output.lines().collect::<Vec<_>>(), day);
}

#[tokio::test(start_paused = true)]
async fn interrupted_after_every_page_of_every_slice_it_comes_to_the_same_bytes() {
    for text in LONG {
        let (_, headways) = setup(text).headways().await;
        let setup = setup(text);
        let whole = setup.whole().await;
        let mut pages = 1;
        loop {
            let before = fs::read(setup.state()).ok();
            let step = setup.step().await;
            let output = setup.output();
            assert!(whole.starts_with(&output), "{text}, page {pages}");
            if step.is_ok() {
                break;
            }
            refused(step, Code::Interrupted, &["the same command continues"]);
            // As after a power cut between the rows of the page and its state.
            if let Some(before) = before {
                let after = fs::read(setup.state()).unwrap();
                fs::write(setup.state(), before).unwrap();
                refused(setup.step().await, Code::Interrupted, &[]);
                assert_eq!(setup.output(), output, "{text}, page {pages}");
                assert_eq!(fs::read(setup.state()).unwrap(), after);
            }
            pages += 1;
        }
        assert_eq!(pages, headways.len(), "{text}");
        assert_eq!(setup.output(), whole, "{text}");
        setup.check();
    }
}

#[tokio::test(start_paused = true)]
async fn killed_between_two_slices_it_goes_on_with_the_second() {
    let setup = setup(MIDDAY);
    let whole = setup.whole().await;
    let is_read = |state: &state::State| state.slice == 0 && state.checkpoint.is_end();
    let state = || state::load(&setup.path()).unwrap().unwrap();
    loop {
        refused(setup.step().await, Code::Interrupted, &[]);
        if is_read(&state()) {
            break;
        }
    }
    // The first slice is written, and the second one has no page yet.
    let output = setup.output();
    setup.mock.on(DETAILS_QUERY).never_answers();
    let run = tokio::time::timeout(Duration::from_secs(5), setup.run());
    assert!(run.await.is_err(), "it waits for the page");
    let begun = state();
    assert_eq!((begun.slice, begun.counts.read), (1, 0));
    assert_eq!(begun.counts.before, Some(begun.rows));
    assert_eq!(setup.output(), output);
    setup.mock.clear_script();
    let done = setup.run().await.unwrap();
    assert_eq!(done.total, Some(COUNT as u64));
    assert_eq!(setup.output(), whole);
    setup.check();
}

#[tokio::test(start_paused = true)]
async fn an_error_at_the_first_page_of_a_later_slice_leaves_a_file_to_go_on_with() {
    // The first slice finds nothing, and leaves the header.
    let setup = setup(LONG[1]);
    let query = setup.mock.on(DETAILS_QUERY).nth(2);
    query.reply_403("missing.permissions", "No.");
    refused(setup.run().await, Code::Failed, &["continues"]);
    assert!(setup.state().exists());
    setup.run().await.unwrap();
    assert_eq!(setup.output(), setup.whole().await);
    setup.check();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_no_time_is_an_error_where_it_matters() {
    let noon =
        r#"{"conversations":[{"conversationId":"c1","conversationStart":"noon"}],"totalHits":1}"#;
    let reply = |setup: &Setup| {
        let query = setup.mock.on(DETAILS_QUERY);
        query.reply(StatusCode::OK, HeaderMap::new(), noon);
    };
    let long = setup(MIDDAY);
    reply(&long);
    let says = ["conversation c1", "`noon`", "7 days", "--job"];
    refused(long.run().await, Code::Unusable, &says);
    let week = Setup::new();
    reply(&week);
    assert_eq!(week.run().await.unwrap().total, Some(1));
}

/// A job finds conversations that were active in its interval, so their start
/// does not assign them to a slice.
#[tokio::test(start_paused = true)]
async fn a_job_reads_a_long_interval_in_one_piece() {
    let setup = Setup {
        job: true,
        ..setup(MIDDAY)
    };
    let (done, headways) = setup.headways().await;
    assert_eq!(done.total, None);
    assert!(headways.iter().all(|headway| headway.slices == 1));
    assert_eq!(setup.mock.count(DETAILS_JOBS), 1);
    assert_eq!(setup.output(), setup.whole().await);
    setup.check();
}
