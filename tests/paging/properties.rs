//! Every row comes once and in order, or there is an error: for pages of any
//! form, and for a stream that is killed and resumed at any place.

use futures_util::StreamExt;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tower_genesys::{
    genesys::paging::{Checkpoint, PageError, PagedRequest},
    testing::MockList,
};

use crate::setup::{Setup, id, setup};

/// Operations with each way of paging, and whether rows may be hidden from the
/// client.
const LISTS: [(&str, &str, bool); 10] = [
    ("GET", "/api/v2/flows", true),
    ("GET", "/api/v2/routing/queues/7/members", true),
    ("GET", "/api/v2/authorization/divisions/query", true),
    ("GET", "/api/v2/users/search", true),
    ("GET", "/api/v2/scim/v2/users", false),
    ("GET", "/api/v2/chats/rooms/7/messages", false),
    ("POST", "/api/v2/users/search", true),
    ("POST", "/api/v2/analytics/users/details/query", true),
    ("POST", "/api/v2/taskmanagement/workitems/query", true),
    ("POST", "/api/v2/audits/query", true),
];

/// Fields of a page by number. One of them may be wrong or missing, because
/// another one is left.
const SIGNS: [&str; 4] = ["nextUri", "pageCount", "total", "pageSize"];

#[derive(Clone, Debug)]
struct Case {
    list: usize,
    rows: usize,
    matching: Option<usize>,
    /// The page size that the request names. Without it, the mock's default
    /// counts.
    size: Option<u32>,
    default: usize,
    drops: bool,
    hides: Option<usize>,
    without: Option<(usize, Option<usize>)>,
    lie: Option<(usize, u64)>,
    ahead: usize,
    /// After how many pages each stream is killed, one after the other.
    kills: Vec<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    let list = (
        0..LISTS.len(),
        0..300_usize,
        proptest::option::of(0..300_usize),
        proptest::option::of(1..60_u32),
        1..60_usize,
        any::<bool>(),
    );
    let odd = (
        proptest::option::of(2..5_usize),
        proptest::option::of((0..SIGNS.len(), proptest::option::of(1..6_usize))),
        proptest::option::of((1..SIGNS.len() - 1, 0..400_u64)),
        0..4_usize,
        proptest::collection::vec(0..4_usize, 0..4),
    );
    (list, odd).prop_map(|(list, odd)| {
        let (list, rows, matching, size, default, drops) = list;
        let (hides, without, lie, ahead, kills) = odd;
        Case {
            list,
            rows,
            matching: matching.map(|matching| matching.min(rows)),
            size,
            default,
            // The links of a `q64` search hold its whole query.
            drops: drops && !LISTS[list].1.ends_with("/search"),
            hides: hides.filter(|_| LISTS[list].2),
            // One sign at a time: if two of them differ, either may be right.
            lie: lie.filter(|_| list == 0 && without.is_none()),
            without: without.filter(|_| list == 0),
            ahead,
            kills,
        }
    })
}

impl Case {
    fn mock(&self) -> MockList {
        let mut mock = MockList::new(self.rows).with_page_size(self.default);
        if let Some(matching) = self.matching {
            mock = mock.with_matching(matching);
        }
        if self.drops {
            mock = mock.with_dropped_parameters();
        }
        if let Some(nth) = self.hides {
            mock = mock.with_hidden_rows(nth);
        }
        mock = match self.without {
            Some((sign, Some(page))) => mock.without_on(SIGNS[sign], page),
            Some((sign, None)) => mock.without(SIGNS[sign]),
            None => mock,
        };
        match self.lie {
            Some((sign, number)) => mock.with_field(SIGNS[sign], number),
            None => mock,
        }
    }

    fn request(&self, setup: &Setup) -> PagedRequest {
        let (method, path, _) = LISTS[self.list];
        let job = path.starts_with("/api/v2/audits");
        let filter = if self.matching.is_some() && !job {
            "?q=%C3%BC&name=a"
        } else {
            ""
        };
        let path = format!("{path}{filter}");
        let request = match method {
            "GET" => setup.pager.get(&path),
            _ => setup.pager.post(&path, json!({ "of": "mine" })),
        };
        let request = request.with_read_ahead(self.ahead);
        match self.size {
            Some(size) => request.with_page_size(size),
            None => request,
        }
    }

    fn expected(&self) -> Vec<String> {
        let job = LISTS[self.list].1.starts_with("/api/v2/audits");
        let all = self.matching.filter(|_| !job).unwrap_or(self.rows);
        let is_shown = |row: &usize| self.hides.is_none_or(|nth| row % nth != nth - 1);
        (0..all)
            .filter(is_shown)
            .map(|row| format!("r{row}"))
            .collect()
    }

    async fn read(&self) -> (Vec<String>, Option<PageError>) {
        let setup = setup(|mock| mock.keep_requests(0));
        let (method, path, _) = LISTS[self.list];
        setup
            .mock
            .add_list(method.parse::<Method>().unwrap(), path, self.mock());
        let mut rows = Vec::new();
        let mut from: Option<Checkpoint> = None;
        for kill in self.kills.iter().copied().chain([usize::MAX]) {
            let mut request = self.request(&setup);
            if let Some(place) = from.take() {
                let stored = serde_json::to_string(&place).unwrap();
                request = request.resume(serde_json::from_str(&stored).unwrap());
            }
            let mut pages = request.pages::<Value>();
            for _ in 0..kill {
                match pages.next().await {
                    Some(Ok(page)) => rows.extend(page.rows.iter().map(id)),
                    Some(Err(error)) => return (rows, Some(error)),
                    None => return (rows, None),
                }
            }
            from = Some(pages.checkpoint().clone());
        }
        (rows, None)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_comes_once_or_there_is_an_error(case in cases()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        let (rows, error) = runtime.block_on(case.read());
        let expected = case.expected();
        prop_assert!(rows.len() <= expected.len());
        prop_assert_eq!(&rows[..], &expected[..rows.len()]);
        if error.is_none() {
            prop_assert_eq!(rows.len(), expected.len());
        }
        // Plain pages never end in an error.
        let is_plain = case.lie.is_none() && case.without.is_none() && case.hides.is_none();
        prop_assert!(!is_plain || error.is_none(), "{:?}", error);
    }
}
