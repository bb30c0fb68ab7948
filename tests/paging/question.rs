//! Every page keeps the caller's query, and no list ends early without an
//! error.

use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tower_genesys::{
    genesys::paging::{PageErrorKind as Kind, Paging},
    testing::{ANY_API, MockList, Route},
};

use crate::setup::{Setup, all, fails, rows, setup};

const FLOWS: &str = "/api/v2/flows?type=secure";

fn queries(setup: &Setup) -> Vec<String> {
    let asked = setup.mock.requests_at(ANY_API);
    let query = |uri: &http::Uri| uri.query().unwrap_or_default().to_owned();
    asked.iter().map(|one| query(one.uri())).collect()
}

/// A mock that answers with these pages, one after the other.
fn scripted(method: Method, path: &str, pages: &[Value]) -> Setup {
    let setup = setup(|mock| mock);
    for (index, page) in pages.iter().enumerate() {
        let route = Route::new(method.clone(), path.to_owned());
        let script = setup.mock.on(route).nth(index as u64 + 1);
        script.reply(StatusCode::OK, HeaderMap::new(), page.to_string());
    }
    setup
}

#[tokio::test(start_paused = true)]
async fn filters_that_the_links_drop_are_kept() {
    let list = MockList::new(260)
        .with_matching(155)
        .with_dropped_parameters();
    let setup = setup(|mock| mock);
    setup
        .mock
        .add_list(Method::GET, "/api/v2/flows", list.clone());
    assert_eq!(all(setup.pager.get(FLOWS)).await.len(), 155);
    let asked = queries(&setup);
    assert_eq!(asked[0], "type=secure&pageNumber=1");
    assert_eq!((asked.len(), &*asked[6]), (7, "type=secure&pageNumber=7"));
    // A list by link has its position in the link only.
    let path = "/api/v2/authorization/divisions/query";
    setup.mock.add_list(Method::GET, path, list);
    let divisions = setup
        .pager
        .get(&format!("{path}?name=%C3%9C%20b&id=1&id=2"));
    assert_eq!(all(divisions).await.len(), 155);
    let asked = queries(&setup);
    assert_eq!(asked[8], "after=t25&pageSize=25&name=%C3%9C%20b&id=1&id=2");
}

#[tokio::test(start_paused = true)]
async fn a_list_begins_where_the_callers_query_says() {
    let setup = setup(|mock| mock);
    setup
        .mock
        .add_list(Method::GET, "/api/v2/flows", MockList::new(230));
    let rest = all(setup
        .pager
        .get("/api/v2/flows?pageNumber=3&pageSize=50&type=a"))
    .await;
    assert_eq!((rest.len(), &*rest[0]), (130, "r100"));
    assert_eq!(queries(&setup)[2], "type=a&pageSize=50&pageNumber=5");
    let scim = "/api/v2/scim/v2/users";
    setup.mock.add_list(Method::GET, scim, MockList::new(230));
    let rest = all(setup
        .pager
        .get("/api/v2/scim/v2/users?startIndex=201&count=20"))
    .await;
    assert_eq!((rest.len(), &*rest[0]), (30, "r200"));
    let search = "/api/v2/users/search";
    setup
        .mock
        .add_list(Method::POST, search, MockList::new(230));
    let body = json!({ "pageNumber": 2, "pageSize": 100 });
    let rest = all(setup.pager.post(search, &body)).await;
    assert_eq!((rest.len(), &*rest[0]), (130, "r100"));
    let both = setup.pager.post(search, &body).with_page_size(200);
    assert_eq!(all(both).await.len(), 30, "the setting overrides the body");
}

