use futures_util::StreamExt;
use http::Method;
use serde_json::{Value, json};
use tower::Layer;
use tower_genesys::{
    GenesysLayer, Pager,
    genesys::paging::{PageError, PagedRequest},
    testing::{MockGenesys, MockList},
};

use crate::{
    definition::Line,
    fixtures::mock_org::{Body, org_of},
};

/// A mock for lists, and a pager on top of the four layers.
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) pager: Pager,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let mock = MockGenesys::builder()
            .conversations(0)
            .users(0)
            .keep_requests(100)
            .build();
        let org = org_of(&mock);
        let genesys = GenesysLayer::new(&org).layer(mock.service());
        let pager = Pager::new::<Body>(&org, genesys);
        Self { mock, pager }
    }

    pub(crate) fn add(&self, started: &Started, list: MockList) {
        self.mock
            .add_list(started.method.clone(), &started.path, list);
    }

    /// A request with the path only, and an empty body for a POST. It names the
    /// field of the rows if the definition does not.
    pub(crate) fn request(&self, line: &Started) -> PagedRequest {
        let request = match line.method {
            Method::POST => self.pager.post(&line.path, json!({})),
            _ => self.pager.get(&line.path),
        };
        if line.names_rows {
            request
        } else {
            request.with_rows("results")
        }
    }
}

/// The operation that a user names for its pages: itself, or the POST that
/// starts its job.
pub(crate) struct Started {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) names_rows: bool,
    pub(crate) way: String,
    says: String,
}

impl Started {
    /// Whether the model of its pages has this field. The fields of nested
    /// objects are not known here.
    pub(crate) fn says(&self, field: &str) -> bool {
        self.way.contains("nested") || self.says.split(' ').any(|own| own == field)
    }
}

pub(crate) fn started(line: &Line) -> Started {
    let way = line.get("paging").to_owned();
    let path = line.with_ids("c0ffee");
    let job = ["job results", "audits", "cursors object", "usage job"];
    let is_job = line.method() == "GET" && job.iter().any(|word| way.contains(word));
    let (method, path) = match is_job {
        true => {
            let path = path.trim_end_matches("/results");
            let path = path.trim_end_matches("c0ffee").trim_end_matches('/');
            (Method::POST, path.trim_end_matches("/results").to_owned())
        }
        false => (line.method().parse().unwrap(), path),
    };
    Started {
        method,
        path,
        names_rows: !line.get("rows").is_empty(),
        says: line.get("response_paging").to_owned(),
        way,
    }
}

/// The numbers of the rows that came, and the error that ended them, if any.
pub(crate) async fn read(request: PagedRequest) -> (Vec<usize>, Option<PageError>) {
    let mut pages = request.pages::<Value>();
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => rows.extend(page.rows.iter().map(number)),
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

pub(crate) fn number(row: &Value) -> usize {
    let id = row["id"].as_str().unwrap();
    id.trim_start_matches('r').parse().unwrap()
}
