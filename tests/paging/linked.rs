use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::Layer;
use tower_genesys::{
    GenesysLayer, Org, Pager, Region,
    genesys::paging::PageErrorKind as Kind,
    testing::{ANY, MockGenesys, USERS as USERS_ROUTE},
    token::{IssuedToken, source_fn},
};

use crate::setup::{Body, ReplyJson, SECOND, Setup, USERS, all, fails, setup, setup_on, unique};

#[tokio::test(start_paused = true)]
async fn every_page_of_a_list_is_requested_once() {
    for (count, calls) in [(0, 1), (100, 1), (250, 3)] {
        let setup = setup(|mock| mock.users(count));
        let rows = all(setup.users()).await;
        assert_eq!((rows.len(), unique(&rows)), (count, count));
        assert_eq!(setup.mock.count(USERS_ROUTE), calls);
    }
    let setup = setup(|mock| mock.users(60));
    assert_eq!(all(setup.linked(USERS)).await.len(), 60);
    assert_eq!(setup.mock.count(USERS_ROUTE), 3, "25 by default");
    all(setup.linked(USERS).with_page_size(60)).await;
    assert_eq!(setup.mock.count(USERS_ROUTE), 4);
}

#[tokio::test(start_paused = true)]
async fn a_list_continues_through_revocation_throttling_and_outage() {
    let setup = setup(|mock| mock.users(500));
    let expected = all(setup.users()).await;
    setup.on(USERS_ROUTE, 7).revoke_token();
    setup.on(USERS_ROUTE, 9).reply_429(SECOND * 20);
    setup.on(USERS_ROUTE, 11).reply_503();
    assert_eq!(all(setup.users()).await, expected);
    assert_eq!(setup.mock.count(USERS_ROUTE), 5 + 5 + 3);
    assert_eq!(setup.mock.token_posts(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_absolute_uri_on_the_api_is_followed_even_through_a_gateway() {
    let gateway = Region::custom(
        "https://gw.example/login",
        "https://gw.example:8443/genesys",
    );
    for region in [Region::US_EAST_1, gateway.unwrap()] {
        let mock = MockGenesys::builder()
            .users(250)
            .region(region.clone())
            .build();
        let setup = setup_on(mock);
        let next = region
            .api("/api/v2/users?pageSize=100&pageNumber=2")
            .unwrap();
        let first = json!({ "entities": [1], "nextUri": next.to_string() });
        setup.on(USERS_ROUTE, 1).json(first);
        assert_eq!(all(setup.users()).await.len(), 1 + 150);
        assert_eq!(setup.mock.count(USERS_ROUTE), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_another_origin_is_refused_before_the_token_goes_there() {
    for link in [
        "https://evil.example/api/v2/users",
        "//evil.example/api/v2/users",
        "http://api.mypurecloud.com/api/v2/users",
        "/api/v2/../../evil",
        "javascript:alert(1)",
    ] {
        let setup = setup(|mock| mock.users(250));
        setup
            .on(USERS_ROUTE, 1)
            .json(json!({ "entities": [1], "nextUri": link }));
        let (rows, error) = fails(setup.users(), Kind::ForeignLink).await;
        assert_eq!(
            (rows, setup.mock.api_calls(), setup.mock.count(ANY)),
            (0, 1, 2),
            "{link}"
        );
        assert!(error.to_string().contains("token"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_an_earlier_page_is_an_error() {
    let link = |number: u64, next: u64| json!({ "entities": [number], "nextUri": format!("/api/v2/users?pageNumber={next}") });
    // To itself, and in a loop that leaves out the first page.
    for (links, rows) in [
        (vec![link(1, 2), link(2, 2)], 1),
        (vec![link(1, 2), link(2, 3), link(3, 2)], 2),
    ] {
        let setup = setup(|mock| mock);
        for (index, page) in links.into_iter().enumerate() {
            setup.on(USERS_ROUTE, index as u64 + 1).json(page);
        }
        let (came, error) = fails(setup.users(), Kind::Loop).await;
        assert_eq!((came, setup.mock.count(USERS_ROUTE)), (rows, rows + 1));
        assert!(error.checkpoint().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn empty_pages_without_end_are_an_error() {
    let setup = setup(|mock| mock);
    for number in 1..100 {
        let next = format!("/api/v2/users?pageNumber={}", number + 1);
        setup
            .on(USERS_ROUTE, number)
            .json(json!({ "entities": [], "nextUri": next }));
    }
    assert_eq!(fails(setup.users(), Kind::Loop).await.0, 0);
    assert_eq!(setup.mock.count(USERS_ROUTE), 17);
    // Sixteen in a row are allowed, and a page with a row restarts the count.
    let setup = crate::setup::setup(|mock| mock);
    for number in 1..=34 {
        let next = (number < 34).then(|| format!("/api/v2/users?pageNumber={}", number + 1));
        let items = if number == 17 { vec![1] } else { vec![] };
        setup
            .on(USERS_ROUTE, number)
            .json(json!({ "entities": items, "nextUri": next }));
    }
    assert_eq!(all(setup.users()).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_before_the_last_page_is_an_error() {
    let setup = setup(|mock| mock);
    let page = json!({ "entities": [1], "pageNumber": 2, "pageCount": 3, "total": 3 });
    setup.on(USERS_ROUTE, 1).json(page);
    let (_, error) = fails(setup.users(), Kind::Incomplete).await;
    assert!(error.to_string().contains("number 2 of 3"), "{error}");
    assert!(
        error.to_string().contains("`PagedRequest::with_paging`"),
        "{error}"
    );
}

/// Pages of one row each, with a cursor in the link. The page at `cut` has no
/// link.
fn scripted(total: &Value, pages: u64, cut: u64) -> Setup {
    let setup = setup(|mock| mock);
    for number in 1..=pages {
        let next = (number != cut).then(|| format!("/api/v2/users?after={number}"));
        let page = json!({ "entities": [number], "total": total, "nextUri": next });
        setup.on(USERS_ROUTE, number).json(page);
    }
    setup
}

#[tokio::test(start_paused = true)]
async fn an_end_before_the_total_is_reached_is_an_error() {
    let setup = scripted(&json!(4), 3, 3);
    let (rows, error) = fails(setup.users(), Kind::Incomplete).await;
    assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (2, 3));
    let text = error.to_string();
    assert!(
        text.contains("3 of 4 rows") && text.contains("without_total"),
        "{text}"
    );
    // A total that is reached, exceeded (rows may be added meanwhile) or absent
    // is not an error.
    for total in [json!(3), json!(2), json!(null)] {
        assert_eq!(all(scripted(&total, 3, 3).users()).await.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_total_that_counts_hidden_rows_is_allowed_on_the_last_page_by_number() {
    let setup = setup(|mock| mock);
    let page = json!({ "entities": [1], "pageNumber": 1, "pageCount": 1, "total": 3 });
    setup.on(USERS_ROUTE, 1).json(page);
    assert_eq!(all(setup.users()).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_total_that_is_an_estimate_can_be_ignored() {
    let setup = scripted(&json!(4), 3, 3);
    setup
        .on(USERS_ROUTE, 4)
        .json(json!({ "entities": [3], "total": 2 }));
    let (_, error) = fails(setup.users(), Kind::Incomplete).await;
    let checkpoint = error.checkpoint().expect("there is a place").clone();
    let rest = setup.users().without_total().resume(checkpoint);
    let pages: Vec<_> = rest.pages::<Value>().collect().await;
    let page = pages[0].as_ref().expect("the last page is requested again");
    assert_eq!(
        (pages.len(), &page.rows[..], page.total),
        (1, &[json!(3)][..], None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_total_that_shrinks_is_an_error() {
    let setup = setup(|mock| mock.users(250));
    setup
        .on(USERS_ROUTE, 2)
        .json(json!({ "entities": [1], "total": 249 }));
    assert_eq!(fails(setup.users(), Kind::Shrunk).await.0, 100);
}

#[tokio::test(start_paused = true)]
async fn a_pager_acts_as_its_own_organisation_even_on_the_stack_of_another() {
    let setup = setup(|mock| mock.users(250));
    let token = setup.mock.mint_token();
    let source = token.clone();
    let other = Org::builder(setup.mock.region())
        .build_from_source(source_fn(move |_| {
            let issued = IssuedToken::new(source.clone(), SECOND * 86_400);
            async move { Ok(issued) }
        }))
        .unwrap();
    let stack_of_another = GenesysLayer::new(&setup.org).layer(setup.mock.service());
    let pager = Pager::new::<Body>(&other, stack_of_another);
    let users = pager.get(USERS).with_page_size(100);
    assert_eq!(all(users).await.len(), 250);
    let asked = setup.mock.requests_at(USERS_ROUTE);
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.bearer() == Some(&*token)));
    assert_eq!(setup.mock.token_posts(), 0);
}
