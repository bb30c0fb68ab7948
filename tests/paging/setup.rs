use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tower::Layer;
use tower_genesys::{
    GenesysLayer, Org, Pager,
    genesys::paging::{PageError, PageErrorKind, PagedRequest, Pages, Paging},
    testing::{MockBuilder, MockGenesys, Route, Script},
};

use crate::fixtures::mock_org::org_of;
pub(crate) use crate::fixtures::mock_org::{Body, USERS_PATH as USERS};

pub(crate) const QUERY: &str = "/api/v2/analytics/conversations/details/query";
pub(crate) const JOBS: &str = "/api/v2/analytics/conversations/details/jobs";

/// A mock in memory, the four layers around it, and a pager on top.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) pager: Pager,
}

pub(crate) fn setup(change: impl FnOnce(MockBuilder) -> MockBuilder) -> Setup {
    setup_on(change(MockGenesys::builder()).build())
}

pub(crate) fn setup_on(mock: MockGenesys) -> Setup {
    let org = org_of(&mock);
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    let pager = Pager::new::<Body>(&org, genesys);
    Setup { mock, org, pager }
}

impl Setup {
    pub(crate) fn query(&self) -> PagedRequest {
        let body = json!({ "interval": self.mock.interval(), "order": "asc" });
        self.pager.post(QUERY, body)
    }

    pub(crate) fn job(&self) -> PagedRequest {
        let body = json!({ "interval": self.mock.interval(), "order": "asc" });
        self.pager.post(JOBS, body).with_page_size(100)
    }

    pub(crate) fn users(&self) -> PagedRequest {
        self.linked("/api/v2/users?pageSize=100")
    }

    /// A list that follows the `nextUri` of each page.
    pub(crate) fn linked(&self, path: &str) -> PagedRequest {
        self.pager.get(path).with_paging(link())
    }

    /// A list by page number, as the table describes it, with a hundred rows a
    /// page.
    pub(crate) fn numbered(&self, path: &str) -> PagedRequest {
        self.pager.get(path).with_page_size(100)
    }

    pub(crate) fn on(&self, route: Route, nth: u64) -> Script {
        self.mock.on(route).nth(nth)
    }
}

pub(crate) fn link() -> Paging {
    Paging::link("nextUri").with_size("pageSize")
}

/// The rows that came, as text, and the error that ended them, if any. Checks
/// that nothing comes after it.
pub(crate) async fn rows(mut pages: Pages<Value>) -> (Vec<String>, Option<PageError>) {
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => rows.extend(page.rows.iter().map(id)),
            Err(error) => {
                assert!(pages.next().await.is_none(), "an error is the last item");
                return (rows, Some(error));
            }
        }
    }
    assert!(pages.next().await.is_none());
    (rows, None)
}

pub(crate) async fn all(request: PagedRequest) -> Vec<String> {
    let (rows, error) = rows(request.pages()).await;
    assert!(error.is_none(), "{error:?}");
    rows
}

/// Returns the number of rows before the error, and the error, which has this
/// kind.
pub(crate) async fn fails(request: PagedRequest, kind: PageErrorKind) -> (usize, PageError) {
    let (rows, error) = rows(request.pages()).await;
    let error = error.expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    (rows.len(), error)
}

pub(crate) fn id(row: &Value) -> String {
    let id = row.get("conversationId").or(row.get("id")).unwrap_or(row);
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

pub(crate) fn unique(rows: &[String]) -> usize {
    rows.iter().collect::<std::collections::HashSet<_>>().len()
}

/// A rule that answers with this JSON.
pub(crate) trait ReplyJson {
    fn json(self, body: Value) -> Self;
}

impl ReplyJson for Script {
    fn json(self, body: Value) -> Self {
        self.reply(StatusCode::OK, HeaderMap::new(), body.to_string())
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
