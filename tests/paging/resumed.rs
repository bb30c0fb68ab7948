use futures_util::StreamExt;
use serde_json::{Value, json};
use tower_genesys::{
    genesys::paging::{Checkpoint, PageErrorKind as Kind, PagedRequest},
    testing::{DETAILS_JOBS, DETAILS_QUERY, USERS as USERS_ROUTE},
};

use crate::setup::{JOBS, QUERY, ReplyJson, USERS, all, fails, id, setup};

/// The rows up to the checkpoint of this page, and that checkpoint, stored and
/// loaded again.
async fn up_to(request: PagedRequest, page: usize) -> (Vec<String>, Checkpoint) {
    let mut pages = request.pages::<Value>();
    let mut rows = Vec::new();
    let mut checkpoint = pages.checkpoint().clone();
    for _ in 0..page {
        let page = pages.next().await.unwrap().unwrap();
        rows.extend(page.rows.iter().map(id));
        assert_eq!(pages.checkpoint(), &page.checkpoint);
        checkpoint = page.checkpoint;
    }
    let stored = serde_json::to_string(&checkpoint).unwrap();
    (rows, serde_json::from_str(&stored).unwrap())
}

/// A checkpoint of this request whose position is replaced by `next`.
pub(crate) async fn forge(request: &PagedRequest, next: Value) -> Checkpoint {
    let (_, checkpoint) = up_to(request.clone(), 0).await;
    let mut stored = serde_json::to_value(checkpoint).unwrap();
    stored["next"] = next;
    serde_json::from_value(stored).unwrap()
}

