use std::collections::{BTreeMap, BTreeSet};

use http::{Method, Uri};
use tower_genesys::genesys::{Effect, Operation, is_read_only};

use crate::definition::lines;

/// Operations that start or use up something although their method suggests
/// otherwise.
const BY_METHOD_ONLY: [(&str, &str); 6] = [
    ("DELETE", "/api/v2/agentic/virtualagents/{}/jobs"),
    (
        "GET",
        "/api/v2/conversations/messaging/oauth/apple/callback",
    ),
    ("GET", "/api/v2/flows/instances/{}"),
    ("DELETE", "/api/v2/guides/{}/jobs"),
    ("PUT", "/api/v2/outbound/campaigns/{}/agents/{}"),
    ("PUT", "/api/v2/recording/jobs/{}"),
];

fn asked(method: &str, path: &str) -> Option<bool> {
    let uri: Uri = format!("https://gw.example/genesys{path}?a=b")
        .parse()
        .unwrap();
    is_read_only(&Method::from_bytes(method.as_bytes()).unwrap(), &uri)
}

#[test]
fn every_operation_is_repeated_according_to_its_class() {
    let mut posts = BTreeMap::new();
    for line in lines() {
        let (method, path) = (line.method(), line.with_ids("c0ffee"));
        let is_exception = BY_METHOD_ONLY.contains(&(method, &line.template()));
        let expected = match line.get("post_class") {
            "R" => Some(true),
            "J" | "W" => Some(false),
            "U" => None,
            "" if is_exception => Some(false),
            "" => None,
            other => panic!("{other}"),
        };
        assert_eq!(asked(method, &path), expected, "{method} {path}");
        if method == "POST" {
            *posts.entry(expected).or_insert(0) += 1;
        }
    }
    let expected = BTreeMap::from([(Some(true), 181), (Some(false), 691), (None, 27)]);
    assert_eq!(posts, expected);
}

#[test]
fn every_operation_of_the_table_is_one_of_the_definition_and_every_post_is_in_it() {
    let lines = lines();
    // A path with a word in the place of an id finds its own operation.
    for line in &lines {
        let uri: Uri = line.with_ids("c0ffee").parse().unwrap();
        let method = Method::from_bytes(line.method().as_bytes()).unwrap();
        let template = Operation::find(&method, &uri).map(|found| found.template());
        assert!(
            template.is_none_or(|found| found == line.template()),
            "{uri}"
        );
    }
    let defined: BTreeSet<_> = lines
        .iter()
        .map(|one| (one.template(), one.method()))
        .collect();
    let known: BTreeSet<_> = Operation::all()
        .map(|one| (one.template(), one.method()))
        .collect();
    assert_eq!(known.len(), Operation::all().count(), "each once");
    assert!(known.is_subset(&defined));
    let posts =
        |all: &BTreeSet<(String, &'static str)>| all.iter().filter(|one| one.1 == "POST").count();
    assert_eq!(posts(&known), 899);
    for (method, path) in BY_METHOD_ONLY {
        assert!(
            known.contains(&(path.to_owned(), method)),
            "{method} {path}"
        );
    }
}

#[test]
fn an_unknown_or_unclassed_operation_is_judged_by_its_method() {
    for (method, path) in [
        ("POST", "/api/v2/of/a/newer/definition/search"),
        ("POST", "/api/v2/analytics/of/a/newer/definition/query"),
        ("POST", "/search"),
        ("POST", "/"),
        ("PATCH", "/api/v2/users/search"),
        ("GET", "/api/v2/users/search"),
    ] {
        assert_eq!(asked(method, path), None, "{method} {path}");
    }
    let effect =
        |method: Method, path: &str| Operation::find(&method, &path.parse().unwrap())?.effect();
    assert_eq!(effect(Method::GET, "/api/v2/users/"), Some(Effect::Reads));
    let schedules = "/api/v2/workforcemanagement/managementunits/7/agentschedules/search";
    let known = Operation::find(&Method::POST, &schedules.parse().unwrap()).unwrap();
    assert_eq!(known.effect(), None, "uncertain");
    assert_eq!(
        known.to_string(),
        "POST /api/v2/workforcemanagement/managementunits/{}/agentschedules/search"
    );
}
