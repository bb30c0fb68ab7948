//! Every list of the definition is read whole with its path alone, and none
//! ends early without an error.

use std::collections::{BTreeMap, BTreeSet};

use tower_genesys::{
    genesys,
    testing::{ANY_API, MockList},
};

use crate::{
    definition::lines,
    setup::{Setup, Started, read, started},
};

/// Fields of a page that tell whether there are more pages.
const SIGNS: [&str; 10] = [
    "nextUri",
    "nextPage",
    "cursor",
    "cursors",
    "after",
    "pageCount",
    "pageNumber",
    "total",
    "totalHits",
    "totalResults",
];

const PAGE: usize = 100;

/// The 497 operations with a second page, and the 44 that have a link only.
fn lists() -> Vec<Started> {
    let all = lines();
    let lists = all
        .iter()
        .filter(|line| ["yes", "link"].contains(&line.get("second_page")));
    let lists: Vec<_> = lists.map(started).collect();
    assert_eq!(lists.len(), 497 + 44);
    lists
}

/// How many requests it takes to read this many rows.
fn requests(list: &Started, rows: usize) -> usize {
    let pages = rows.div_ceil(PAGE).max(1);
    match &*list.way {
        // Nothing on a page says that it is the last.
        "GET pageNumber/pageSize, rows only"
        | "GET pageNumber/pageSize, untyped object"
        | "GET limit/before/after, rows only (chats)" => empty_last(rows),
        "POST query-string pageNumber/pageSize" if says_nothing(&list.path) => empty_last(rows),
        "POST body pageNumber/pageSize (top level)" if list.path.ends_with(NUMBER_ONLY) => {
            empty_last(rows)
        }
        // The start, two polls, the pages.
        "GET job results by cursor (POST jobs first, jobId+state)"
        | "GET results by cursor, no nextUri (audits: id, other states)" => 3 + pages,
        // The start, one poll of results that are not there yet, the pages.
        "GET cursors object, no nextUri (usage)"
        | "GET usage job: status and rows in one, nextUri" => 2 + pages,
        // A whole job for each page.
        "GET job results, page chosen in the POST body" => 4 * pages,
        _ => pages,
    }
}

/// A list whose pages state their number and size, but no count, total or link.
const NUMBER_ONLY: &str = "/api/v2/quality/evaluations/search";

fn says_nothing(path: &str) -> bool {
    path.ends_with("/activity/query") || path.contains("/orgauthorization/")
}

/// Requests up to the first page without rows.
fn empty_last(rows: usize) -> usize {
    rows.div_ceil(PAGE) + 1
}

#[tokio::test(start_paused = true)]
async fn every_list_is_read_whole_by_its_path_alone() {
    let mut ways = BTreeMap::new();
    let setup = Setup::new();
    let templates = genesys::templates();
    for list in lists() {
        for rows in [0, 1, 230, 1030] {
            setup.add(&list, MockList::new(rows).with_page_size(PAGE));
            let before = setup.mock.count(ANY_API);
            let (came, error) = read(setup.request(&list)).await;
            let name = format!("{} {} ({}) of {rows}", list.method, list.path, list.way);
            assert!(error.is_none(), "{name}: {error:?}");
            assert!(came.iter().copied().eq(0..rows), "{name}: {}", came.len());
            let calls = setup.mock.count(ANY_API) - before;
            assert_eq!(calls, requests(&list, rows), "{name}");
        }
        // Spans and metrics name each of them: the polls of a job, too.
        for sent in setup.mock.requests_at(ANY_API) {
            let (method, uri) = (sent.method(), sent.uri());
            assert!(templates.find(method, uri).is_some(), "{method} {uri}");
        }
        *ways.entry(list.way).or_insert(0) += 1;
    }
    assert_eq!(ways.len(), 21, "{ways:#?}");
}

/// Removes each sign of more pages, from every page and from the second page
/// only. The list is read whole by another sign, or ends with an error. Lists
/// with no other sign end early: these are counted by their way of paging.
#[tokio::test(start_paused = true)]
async fn a_removed_sign_is_missed_only_if_it_was_the_only_one() {
    let mut only = BTreeMap::new();
    let mut errors = 0;
    let setup = Setup::new();
    for list in lists() {
        for sign in SIGNS.into_iter().filter(|sign| list.says(sign)) {
            for cut in [None, Some(2)] {
                let mock = MockList::new(230).with_page_size(PAGE);
                let mock = match cut {
                    None => mock.without(sign),
                    Some(page) => mock.without_on(sign, page),
                };
                setup.add(&list, mock);
                let (came, error) = read(setup.request(&list)).await;
                let name = format!(
                    "{} {} ({}) without {sign}",
                    list.method, list.path, list.way
                );
                assert!(came.iter().copied().eq(0..came.len()), "{name}: in order");
                if error.is_some() {
                    errors += 1;
                } else if came.len() < 230 {
                    let signs = only.entry((list.way.clone(), sign)).or_insert(0);
                    *signs += 1;
                }
            }
        }
    }
    let only: BTreeSet<_> = only
        .iter()
        .map(|((way, sign), lists)| (&**way, *sign, lists / 2))
        .collect();
    let expected = BTreeSet::from([
        ("GET after/before/cursor/nextPage + nextUri", "nextUri", 72),
        ("GET cursors object, no nextUri (usage)", "cursors", 3),
        (
            "GET job results by cursor (POST jobs first, jobId+state)",
            "cursor",
            22,
        ),
        ("GET nextUri, no page parameters", "nextUri", 10),
        (
            "GET results by cursor, no nextUri (audits: id, other states)",
            "cursor",
            2,
        ),
        (
            "GET usage job: status and rows in one, nextUri",
            "nextUri",
            2,
        ),
        ("POST body after/cursor", "cursor", 1),
        ("POST query-string after/before (+ nextUri)", "nextUri", 5),
    ]);
    assert_eq!(only, expected);
    assert_eq!(errors, 158);
}
