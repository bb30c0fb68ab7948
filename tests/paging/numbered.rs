use std::time::Duration;

use futures_util::StreamExt;
use http::Request;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower::{Layer, ServiceExt, limit::ConcurrencyLimitLayer};
use tower_genesys::{
    GenesysLayer, Pager,
    genesys::paging::{PageErrorKind as Kind, PagedRequest},
    testing::{DETAILS_QUERY, USERS as USERS_ROUTE},
};

use crate::setup::{Body, QUERY, ReplyJson, SECOND, USERS, all, fails, setup, unique};

#[tokio::test(start_paused = true)]
async fn every_page_of_a_query_is_requested_once() {
    for (count, calls) in [(0, 1), (1, 1), (100, 1), (101, 2), (250, 3)] {
        let setup = setup(|mock| mock.conversations(count));
        let rows = all(setup.query()).await;
        assert_eq!((rows.len(), unique(&rows)), (count, count));
        assert_eq!(setup.mock.count(DETAILS_QUERY), calls, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_continues_through_revocation_expiry_throttling_and_outage() {
    let quiet = setup(|mock| mock.conversations(600));
    let expected = all(quiet.query()).await;
    let setup = setup(|mock| mock.conversations(600));
    setup.on(DETAILS_QUERY, 2).revoke_token();
    setup.on(DETAILS_QUERY, 4).reply_429(SECOND * 20);
    setup.on(DETAILS_QUERY, 6).reply_503();
    setup.on(DETAILS_QUERY, 7).reset();
    setup.on(DETAILS_QUERY, 9).expire_token();
    assert_eq!(all(setup.query()).await, expected);
    assert_eq!(setup.mock.count(DETAILS_QUERY), 6 + 5);
    assert_eq!(setup.mock.token_posts(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_page_is_requested_before_it_is_polled_for() {
    let setup = setup(|mock| mock.conversations(300));
    let mut pages = setup.query().pages::<Value>();
    assert_eq!(setup.mock.count(DETAILS_QUERY), 0);
    for calls in 1..=3 {
        let page = pages.next().await.unwrap().unwrap();
        assert_eq!(page.checkpoint.is_end(), calls == 3);
        assert_eq!(setup.mock.count(DETAILS_QUERY), calls);
    }
    assert!(pages.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn pages_requested_ahead_come_in_order_and_none_past_the_last() {
    let one_by_one = setup(|mock| mock.conversations(210));
    let expected = all(one_by_one.query().with_page_size(20)).await;
    // Eleven pages of a second each: the first one alone, then ten, of which
    // one and `ahead` more are in flight at a time.
    for (ahead, seconds) in [(0, 11), (4, 3), (100, 2)] {
        let setup = setup(|mock| mock.conversations(210).latency(SECOND));
        setup.org.tokens().token().await.unwrap();
        let started = Instant::now();
        assert_eq!(
            all(setup.query().with_page_size(20).with_read_ahead(ahead)).await,
            expected
        );
        assert_eq!(started.elapsed().as_secs(), seconds, "{ahead}");
        assert_eq!(setup.mock.count(DETAILS_QUERY), 11);
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_page_ahead_comes_in_its_turn() {
    let setup = setup(|mock| mock.conversations(500));
    setup
        .on(DETAILS_QUERY, 3)
        .reply_403("missing.permissions", "No.");
    let (rows, error) = fails(setup.query().with_read_ahead(3), Kind::Refused).await;
    assert_eq!(rows, 200);
    assert!(
        error
            .place()
            .starts_with("page 3 of POST /api/v2/analytics"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_requested_ahead_do_not_block_requests_made_between_two_pages() {
    let setup = setup(|mock| mock.conversations(100).users(1).latency(SECOND));
    let limit = ConcurrencyLimitLayer::new(1);
    let stack = GenesysLayer::new(&setup.org).layer(limit.layer(setup.mock.service()));
    let pager = Pager::new::<Body>(&setup.org, stack.clone());
    let body = json!({ "interval": setup.mock.interval(), "order": "asc" });
    let query = pager.post(QUERY, body).with_page_size(20);
    let mut pages = query.with_read_ahead(2).pages::<Value>();
    let mut rows = 0;
    while let Some(page) = pages.next().await {
        rows += page.unwrap().rows.len();
        let request = Request::get(setup.org.api(USERS).unwrap());
        let asked = stack
            .clone()
            .oneshot(request.body(Body::default()).unwrap());
        let answer = timeout(SECOND * 600, asked).await;
        assert!(
            answer
                .expect("a permit is free")
                .unwrap()
                .status()
                .is_success()
        );
    }
    assert_eq!((rows, setup.mock.count(DETAILS_QUERY)), (100, 5));
    assert_eq!(setup.mock.count(USERS_ROUTE), 5);
}

#[test]
fn pages_requested_ahead_come_even_if_their_runtime_has_ended() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let (setup, mut pages) = runtime.block_on(async {
        let setup = setup(|mock| mock.conversations(100));
        let query = setup.query().with_page_size(10).with_read_ahead(2);
        let mut pages = query.pages::<Value>();
        for _ in 0..2 {
            pages.next().await.unwrap().unwrap();
        }
        (setup, pages)
    });
    drop(runtime);
    let mut rows = 20;
    while let Some(page) = futures_util::FutureExt::now_or_never(pages.next()).unwrap() {
        rows += page.unwrap().rows.len();
    }
    assert_eq!(rows, 100);
    assert_eq!(setup.mock.count(DETAILS_QUERY), 10, "each page once");
}

#[tokio::test(start_paused = true)]
async fn a_list_by_number_has_the_number_in_its_query() {
    let setup = setup(|mock| mock.users(250));
    let rows = all(setup.numbered("/api/v2/users?state=active")).await;
    assert_eq!((rows.len(), unique(&rows)), (250, 250));
    assert_eq!(setup.mock.count(USERS_ROUTE), 3);
    let asked = setup.mock.requests_at(USERS_ROUTE);
    let last = asked[2].uri().query();
    assert_eq!(last, Some("state=active&pageSize=100&pageNumber=3"));
    // Reads ahead up to the page count of the first page.
    assert_eq!(all(setup.numbered(USERS).with_read_ahead(9)).await, rows);
    assert_eq!(setup.mock.count(USERS_ROUTE), 6);
}

#[tokio::test(start_paused = true)]
async fn a_list_with_fewer_signs_is_read_to_its_end() {
    // Without a total, up to the first page without rows. With one, up to the
    // last row, although the pages are shorter than requested.
    for (total, calls) in [(None, 3), (Some(3), 2)] {
        let setup = setup(|mock| mock);
        for (nth, items) in [(1, json!([1, 2])), (2, json!([3])), (3, json!([]))] {
            let mut page = json!({ "entities": items });
            if let Some(total) = total {
                page["total"] = json!(total);
            }
            setup.on(USERS_ROUTE, nth).json(page);
        }
        assert_eq!(all(setup.numbered(USERS)).await, ["1", "2", "3"]);
        assert_eq!(setup.mock.count(USERS_ROUTE), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_is_an_estimate_can_be_ignored() {
    let setup = setup(|mock| mock);
    for (nth, items) in [(1, json!([1, 2])), (2, json!([]))] {
        let page = json!({ "entities": items, "total": 5 });
        setup.on(USERS_ROUTE, nth).json(page);
    }
    setup.on(USERS_ROUTE, 3).json(json!({ "entities": [] }));
    let users = setup.numbered(USERS);
    let (_, error) = fails(users.clone(), Kind::Incomplete).await;
    let rest = users.without_total();
    let rest = rest.resume(error.checkpoint().unwrap().clone());
    assert!(all(rest).await.is_empty());
    assert_eq!(setup.mock.count(USERS_ROUTE), 3);
}

#[tokio::test(start_paused = true)]
async fn more_rows_than_the_api_gives_are_an_error_at_the_first_page() {
    let setup = setup(|mock| mock.conversations(201));
    let (rows, error) = fails(setup.query().with_max_rows(200), Kind::TooManyRows).await;
    assert_eq!((rows, setup.mock.count(DETAILS_QUERY)), (0, 1));
    assert!(error.to_string().contains("use a job"), "{error}");
    setup
        .on(DETAILS_QUERY, 2)
        .json(json!({ "totalHits": 100_001, "conversations": [1] }));
    fails(setup.query(), Kind::TooManyRows).await;
    assert_eq!(all(setup.query().with_max_rows(201)).await.len(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_page_with_too_few_rows_is_an_error() {
    let page = |rows: usize| json!({ "totalHits": 250, "conversations": vec![json!(1); rows] });
    for wrong in [page(0), json!({ "totalHits": 250 }), page(99)] {
        let setup = setup(|mock| mock.conversations(250));
        setup.on(DETAILS_QUERY, 2).json(wrong);
        let (rows, error) = fails(setup.query(), Kind::Incomplete).await;
        assert_eq!((rows, setup.mock.count(DETAILS_QUERY)), (100, 2));
        let again = setup.query().resume(error.checkpoint().unwrap().clone());
        assert_eq!(all(again).await.len(), 150);
    }
    // The last page is short by itself, but not empty.
    let setup = setup(|mock| mock.users(250));
    setup
        .on(USERS_ROUTE, 3)
        .json(json!({ "pageNumber": 3, "pageCount": 3, "total": 250 }));
    assert_eq!(fails(setup.numbered(USERS), Kind::Incomplete).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_total_that_shrinks_is_an_error_and_one_that_grows_is_followed() {
    let setup = setup(|mock| mock.conversations(250));
    let full =
        |total: u64| json!({ "totalHits": total, "conversations": (0..100).collect::<Vec<_>>() });
    setup.on(DETAILS_QUERY, 2).json(full(249));
    let (rows, error) = fails(setup.query(), Kind::Shrunk).await;
    assert_eq!(rows, 100);
    // A resume in another process notices it too.
    setup.on(DETAILS_QUERY, 3).json(full(249));
    fails(
        setup.query().resume(error.checkpoint().unwrap().clone()),
        Kind::Shrunk,
    )
    .await;
    setup.on(DETAILS_QUERY, 4).json(full(170));
    assert_eq!(all(setup.query()).await.len(), 250);
    assert_eq!(setup.mock.count(DETAILS_QUERY), 3 + 3);
    // If it grows by more than half and by more than a page, it is another
    // list.
    setup.on(DETAILS_QUERY, 7).json(full(149));
    let (rows, error) = fails(setup.query(), Kind::Grown).await;
    assert_eq!((rows, setup.mock.count(DETAILS_QUERY)), (100, 8));
    assert!(
        error
            .to_string()
            .contains("250 rows in all, and there were 149"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeated_page_is_an_error() {
    let setup = setup(|mock| mock.conversations(250));
    let page = json!({ "totalHits": 250, "conversations": (0..100).collect::<Vec<_>>() });
    setup.mock.on(DETAILS_QUERY).json(page);
    assert_eq!(fails(setup.query(), Kind::Loop).await.0, 100);
    assert_eq!(setup.mock.count(DETAILS_QUERY), 2);
    for (nth, row) in [(1, 1), (2, 2)] {
        let first = json!({ "pageNumber": 1, "pageCount": 3, "entities": [row] });
        setup.on(USERS_ROUTE, nth).json(first);
    }
    assert_eq!(fails(setup.numbered(USERS), Kind::Loop).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn settings_without_a_limit_overflow_nothing() {
    let setup = setup(|mock| mock.users(250).conversations(30));
    let endless = |request: PagedRequest| {
        request
            .with_max_page_bytes(usize::MAX)
            .with_page_timeout(Duration::MAX)
            .with_job_timeout(Duration::MAX)
            .with_poll_interval(Duration::MAX)
            .with_read_ahead(usize::MAX)
            .with_max_rows(u64::MAX)
    };
    assert_eq!(all(endless(setup.numbered(USERS))).await.len(), 250);
    assert_eq!(all(endless(setup.job())).await.len(), 30);
}
