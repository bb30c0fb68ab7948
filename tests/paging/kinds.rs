//! All kinds of jobs, each by the POST that starts it.

use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use tokio::time::Instant;
use tower_genesys::{
    genesys::paging::PageErrorKind as Kind,
    testing::{ANY_API, MockList, Route},
};

use crate::setup::{ReplyJson, SECOND, all, fails, setup};

const AUDITS: &str = "/api/v2/audits/query";
const ITEMS: &str = "/api/v2/taskmanagement/workitems/query/jobs";

#[tokio::test(start_paused = true)]
async fn a_new_job_that_is_not_found_yet_is_polled_again() {
    let setup = setup(|mock| mock);
    setup.mock.add_list(Method::POST, AUDITS, MockList::new(30));
    let status = || Route::new(Method::GET, "/api/v2/audits/query/{id}");
    for nth in 1..=2 {
        setup.on(status(), nth).reply_status(StatusCode::NOT_FOUND);
    }
    let started = Instant::now();
    assert_eq!(all(setup.pager.post(AUDITS, json!({}))).await.len(), 30);
    // 2 s and 5 s: not found; 9.5 s: running; 16.25 s: done.
    assert_eq!(started.elapsed().as_millis(), 16_250);
    assert_eq!(setup.mock.count(status()), 4);
    // Ten seconds after its start, a job that is not found has expired.
    setup.mock.clear_script();
    setup.mock.on(status()).reply_status(StatusCode::NOT_FOUND);
    let (_, error) = fails(setup.pager.post(AUDITS, json!({})), Kind::JobExpired).await;
    assert_eq!(setup.mock.count(status()), 4 + 4);
    assert!(error.to_string().starts_with("job 2 of "), "{error}");
    let audits = setup.pager.post(AUDITS, json!({}));
    fails(audits.with_poll_interval(10 * SECOND), Kind::JobExpired).await;
    assert_eq!(setup.mock.count(status()), 4 + 4 + 1);
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_job_is_in_every_error_after_its_start() {
    let results = "/api/v2/audits/query/{id}/results";
    for (path, kind) in [
        ("/api/v2/audits/query/{id}", Kind::Refused),
        (results, Kind::Refused),
    ] {
        let setup = setup(|mock| mock);
        setup.mock.add_list(Method::POST, AUDITS, MockList::new(30));
        let route = Route::new(Method::GET, path);
        setup.mock.on(route).reply_403("missing.permissions", "No.");
        let (_, error) = fails(setup.pager.post(AUDITS, json!({})), kind).await;
        assert!(
            error.to_string().contains("job 1 of /api/v2/audits/query"),
            "{error}"
        );
        setup.mock.clear_script();
        let rest = setup
            .pager
            .post(AUDITS, json!({}))
            .resume(error.checkpoint().unwrap().clone());
        assert_eq!(all(rest).await.len(), 30);
        assert_eq!(
            setup.mock.count(Route::new(Method::POST, AUDITS)),
            1,
            "the same job"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_job_has_its_own_words_for_the_end() {
    for (state, kind) in [
        ("Failed", Kind::JobFailed),
        ("Cancelled", Kind::JobCancelled),
        ("EXPIRED", Kind::JobExpired),
    ] {
        let setup = setup(|mock| mock);
        setup.mock.add_list(Method::POST, ITEMS, MockList::new(30));
        let route = Route::new(Method::GET, format!("{ITEMS}/{{id}}"));
        let answer = json!({ "id": "1", "state": state, "error": { "message": "Too much." } });
        setup
            .mock
            .on(route)
            .reply(StatusCode::OK, HeaderMap::new(), answer.to_string());
        let (_, error) = fails(setup.pager.post(ITEMS, json!({})), kind).await;
        assert_eq!(
            error.to_string().contains("Too much"),
            kind == Kind::JobFailed,
            "{error}"
        );
    }
    // Usage states it on the page of its rows.
    let usage = "/api/v2/usage/query";
    let setup = setup(|mock| mock);
    setup.mock.add_list(Method::POST, usage, MockList::new(30));
    let route = Route::new(Method::GET, "/api/v2/usage/query/{id}/results");
    setup
        .mock
        .on(route)
        .nth(2)
        .json(json!({ "queryStatus": "Failed" }));
    fails(setup.pager.post(usage, json!({})), Kind::JobFailed).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_work_items_is_a_job_and_each_can_be_resumed() {
    let setup = setup(|mock| mock);
    setup.mock.add_list(Method::POST, ITEMS, MockList::new(60));
    let items = || setup.pager.post(ITEMS, json!({ "pageSize": 20 }));
    let mut pages = items().pages::<serde_json::Value>();
    let mut places = vec![pages.checkpoint().clone()];
    while let Some(page) = futures_util::StreamExt::next(&mut pages).await {
        places.push(page.unwrap().checkpoint);
    }
    assert_eq!(setup.mock.count(Route::new(Method::POST, ITEMS)), 3);
    for (read, place) in places.into_iter().enumerate() {
        let stored = serde_json::to_string(&place).unwrap();
        let rest = all(items().resume(serde_json::from_str(&stored).unwrap())).await;
        assert_eq!(rest.len(), 60 - read * 20);
    }
    // If the stream is dropped while the job of the second page runs, a resume
    // waits for that job.
    let before = setup.mock.count(Route::new(Method::POST, ITEMS));
    let mut pages = items().pages::<serde_json::Value>();
    futures_util::StreamExt::next(&mut pages)
        .await
        .unwrap()
        .unwrap();
    let waited = tokio::time::timeout(SECOND, futures_util::StreamExt::next(&mut pages)).await;
    assert!(waited.is_err(), "the second job is running");
    let place = pages.checkpoint().clone();
    drop(pages);
    assert_eq!(all(items().resume(place)).await.len(), 40);
    let started = setup.mock.count(Route::new(Method::POST, ITEMS)) - before;
    assert_eq!((started, setup.mock.count(ANY_API)), (3, 48));
}
