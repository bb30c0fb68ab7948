//! What a page says about itself, and what an error says about a page.

use std::{error::Error, time::Duration};

use futures_util::{StreamExt, stream::FusedStream};
use http::{HeaderValue, header::HeaderName};
use serde_json::{Value, json};
use tower_genesys::{
    genesys::paging::PageErrorKind as Kind,
    testing::{ANY_API, DETAILS_JOB_RESULTS, DETAILS_JOBS, USERS as USERS_ROUTE},
};

use crate::setup::{JOBS, QUERY, ReplyJson, USERS, all, fails, setup};

const CORRELATION: HeaderName = HeaderName::from_static("inin-correlation-id");

#[tokio::test(start_paused = true)]
async fn a_page_by_index_must_be_the_one_that_was_requested() {
    let scim = "/api/v2/scim/v2/users";
    for (index, is_right) in [(3, true), (1, false)] {
        let setup = setup(|mock| mock);
        let page = |rows: [u32; 2], index: u32| json!({ "Resources": rows, "startIndex": index, "totalResults": 4 });
        setup.on(ANY_API, 1).json(page([1, 2], 1));
        setup.on(ANY_API, 2).json(page([3, 4], index));
        let request = setup.pager.get(scim);
        if is_right {
            assert_eq!(all(request).await, ["1", "2", "3", "4"]);
        } else {
            assert_eq!(fails(request, Kind::Loop).await.0, 2);
        }
    }
}

