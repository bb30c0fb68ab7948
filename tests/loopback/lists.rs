use futures_util::StreamExt;
use http::Method;
use serde_json::{Value, json};
use tower_genesys::{
    Pager, Region,
    genesys::paging::PagedRequest,
    testing::{ANY_API, MockGenesys, MockList},
};

use crate::setup::{Body, Setup, Version, setup_with};

async fn count(request: PagedRequest) -> usize {
    let mut pages = request.pages::<Value>();
    let mut rows = 0;
    while let Some(page) = pages.next().await {
        rows += page.expect("a page").rows.len();
    }
    rows
}

/// A list for each way to name the next page, over real sockets and behind a
/// gateway's prefix.
#[tokio::test]
async fn lists_of_each_kind_arrive_whole_over_the_wire() {
    for version in [Version::Http1, Version::Http2] {
        let gateway = Region::custom("https://gw.example/login", "https://gw.example/genesys");
        let mock = MockGenesys::builder()
            .region(gateway.expect("a region"))
            .build();
        let setup: Setup = setup_with(mock, version, |layer| layer).await;
        let pager = Pager::new::<Body>(&setup.org, setup.genesys.clone());
        for (method, path, calls) in [
            (Method::GET, "/api/v2/flows?name=%C3%9C%20x", 3),
            (
                Method::GET,
                "/api/v2/authorization/divisions/query?name=a%26b",
                3,
            ),
            (Method::GET, "/api/v2/users/search?q64=e30", 3),
            (Method::POST, "/api/v2/users/search", 3),
            (Method::POST, "/api/v2/usage/events/query", 3),
        ] {
            let list = MockList::new(60).with_dropped_parameters();
            let plain = path.split('?').next().unwrap_or_default();
            setup.mock.add_list(method.clone(), plain, list);
            let before = setup.mock.count(ANY_API);
            let request = match method {
                Method::POST => pager.post(path, json!({})),
                _ => pager.get(path),
            };
            assert_eq!(count(request).await, 60, "{path}");
            assert_eq!(setup.mock.count(ANY_API) - before, calls, "{path}");
        }
    }
}