#[tokio::test(start_paused = true)]
async fn each_page_of_a_post_has_its_body_and_its_path() {
    let path = "/api/v2/usage/events/query";
    let setup = setup(|mock| mock);
    setup.mock.add_list(Method::POST, path, MockList::new(60));
    let body = json!({ "interval": "x" });
    assert_eq!(all(setup.pager.post(path, &body)).await.len(), 60);
    let asked = setup.mock.requests_at(ANY_API);
    assert_eq!(asked.len(), 3);
    for one in &asked {
        let sent: Value = serde_json::from_slice(one.body()).unwrap();
        assert_eq!((one.method(), sent), (&Method::POST, body.clone()));
    }
    for link in ["/api/v2/users?pageNumber=2", "/api/v2/usage/events"] {
        let page = json!({ "entities": [{}], "nextUri": link });
        let setup = scripted(Method::POST, path, &[page]);
        let (rows, _) = fails(setup.pager.post(path, &body), Kind::ForeignLink).await;
        assert_eq!((rows, setup.mock.api_calls()), (0, 1), "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn queue_members_end_at_a_short_page_without_a_link_and_not_at_a_full_one() {
    let path = "/api/v2/routing/queues/7/members";
    let page = |rows: u64, number: u64, next: bool| {
        let next = next.then(|| format!("{path}?pageNumber={}", number + 1));
        let rows: Vec<_> = (0..rows).map(|row| number * 100 + row).collect();
        json!({ "entities": rows, "pageSize": 2, "pageNumber": number, "nextUri": next })
    };
    for (pages, came) in [
        (vec![page(2, 1, true), page(1, 2, false)], 3),
        (
            vec![page(2, 1, false), page(2, 2, false), page(0, 3, false)],
            4,
        ),
        (
            vec![page(1, 1, true), page(0, 2, true), page(1, 3, false)],
            2,
        ),
        (vec![page(0, 1, false)], 0),
    ] {
        let setup = scripted(Method::GET, path, &pages);
        assert_eq!(all(setup.pager.get(path)).await.len(), came);
        assert_eq!(setup.mock.api_calls(), pages.len());
    }
}

#[tokio::test(start_paused = true)]
async fn counts_of_zero_on_a_page_with_rows_are_ignored() {
    let path = "/api/v2/flows";
    let zero = |rows: &[u64], number: u64, next: bool| {
        let next = next.then(|| format!("{path}?pageNumber={}", number + 1));
        json!({ "entities": rows, "pageSize": 2, "pageNumber": number, "pageCount": 0, "total": 0, "nextUri": next })
    };
    let pages = [
        zero(&[1, 2], 1, true),
        zero(&[3, 4], 2, false),
        zero(&[5], 3, false),
    ];
    let setup = scripted(Method::GET, path, &pages);
    assert_eq!(all(setup.pager.get(path)).await, ["1", "2", "3", "4", "5"]);
    // After all rows have come, a total of zero is the end.
    let page = |rows: &[u64], number: u64, total: u64| json!({ "entities": rows, "pageNumber": number, "total": total });
    let pages = [page(&[1, 2], 1, 3), page(&[3], 2, 3)];
    let setup = scripted(Method::GET, path, &pages);
    assert_eq!(all(setup.pager.get(path)).await, ["1", "2", "3"]);
    let link = Paging::link("nextUri");
    let next = |mut page: Value| {
        page["nextUri"] = format!("{path}?after=1").into();
        page
    };
    let pages = [next(page(&[1], 1, 1)), page(&[], 2, 0)];
    let setup = scripted(Method::GET, path, &pages);
    assert_eq!(
        all(setup.pager.get(path).with_paging(link.clone())).await,
        ["1"]
    );
    let pages = [next(page(&[1], 1, 3)), page(&[], 2, 0)];
    let setup = scripted(Method::GET, path, &pages);
    fails(setup.pager.get(path).with_paging(link), Kind::Shrunk).await;
}

#[tokio::test(start_paused = true)]
async fn a_total_above_the_rows_is_allowed_while_the_page_count_explains_it() {
    let path = "/api/v2/flows";
    let page = |total: u64| json!({ "entities": [1], "pageSize": 25, "pageNumber": 1, "pageCount": 1, "total": total });
    let setup = scripted(Method::GET, path, &[page(25)]);
    assert_eq!(all(setup.pager.get(path)).await.len(), 1, "24 are hidden");
    let setup = scripted(Method::GET, path, &[page(26)]);
    let (_, error) = fails(setup.pager.get(path), Kind::Incomplete).await;
    assert!(
        error
            .to_string()
            .contains("1 of 26 rows (its `total`) have come"),
        "{error}"
    );
    let setup = scripted(Method::GET, path, &[page(26)]);
    assert_eq!(all(setup.pager.get(path).without_total()).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_sign_of_more_on_a_page_that_would_be_the_last_is_named() {
    for (field, sign) in [
        ("nextUri", json!({ "nextUri": "/api/v2/x?a=1" })),
        ("nextPage", json!({ "nextPage": "x" })),
        ("cursor", json!({ "cursor": "x" })),
        ("cursors.after", json!({ "cursors": { "after": "x" } })),
        ("after", json!({ "after": 7 })),
        ("pageCount", json!({ "pageNumber": 1, "pageCount": 2 })),
        ("total", json!({ "total": 2 })),
        ("totalHits", json!({ "totalHits": 2 })),
        ("totalResults", json!({ "totalResults": 2 })),
        ("queryStatus", json!({ "queryStatus": "Running" })),
        ("state", json!({ "state": "PENDING" })),
    ] {
        let path = "/api/v2/licenses/of/a/gateway";
        let mut page = json!({ "entities": [1] });
        page.as_object_mut()
            .unwrap()
            .extend(sign.as_object().unwrap().clone());
        let setup = scripted(Method::GET, path, &[page]);
        let whole = setup.pager.get(path).with_paging(Paging::whole());
        let (came, error) = fails(whole, Kind::Incomplete).await;
        assert_eq!((came, setup.mock.api_calls()), (0, 1), "{field}");
        assert!(
            error.to_string().contains(&format!("`{field}`")),
            "{field}: {error}"
        );
        assert!(error.checkpoint().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn lists_and_arrays_without_pages_are_one_page() {
    for (path, page) in [
        (
            "/api/v2/authorization/products",
            json!({ "entities": [1, 2] }),
        ),
        (
            "/api/v2/scim/v2/schemas",
            json!({ "Resources": [1, 2], "totalResults": 2 }),
        ),
        ("/api/v2/systempresences", json!([1, 2])),
    ] {
        let setup = scripted(Method::GET, path, &[page]);
        assert_eq!(all(setup.pager.get(path)).await, ["1", "2"], "{path}");
        assert_eq!(setup.mock.api_calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_absent_field_of_rows_is_an_error_unless_it_is_optional() {
    let path = "/api/v2/flows";
    for page in [
        json!({}),
        json!({ "pageNumber": 1, "pageCount": 0, "total": 0 }),
    ] {
        let setup = scripted(Method::GET, path, std::slice::from_ref(&page));
        let (_, error) = fails(setup.pager.get(path), Kind::Malformed).await;
        assert!(error.to_string().contains("no `entities`"), "{error}");
        let setup = scripted(Method::GET, path, &[page]);
        let paging = Paging::number("pageNumber").with_optional_rows();
        assert!(
            all(setup.pager.get(path).with_paging(paging))
                .await
                .is_empty()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_in_the_middle_of_a_counted_list_is_not_the_end() {
    let path = "/api/v2/flows";
    let page = |number: u64, rows: &[u64]| json!({ "entities": rows, "pageNumber": number, "pageCount": 3, "pageSize": 1, "total": 3 });
    let pages = [page(1, &[1]), page(2, &[]), page(3, &[3])];
    let setup = scripted(Method::GET, path, &pages);
    assert_eq!(all(setup.pager.get(path)).await, ["1", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_deleted_meanwhile_is_an_error() {
    let path = "/api/v2/flows";
    let page = |number: u64, total: u64| json!({ "entities": [number], "pageNumber": number, "pageCount": 3, "pageSize": 1, "total": total });
    let setup = scripted(Method::GET, path, &[page(1, 3), page(2, 2)]);
    let (came, error) = fails(setup.pager.get(path), Kind::Shrunk).await;
    assert_eq!(came, 1);
    assert!(error.to_string().contains("deleted"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn chats_continue_after_the_last_row_and_end_at_a_short_page() {
    let path = "/api/v2/chats/rooms/7/messages";
    let setup = setup(|mock| mock);
    setup.mock.add_list(Method::GET, path, MockList::new(230));
    assert_eq!(
        all(setup.pager.get(path).with_page_size(100)).await.len(),
        230
    );
    assert_eq!(
        queries(&setup),
        ["limit=100", "limit=100&after=r99", "limit=100&after=r199"]
    );
    let setup = scripted(
        Method::GET,
        path,
        &[json!({ "entities": [{ "name": "x" }] })],
    );
    let (_, error) = rows(setup.pager.get(path).pages()).await;
    assert_eq!(
        error.unwrap().kind(),
        Kind::Malformed,
        "there is no id to continue after"
    );
}