#[tokio::test(start_paused = true)]
async fn resumed_at_every_page_the_rows_are_the_same() {
    let setup = setup(|mock| mock.conversations(110).users(110));
    for request in [
        setup.query(),
        setup.query().with_read_ahead(3),
        setup.numbered(USERS),
        setup.linked(USERS),
        setup.job(),
    ] {
        let request = request.with_page_size(20);
        let expected = all(request.clone()).await;
        assert_eq!(expected.len(), 110);
        for page in 0..=6 {
            let (mut rows, checkpoint) = up_to(request.clone(), page).await;
            assert_eq!(rows.len(), (page * 20).min(110));
            assert_eq!(checkpoint.is_end(), page == 6);
            let before = setup.mock.api_calls();
            rows.extend(all(request.clone().resume(checkpoint)).await);
            assert_eq!(rows, expected, "{request:?}");
            if page == 6 {
                assert_eq!(setup.mock.api_calls(), before, "no page is left to request");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resumed_job_is_not_started_again() {
    let setup = setup(|mock| mock.conversations(250));
    let (_, checkpoint) = up_to(setup.job(), 1).await;
    assert_eq!(all(setup.job().resume(checkpoint)).await.len(), 150);
    assert_eq!(setup.mock.count(DETAILS_JOBS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_another_request_is_refused() {
    let setup = setup(|mock| mock.conversations(250).users(250));
    let body = json!({ "interval": setup.mock.interval(), "order": "asc" });
    let (_, checkpoint) = up_to(setup.query(), 1).await;
    let calls = setup.mock.api_calls();
    let mut other = body.clone();
    other["order"] = json!("desc");
    for request in [
        setup.pager.post(QUERY, &other),
        setup
            .pager
            .post("/api/v2/analytics/users/details/query", &body),
        setup.query().with_page_size(50),
        setup.query().with_rows("users"),
        setup.job(),
        setup.users(),
        setup.pager.post(JOBS, &body),
    ] {
        let (_, error) = fails(request.resume(checkpoint.clone()), Kind::Checkpoint).await;
        assert!(error.to_string().contains("start afresh"), "{error}");
        assert!(error.checkpoint().is_none());
    }
    assert_eq!(setup.mock.api_calls(), calls);
    // The order of the fields and the body's own `paging` do not make it
    // another request.
    let same = json!({ "paging": { "pageSize": 5 }, "order": "asc", "interval": body["interval"] });
    let same = setup.pager.post(QUERY, same).resume(checkpoint);
    assert_eq!(all(same).await.len(), 150);
}

#[tokio::test(start_paused = true)]
async fn a_position_that_the_request_cannot_have_is_refused() {
    let setup = setup(|mock| mock.users(250));
    let at =
        |place: Value| json!({ "page": { "at": place, "total": null, "rows": 0, "page": null } });
    let page = |next: u64| at(json!({ "number": next }));
    let link = |path: &str| at(json!({ "link": path }));
    let token = at(json!({ "token": "a" }));
    let job = |then: &Value| json!({ "job": { "id": "7", "then": then } });
    for (request, next) in [
        (setup.query(), page(0)),
        (setup.query(), link(USERS)),
        (setup.users(), page(2)),
        (setup.job(), link(USERS)),
        (setup.job(), page(1)),
        (setup.job(), token.clone()),
        (setup.job(), job(&page(1))),
        (setup.job(), job(&job(&token))),
        (setup.users(), token.clone()),
        (setup.query(), token.clone()),
        (setup.numbered(USERS), link(USERS)),
        (setup.query(), job(&page(1))),
    ] {
        let checkpoint = forge(&request, next).await;
        fails(request.resume(checkpoint), Kind::Checkpoint).await;
    }
    for path in ["https://evil.example/", "//evil.example/", "/../x"] {
        let checkpoint = forge(&setup.users(), link(path)).await;
        fails(setup.users().resume(checkpoint), Kind::ForeignLink).await;
    }
    assert_eq!(setup.mock.api_calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_is_damaged_or_of_another_version_is_an_error() {
    let setup = setup(|mock| mock);
    let (_, checkpoint) = up_to(setup.query(), 1).await;
    let stored = serde_json::to_value(&checkpoint).unwrap();
    let read = |stored: Value| serde_json::from_value::<Checkpoint>(stored);
    assert_eq!(read(stored.clone()).unwrap(), checkpoint);
    let text = serde_json::to_string(&checkpoint).unwrap();
    let future = text.replace(r#""version":2"#, r#""version":3"#);
    let future = future.replace(r#""rows":"#, r#""more":1,"rows":"#);
    let error = serde_json::from_str::<Checkpoint>(&future).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("version 3") && error.contains("start afresh"),
        "{error}"
    );
    // A database that sorts the fields has the place before the version.
    let sorted = json!({ "next": { "x": 1 }, "request": stored["request"], "version": 3 });
    let error = serde_json::from_str::<Checkpoint>(&sorted.to_string()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("another version") && error.contains("start afresh"),
        "{error}"
    );
    // Version 1, with a place in its form.
    let old = r#"{"version":1,"request":"x","next":{"number":{"next":2,"total":9,"rows":1}}}"#;
    let error = serde_json::from_str::<Checkpoint>(old)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("version 1") && error.contains("start afresh"),
        "{error}"
    );
    for (field, value) in [
        ("version", json!("1")),
        ("next", json!({ "x": 1 })),
        ("more", json!(1)),
    ] {
        let mut damaged = stored.clone();
        damaged[field] = value;
        assert!(read(damaged).is_err(), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn rows_from_before_a_resume_are_counted() {
    let setup = setup(|mock| mock);
    let page =
        |row: u64, next: Option<&str>| json!({ "entities": [row], "total": 3, "nextUri": next });
    let answers = [
        page(1, Some("/api/v2/users?after=1")),
        page(2, None),
        page(2, Some("/api/v2/users?after=2")),
        page(3, None),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        setup.on(USERS_ROUTE, index as u64 + 1).json(answer);
    }
    let (rows, checkpoint) = up_to(setup.users(), 1).await;
    assert_eq!(rows, ["1"]);
    let rest = setup.users().resume(checkpoint.clone());
    let (_, error) = fails(rest, Kind::Incomplete).await;
    assert!(error.to_string().contains("2 of 3 rows"), "{error}");
    assert_eq!(all(setup.users().resume(checkpoint)).await, ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_numbered_pages_is_noticed_at_once_after_a_resume() {
    let setup = setup(|mock| mock);
    let page = |number: u64, next: u64| {
        let next = format!("/api/v2/users?pageNumber={next}");
        json!({ "entities": [number], "pageNumber": number, "nextUri": next })
    };
    for (index, (number, next)) in [(1, 2), (2, 3), (3, 4), (4, 2), (2, 3)]
        .into_iter()
        .enumerate()
    {
        setup
            .on(USERS_ROUTE, index as u64 + 1)
            .json(page(number, next));
    }
    let (rows, checkpoint) = up_to(setup.users(), 3).await;
    assert_eq!(rows, ["1", "2", "3"]);
    let (rows, _) = fails(setup.users().resume(checkpoint), Kind::Loop).await;
    assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_loop_back_to_the_first_page_is_noticed_at_once_after_a_resume() {
    let setup = setup(|mock| mock);
    for (number, next) in [(1, "?after=1"), (2, "?after=2"), (3, "?pageSize=100")] {
        let next = format!("/api/v2/users{next}");
        let page = json!({ "entities": [number], "nextUri": next });
        setup.on(USERS_ROUTE, number).json(page);
    }
    let (_, checkpoint) = up_to(setup.users(), 2).await;
    let (rows, _) = fails(setup.users().resume(checkpoint), Kind::Loop).await;
    assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn the_largest_page_numbers_do_not_overflow() {
    let setup = setup(|mock| mock.conversations(250));
    let place = json!({ "number": u64::MAX });
    let next =
        json!({ "page": { "at": place, "total": u64::MAX, "rows": u64::MAX, "page": null } });
    let checkpoint = forge(&setup.query(), next).await;
    fails(setup.query().resume(checkpoint), Kind::Refused).await;
    assert_eq!(setup.mock.count(DETAILS_QUERY), 1);
}