/// Some lists state the number of the window, and not of the page.
#[tokio::test(start_paused = true)]
async fn pages_by_link_may_state_the_same_number() {
    let setup = setup(|mock| mock);
    let next = "/api/v2/users?cursor=2";
    let first = json!({ "entities": [1], "pageNumber": 7, "nextUri": next });
    setup.on(USERS_ROUTE, 1).json(first);
    let last = json!({ "entities": [2], "pageNumber": 7 });
    setup.on(USERS_ROUTE, 2).json(last);
    assert_eq!(all(setup.linked(USERS)).await, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_states_its_total() {
    let setup = setup(|mock| mock);
    let empty = json!({ "entities": [], "total": 0, "pageCount": 0 });
    setup.on(USERS_ROUTE, 1).json(empty);
    let mut pages = setup.numbered(USERS).pages::<Value>();
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!((page.rows.len(), page.total), (0, Some(0)));
    assert!(pages.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_total_may_grow_by_half_or_by_a_page_and_no_further() {
    // A page has 25 rows.
    for (before, now, grows) in [
        (100, 150, true),
        (100, 140, true),
        (100, 151, false),
        (30, 55, true),
        (30, 56, false),
    ] {
        let setup = setup(|mock| mock);
        let rows = |from: u64| (from..from + 25).collect::<Vec<_>>();
        setup
            .on(USERS_ROUTE, 1)
            .json(json!({ "entities": rows(0), "total": before }));
        setup
            .on(USERS_ROUTE, 2)
            .json(json!({ "entities": rows(25), "total": now }));
        let mut pages = setup.pager.get(USERS).with_page_size(25).pages::<Value>();
        pages.next().await.unwrap().unwrap();
        let second = pages.next().await.unwrap().map(|page| page.total);
        let second = second.map_err(|error| error.kind());
        let expected = if grows {
            Ok(Some(now))
        } else {
            Err(Kind::Grown)
        };
        assert_eq!(second, expected, "{before} to {now}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_before_the_page_at_which_the_caller_began_count_as_read() {
    let setup = setup(|mock| mock);
    let page = json!({ "entities": (0..10).collect::<Vec<_>>(), "total": 60 });
    setup.on(USERS_ROUTE, 1).json(page);
    let request = setup.pager.get("/api/v2/users?pageNumber=3&pageSize=25");
    assert_eq!(all(request).await.len(), 10);
    assert_eq!(setup.mock.count(USERS_ROUTE), 1);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_after_an_empty_first_page_leads_to_the_second() {
    let setup = setup(|mock| mock);
    let next = "/api/v2/users?cursor=2";
    let empty = json!({ "entities": [], "nextUri": next });
    setup.on(USERS_ROUTE, 1).json(empty);
    setup.on(USERS_ROUTE, 2).json(json!({ "entities": [2] }));
    let mut pages = setup.linked(USERS).pages::<Value>();
    let first = pages.next().await.unwrap().unwrap();
    drop(pages);
    let rest = setup.linked(USERS).resume(first.checkpoint);
    assert_eq!(all(rest).await, ["2"]);
    let requests = setup.mock.requests_at(USERS_ROUTE);
    let queries: Vec<_> = requests.iter().map(|it| it.uri().query()).collect();
    assert_eq!(queries.len(), 2);
    assert!(queries[1].is_some_and(|query| query.contains("cursor=2")));
}

#[tokio::test(start_paused = true)]
async fn a_page_size_that_is_no_number_is_an_error_that_names_the_parameter() {
    let setup = setup(|mock| mock);
    let request = setup.pager.get("/api/v2/users?pageSize=all");
    let (_, error) = fails(request, Kind::Request).await;
    assert!(error.to_string().contains("`pageSize`"), "{error}");
    assert_eq!(setup.mock.api_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_form_is_an_error_that_says_which_form_a_page_has() {
    for (rows, page, form) in [
        (
            "entities",
            "7",
            "a page, an object with the rows in `entities`",
        ),
        ("", "7", "a page, an array of rows"),
    ] {
        let setup = setup(|mock| mock);
        let reply: Value = page.parse().unwrap();
        setup.on(USERS_ROUTE, 1).json(reply);
        let request = setup.numbered(USERS).with_rows(rows);
        let (_, error) = fails(request, Kind::Malformed).await;
        let source = error.source().expect("serde's error").to_string();
        assert!(source.contains(form), "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_correlation_id_of_a_page_is_that_of_its_response_and_shown_once() {
    let setup = setup(|mock| mock);
    let id = HeaderValue::from_static("abc-1");
    setup
        .on(USERS_ROUTE, 1)
        .json(json!(7))
        .header(CORRELATION, id);
    let (_, error) = fails(setup.numbered(USERS), Kind::Malformed).await;
    assert_eq!(error.correlation_id(), Some("abc-1"));
    assert_eq!(
        error.to_string().matches("[correlation id abc-1]").count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_names_its_place() {
    let linked = setup(|mock| mock.users(250));
    linked.on(USERS_ROUTE, 2).json(json!(7));
    let (_, error) = fails(linked.users(), Kind::Malformed).await;
    let place = "page 2 from where GET /api/v2/users began: ";
    assert!(error.to_string().starts_with(place), "{error}");

    let job = setup(|mock| mock.conversations(250));
    job.on(DETAILS_JOBS, 1).json(json!({}));
    let (_, error) = fails(job.job(), Kind::Malformed).await;
    let place = format!("the start of a job by POST {JOBS}: ");
    assert!(error.to_string().starts_with(&place), "{error}");

    let job = setup(|mock| mock.conversations(250));
    job.on(DETAILS_JOB_RESULTS, 2).json(json!(7));
    let (_, error) = fails(job.job(), Kind::Malformed).await;
    let place = "page 2, from where this stream began, of job ";
    assert!(error.to_string().starts_with(place), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_done_at_the_end_of_its_time_is_in_time() {
    // The polls come after 2, 5 and 9.5 seconds, and the third finds it done.
    for (millis, is_in_time) in [(9500, true), (9499, false)] {
        let setup = setup(|mock| mock.conversations(100));
        setup.org.tokens().token().await.unwrap();
        let job = setup.job().with_job_timeout(Duration::from_millis(millis));
        if is_in_time {
            assert_eq!(all(job).await.len(), 100);
        } else {
            fails(job, Kind::JobTimedOut).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_request_with_a_body_states_a_content_type() {
    let setup = setup(|mock| mock.users(1).conversations(1));
    all(setup.users()).await;
    all(setup.query()).await;
    let types = setup.mock.requests().into_iter().filter_map(|request| {
        let path = request.uri().path().to_owned();
        let kind = request.headers().get("content-type").cloned();
        (path == USERS || path == QUERY).then_some((path, kind))
    });
    let json = HeaderValue::from_static("application/json");
    let expected = [(USERS.to_owned(), None), (QUERY.to_owned(), Some(json))];
    assert_eq!(types.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_terminated_after_its_last_page_and_not_before() {
    let setup = setup(|mock| mock.users(1));
    let mut pages = setup.users().pages::<Value>();
    assert!(!pages.is_terminated());
    pages.next().await.unwrap().unwrap();
    assert!(pages.next().await.is_none());
    assert!(pages.is_terminated());
}
