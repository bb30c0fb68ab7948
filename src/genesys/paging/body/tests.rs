use super::*;

fn page<T: DeserializeOwned>(json: &str, rows: &str) -> serde_json::Result<Body<T>> {
    read(json.as_bytes(), &Paging::whole().with_total("of.all"), rows)
}

#[test]
fn a_page_is_read_in_any_order_of_its_fields() {
    let json = r#"{"cursor":"c","x":[{}],"entities":[1,2],"nextUri":"/n","pageNumber":2,
                   "cursors":{"before":"b","after":7},"pageCount":3,"total":5,"of":{"all":6},
                   "queryStatus":"Running","pageSize":2}"#;
    let body: Body<u8> = page(json, "entities").unwrap();
    let signs = &body.signs;
    assert_eq!((body.names_rows, &*body.rows), (true, &[1, 2][..]));
    assert_eq!(signs.total, Some(("of.all".to_owned(), 6)));
    assert_eq!(
        (signs.count, signs.number, signs.size),
        (Some(3), Some(2), Some(2))
    );
    assert_eq!(signs.next("nextUri"), Some("/n"));
    assert_eq!(signs.next("cursor"), Some("c"));
    assert_eq!(signs.next("cursors.after"), Some("7"));
    assert_eq!(signs.next.len(), 3);
    assert_eq!(
        signs.state,
        Some(("queryStatus".to_owned(), "Running".to_owned()))
    );
}

#[test]
fn rows_in_an_object_have_their_signs_beside_them_or_at_the_top() {
    let json = r#"{"total":1,"results":{"nextUri":"/n","total":9,"entities":[1]},"pageCount":4}"#;
    let body: Body<u8> = page(json, "results.entities").unwrap();
    assert_eq!(body.rows, [1]);
    assert_eq!(body.signs.total, Some(("total".to_owned(), 9)));
    assert_eq!(
        (body.signs.count, body.signs.next("nextUri")),
        (Some(4), Some("/n"))
    );
    let absent: Body<u8> = page(r#"{"total":1}"#, "results.entities").unwrap();
    assert!(!absent.names_rows);
    let array: Body<u8> = page("[1,2]", "").unwrap();
    assert_eq!((array.names_rows, &*array.rows), (true, &[1, 2][..]));
}

#[test]
fn what_is_absent_null_or_empty_is_none() {
    for json in [
        "{}",
        r#"{"entities":null,"nextUri":null,"cursor":"","total":null,"cursors":{}}"#,
    ] {
        let body: Body<u8> = page(json, "entities").unwrap();
        assert!(body.rows.is_empty() && body.signs.next.is_empty());
        assert_eq!(body.signs.total, None);
    }
}

#[test]
fn rows_under_another_name_are_noticed_and_no_rows_are_none() {
    for (json, others) in [
        (r#"{"userDetails":[{}]}"#, true),
        (r#"{"total":9,"userDetails":[{},{}],"cursor":"c"}"#, true),
        (r#"{"results":{"entities":[{}]}}"#, true),
        (r#"{"aggregations":[{}]}"#, false),
        (r#"{"userDetails":[],"names":["a"],"first":{}}"#, false),
        (r#"{"totalHits":9}"#, false),
        ("{}", false),
    ] {
        assert_eq!(has_others(json.as_bytes()), others, "{json}");
    }
}

#[test]
fn the_last_row_is_known_by_its_id() {
    for (json, rows, id) in [
        (
            r#"{"entities":[{"id":"a"},{"id":"b"}]}"#,
            "entities",
            Some("b"),
        ),
        (
            r#"{"results":{"entities":[{"id":7}]}}"#,
            "results.entities",
            Some("7"),
        ),
        (r#"[{"id":"a"}]"#, "", Some("a")),
        (r#"{"entities":[{"x":"b"}]}"#, "entities", None),
        (r#"{"entities":[]}"#, "entities", None),
    ] {
        assert_eq!(last_id(json.as_bytes(), rows).as_deref(), id, "{json}");
    }
}

#[test]
fn what_is_no_page_is_an_error() {
    for json in [
        "",
        "[]",
        "{",
        r#"{"entities":[1,2"#,
        r#"{"entities":{}}"#,
        r#"{"entities":["a"]}"#,
        r#"{"nextUri":{}}"#,
        r#"{"cursor":[]}"#,
        r#"{"cursors":{"after":true}}"#,
        "{} {}",
        "null",
    ] {
        assert!(page::<u8>(json, "entities").is_err(), "{json}");
    }
    assert!(page::<u8>("{}", "").is_err());
}

#[test]
fn a_field_that_occurs_twice_is_an_error_unless_nothing_is_read_from_it() {
    for (json, rows) in [
        (r#"{"entities":[1],"entities":[2]}"#, "entities"),
        (r#"{"entities":[1],"entities":null}"#, "entities"),
        (
            r#"{"entities":[1],"nextUri":"/n","nextUri":null}"#,
            "entities",
        ),
        (r#"{"entities":[1],"total":5,"total":1}"#, "entities"),
        (
            r#"{"results":{"entities":[1]},"results":{"entities":[2]}}"#,
            "results.entities",
        ),
        (
            r#"{"results":{"nextUri":"/n"},"results":{}}"#,
            "results.entities",
        ),
    ] {
        let error = page::<u8>(json, rows).unwrap_err();
        assert!(error.is_data(), "{json}: {error}");
    }
    let body: Body<u8> = page(r#"{"x":1,"entities":[1],"x":2}"#, "entities").unwrap();
    assert_eq!(body.rows, [1]);
}
