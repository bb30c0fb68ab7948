use http::Method;
use tower_genesys::{
    genesys::{Effect, Operation, paging::Paging},
    testing::MockList,
};

use crate::{
    definition::lines,
    setup::{Setup, started},
};

/// The crate's table, the mock's shapes and the CSV are three files. All three
/// have each list, and agree on the field of its rows.
#[test]
fn table_shapes_and_definition_have_the_same_lists() {
    let setup = Setup::new();
    let mut lists = 0;
    for line in lines() {
        let second = line.get("second_page");
        let method: Method = line.method().parse().unwrap();
        let path = line.with_ids("c0ffee");
        let operation = Operation::find(&method, &path.parse().unwrap());
        let paging = operation.as_ref().and_then(Paging::of);
        if second.is_empty() {
            continue;
        }
        lists += 1;
        let name = format!("{operation:?}");
        let paging = paging.expect(&name);
        let rows = Some(line.get("rows")).filter(|rows| !rows.is_empty());
        let known = format!("{paging:?}");
        let expected = format!("rows: {:?}", rows.map(str::to_owned));
        assert!(known.contains(&expected), "{name}: {known}");
        if second != "no" {
            // `add_list` panics if the mock has no such shape.
            setup.mock.add_list(method, &path, MockList::new(0));
            let started = started(&line);
            let operation = Operation::find(&started.method, &started.path.parse().unwrap());
            assert!(
                operation.is_some_and(|one| Paging::of(&one).is_some()),
                "{}",
                started.path
            );
        }
    }
    assert_eq!(lists, 551);
}

#[test]
fn operations_without_pages_and_posts_that_change_something_have_no_paging() {
    let changing = |one: &Operation| one.effect() == Some(Effect::Changes);
    for operation in Operation::all().filter(changing) {
        assert_eq!(Paging::of(&operation), None, "{operation}");
    }
    let whole = lines()
        .into_iter()
        .filter(|line| line.get("second_page").is_empty());
    for line in whole {
        let method: Method = line.method().parse().unwrap();
        let operation = Operation::find(&method, &line.with_ids("c0ffee").parse().unwrap());
        let Some(paging) = operation.as_ref().and_then(Paging::of) else {
            continue;
        };
        let starts = operation.and_then(|one| one.effect()) == Some(Effect::StartsWork);
        let is_whole = format!("{paging:?}").contains("by: Whole");
        assert!(is_whole || starts, "{} {}", line.method(), line.path());
    }
}
