use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::Layer;
use tower_genesys::{
    BearerLayer, Pager,
    genesys::paging::PageErrorKind as Kind,
    testing::{DETAILS_JOB, DETAILS_JOB_RESULTS, DETAILS_JOBS, JobEnd},
    token::FixedToken,
};

use crate::setup::{Body, JOBS, ReplyJson, SECOND, Setup, all, fails, setup, unique};

/// How often a job was started, polled, and read.
fn calls(setup: &Setup) -> (usize, usize, usize) {
    let count = |route| setup.mock.count(route);
    (
        count(DETAILS_JOBS),
        count(DETAILS_JOB),
        count(DETAILS_JOB_RESULTS),
    )
}

#[tokio::test(start_paused = true)]
async fn a_job_is_started_once_waited_for_and_read_to_its_end() {
    for (count, pages) in [(0, 1), (100, 1), (250, 3)] {
        let setup = setup(|mock| mock.conversations(count));
        let started = Instant::now();
        let rows = all(setup.job()).await;
        assert_eq!((rows.len(), unique(&rows)), (count, count));
        assert_eq!(calls(&setup), (1, 3, pages));
        // Waits of 2, 3 and 4.5 seconds.
        assert_eq!(started.elapsed(), Duration::from_millis(9500));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_continues_through_revocation_throttling_and_outage() {
    let setup = setup(|mock| mock.conversations(250));
    setup.on(DETAILS_JOBS, 1).revoke_token();
    setup.on(DETAILS_JOB, 2).reply_503();
    setup.on(DETAILS_JOB, 3).expire_token();
    setup.on(DETAILS_JOB_RESULTS, 1).reply_429(SECOND * 20);
    setup.on(DETAILS_JOB_RESULTS, 3).revoke_token();
    assert_eq!(unique(&all(setup.job()).await), 250);
    assert_eq!(calls(&setup), (2, 5, 5));
    assert_eq!(setup.mock.token_posts(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_request_that_starts_a_job_is_not_repeated_if_it_may_have_started_it() {
    let setup = setup(|mock| mock);
    setup.on(DETAILS_JOBS, 1).reply_503();
    let (_, error) = fails(setup.job(), Kind::Refused).await;
    assert_eq!(
        error.api().unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(calls(&setup), (1, 0, 0));
    setup.on(DETAILS_JOBS, 2).truncated_body();
    fails(setup.job(), Kind::BrokenOff).await;
    assert_eq!(calls(&setup), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_without_results_is_an_error_of_its_kind() {
    for (end, kind, says) in [
        (JobEnd::Failed, Kind::JobFailed, "could not be executed"),
        (JobEnd::Cancelled, Kind::JobCancelled, "cancelled"),
        (JobEnd::Expired, Kind::JobExpired, "expired"),
    ] {
        let setup = setup(|mock| mock.conversations(250));
        setup.org.tokens().token().await.unwrap();
        let mut pages = setup.job().pages::<Value>();
        assert!(pages.next().now_or_never().is_none());
        setup.mock.end_jobs(end);
        let error = pages.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind);
        let shown = error.to_string();
        assert!(
            shown.contains(says) && shown.contains("start afresh"),
            "{shown}"
        );
        assert!(shown.starts_with("job "), "{shown}");
        assert!(pages.next().await.is_none());
        assert_eq!(calls(&setup), (1, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn results_that_disappear_in_mid_run_are_an_expired_job() {
    let setup = setup(|mock| mock.conversations(250));
    let mut pages = setup.job().pages::<Value>();
    let first = pages.next().await.unwrap().unwrap();
    setup.mock.end_jobs(JobEnd::Expired);
    let error = pages.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::JobExpired);
    assert_eq!(error.api().unwrap().status(), StatusCode::NOT_FOUND);
    let text = error.to_string();
    assert!(text.contains("no longer exist; start afresh"), "{text}");
    assert!(text.contains("answered 404"), "{text}");
    let (rows, _) = fails(setup.job().resume(first.checkpoint), Kind::JobExpired).await;
    assert_eq!((rows, calls(&setup)), (0, (1, 4, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_too_long_can_be_waited_for_again() {
    let setup = setup(|mock| mock.conversations(250));
    let patience = SECOND * 4;
    let (_, error) = fails(setup.job().with_job_timeout(patience), Kind::JobTimedOut).await;
    assert!(error.to_string().contains("QUEUED"), "{error}");
    assert_eq!(calls(&setup), (1, 1, 0));
    let again = setup.job().resume(error.checkpoint().unwrap().clone());
    assert_eq!(unique(&all(again).await), 250);
    assert_eq!(calls(&setup), (1, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_job_in_an_unknown_state_is_waited_for() {
    let setup = setup(|mock| mock.conversations(10));
    setup.on(DETAILS_JOB, 1).json(json!({ "state": "RUNNING" }));
    assert_eq!(all(setup.job()).await.len(), 10);
    assert_eq!(calls(&setup), (1, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_half_a_minute() {
    let setup = setup(|mock| mock);
    setup
        .mock
        .on(DETAILS_JOB)
        .json(json!({ "state": "PENDING" }));
    let started = Instant::now();
    fails(setup.job(), Kind::JobTimedOut).await;
    let polls = setup.mock.requests_at(DETAILS_JOB);
    let times: Vec<_> = polls
        .iter()
        .map(|one| (one.arrived() - started).as_millis())
        .collect();
    assert_eq!(times[..4], [2000, 5000, 9500, 16_250]);
    assert_eq!(times[times.len() - 1] - times[times.len() - 2], 30_000);
    assert_eq!(times.len(), 124);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_stops_waiting_can_resume_the_job() {
    let setup = setup(|mock| mock.conversations(250));
    setup.org.tokens().token().await.unwrap();
    let mut pages = setup.job().pages::<Value>();
    assert!(pages.next().now_or_never().is_none(), "the job is running");
    let checkpoint = pages.checkpoint().clone();
    drop(pages);
    assert_eq!(calls(&setup), (1, 0, 0));
    assert_eq!(unique(&all(setup.job().resume(checkpoint)).await), 250);
    assert_eq!(calls(&setup), (1, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_cursor_is_an_error() {
    let setup = setup(|mock| mock);
    let page = |row: u64, cursor: &str| json!({ "conversations": [row], "cursor": cursor });
    for (nth, page) in [
        (1, page(1, "a/+&")),
        (2, page(2, "b")),
        (3, page(3, "a/+&")),
    ] {
        setup.on(DETAILS_JOB_RESULTS, nth).json(page);
    }
    assert_eq!(fails(setup.job(), Kind::Loop).await.0, 2);
    assert_eq!(calls(&setup), (1, 3, 3));
    let asked = setup.mock.requests_at(DETAILS_JOB_RESULTS);
    assert_eq!(
        asked[1].uri().query(),
        Some("pageSize=100&cursor=a%2F%2B%26")
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_that_could_lead_elsewhere_is_refused() {
    for id in ["../../tokens/me", "", "a b", "a?b"] {
        let setup = setup(|mock| mock);
        setup.on(DETAILS_JOBS, 1).json(json!({ "jobId": id }));
        fails(setup.job(), Kind::Malformed).await;
        assert_eq!(setup.mock.api_calls(), 1, "{id}");
        let forged = json!({ "job": { "id": id, "then": "start" } });
        let checkpoint = crate::resumed::forge(&setup.job(), forged).await;
        fails(setup.job().resume(checkpoint), Kind::Malformed).await;
        assert_eq!(setup.mock.count(DETAILS_JOB), 0, "{id}");
    }
}

#[test]
fn without_a_runtime_a_job_is_a_typed_error() {
    let setup = setup(|mock| mock);
    let token = FixedToken::new(&setup.mock.mint_token()).unwrap();
    let bearer = BearerLayer::new(token, setup.org.origins().clone());
    let pager = Pager::new::<Body>(&setup.org, bearer.layer(setup.mock.service()));
    let job = pager.post(JOBS, json!({ "interval": setup.mock.interval() }));
    let failed = fails(job, Kind::NoRuntime).now_or_never();
    assert!(failed.is_some(), "it does not wait without a timer");
    assert_eq!(calls(&setup), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_poll_interval_of_zero_grows_too() {
    let setup = setup(|mock| mock.conversations(10));
    for nth in 1..=20 {
        setup
            .on(DETAILS_JOB, nth)
            .json(json!({ "state": "RUNNING" }));
    }
    let started = Instant::now();
    let job = setup.job().with_poll_interval(Duration::ZERO);
    assert_eq!(all(job).await.len(), 10);
    assert_eq!(calls(&setup), (1, 23, 1));
    // Waits of 10 ms, 15, 22.5 and so on, up to half a minute.
    assert_eq!(started.elapsed(), Duration::from_millis(156_492));
}
