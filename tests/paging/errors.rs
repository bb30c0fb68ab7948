use std::{convert::Infallible, error::Error, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, future::ready, stream};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_ENCODING, HeaderName},
};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use tower::{Layer, service_fn};
use tower_genesys::{
    CollectLayer, GenesysLayer, Pager, TokenError,
    genesys::paging::{PageErrorKind as Kind, Paging},
    testing::{ANY_API, DETAILS_QUERY, TOKEN, USERS as USERS_ROUTE},
};

use crate::setup::{Body, JOBS, QUERY, ReplyJson, USERS, all, fails, setup};

const CORRELATION: HeaderName = HeaderName::from_static("inin-correlation-id");

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_page_the_reason_and_the_correlation_id() {
    let setup = setup(|mock| mock.conversations(250));
    setup
        .on(DETAILS_QUERY, 2)
        .reply_403(
            "missing.permissions",
            "No permission [analytics:conversationDetail:view]",
        )
        .header(CORRELATION, "abc-123".parse().unwrap());
    let (rows, error) = fails(setup.query(), Kind::Refused).await;
    assert_eq!(rows, 100);
    assert_eq!(error.api().unwrap().status(), StatusCode::FORBIDDEN);
    let shown = error.to_string();
    assert!(
        shown.starts_with(&format!("page 2 of POST {QUERY}: ")),
        "{shown}"
    );
    assert!(shown.contains("missing.permissions"), "{shown}");
    assert_eq!(shown.matches("correlation id").count(), 1, "{shown}");
    assert!(error.correlation_id().is_some());
    let rest = setup.query().resume(error.checkpoint().unwrap().clone());
    assert_eq!(all(rest).await.len(), 150);
}

#[tokio::test(start_paused = true)]
async fn a_token_error_is_found_in_the_chain() {
    let setup = setup(|mock| mock);
    setup.mock.disable_client();
    let (_, error) = fails(setup.query(), Kind::Unanswered).await;
    assert!(TokenError::find(&error).is_some());
    assert!(error.source().is_some());
    assert_eq!((setup.mock.count(TOKEN), setup.mock.count(ANY_API)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_layers_the_first_refusal_is_the_last_item() {
    let setup = setup(|mock| mock);
    let pager = Pager::new::<Body>(&setup.org, setup.mock.service());
    let (_, error) = fails(pager.get(USERS), Kind::Refused).await;
    assert_eq!(error.api().unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(setup.mock.api_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_off_is_requested_once_more() {
    let setup = setup(|mock| mock.users(250));
    setup.on(USERS_ROUTE, 2).truncated_body();
    assert_eq!(all(setup.users()).await.len(), 250);
    assert_eq!(setup.mock.count(USERS_ROUTE), 4);
    setup.mock.on(USERS_ROUTE).from(6).truncated_body();
    let (rows, error) = fails(setup.users(), Kind::BrokenOff).await;
    assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (100, 4 + 3));
    assert!(error.source().is_some());
    assert!(error.correlation_id().is_some());
    setup.mock.clear_script();
    let rest = setup.users().resume(error.checkpoint().unwrap().clone());
    assert_eq!(all(rest).await.len(), 150);
}

#[tokio::test(start_paused = true)]
async fn with_collected_bodies_the_layers_retry_a_page_and_the_pager_does_not() {
    let setup = setup(|mock| mock.users(250));
    let client = CollectLayer::new().layer(setup.mock.service());
    let genesys = GenesysLayer::new(&setup.org).layer(client);
    let pager = Pager::new::<Body>(&setup.org, genesys);
    let users = || pager.get(USERS).with_page_size(100);
    setup.mock.on(USERS_ROUTE).nth(2).truncated_body();
    setup.mock.on(USERS_ROUTE).nth(3).truncated_body();
    assert_eq!(
        all(users()).await.len(),
        250,
        "the layers retry more often than the pager"
    );
    assert_eq!(setup.mock.count(USERS_ROUTE), 5);

    setup.mock.on(USERS_ROUTE).from(7).truncated_body();
    let (rows, error) = fails(users(), Kind::BrokenOff).await;
    assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (100, 5 + 1 + 4));
    assert!(error.correlation_id().is_some() && error.checkpoint().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_page_is_read_up_to_the_limit_and_no_further() {
    let setup = setup(|mock| mock.conversations(100));
    let length = {
        let page = setup
            .query()
            .pages::<serde_json::Value>()
            .next()
            .await
            .unwrap()
            .unwrap();
        let page = json!({ "conversations": page.rows, "totalHits": 100 });
        page.to_string().len()
    };
    let limited = |bytes| setup.query().with_max_page_bytes(bytes);
    assert_eq!(all(limited(length)).await.len(), 100);
    let (_, error) = fails(limited(length - 1), Kind::TooLarge).await;
    assert!(
        error.to_string().contains(&(length - 1).to_string()),
        "{error}"
    );
    assert_eq!(setup.mock.count(DETAILS_QUERY), 3);
    setup.mock.on(DETAILS_QUERY).endless_body();
    let (_, error) = fails(setup.query(), Kind::TooLarge).await;
    assert!(error.to_string().contains("67108864"), "64 MiB: {error}");
    assert_eq!(setup.mock.count(DETAILS_QUERY), 4);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_page_is_an_error_that_quotes_nothing_of_it() {
    for body in [
        r#"{"entities":[{"id":"Hubert"#,
        "<html>Hubert</html>",
        "",
        "[]",
        r#"{"entities":"Hubert"}"#,
        r#"{"entities":[],"nextUri":{"Hubert":1}}"#,
    ] {
        let setup = setup(|mock| mock);
        setup
            .mock
            .on(USERS_ROUTE)
            .reply(StatusCode::OK, Default::default(), body);
        let (rows, error) = fails(setup.users(), Kind::Malformed).await;
        assert_eq!((rows, setup.mock.count(USERS_ROUTE)), (0, 1), "{body}");
        assert!(!error.to_string().contains("Hubert"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_may_begin_with_a_byte_order_mark() {
    let setup = setup(|mock| mock);
    let page = "\u{feff}{\"entities\":[{\"id\":\"1\"}],\"pageCount\":1}";
    let script = setup.mock.on(USERS_ROUTE);
    script.reply(StatusCode::OK, Default::default(), page);
    assert_eq!(all(setup.users()).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_still_compressed_is_an_error_that_names_the_encoding() {
    let setup = setup(|mock| mock.users(3));
    setup
        .mock
        .on(USERS_ROUTE)
        .header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let (_, error) = fails(setup.users(), Kind::Malformed).await;
    assert!(error.to_string().contains("encoding `gzip`"), "{error}");
    assert!(error.correlation_id().is_some());
    assert_eq!(setup.mock.count(USERS_ROUTE), 1);
}

#[tokio::test(start_paused = true)]
async fn rows_of_another_type_are_an_error() {
    #[derive(Debug, Deserialize)]
    struct Row {
        #[serde(rename = "id")]
        _id: u64,
    }
    let setup = setup(|mock| mock.users(3));
    let error = setup
        .users()
        .pages::<Row>()
        .next()
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Malformed);
    assert!(error.to_string().contains("not of the type"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_page_without_the_named_field_of_rows_is_an_error() {
    let setup = setup(|mock| mock.conversations(250).users(250));
    for request in [setup.users(), setup.query(), setup.job()] {
        let (rows, error) = fails(request.with_rows("userDetails"), Kind::Malformed).await;
        assert_eq!(rows, 0);
        assert!(error.to_string().contains("no `userDetails`"), "{error}");
        assert!(error.to_string().contains("with_rows"), "{error}");
        assert!(error.correlation_id().is_some());
    }
    assert_eq!(
        setup.mock.count(USERS_ROUTE),
        1,
        "the error ends the stream"
    );
}

#[tokio::test(start_paused = true)]
async fn a_query_that_finds_nothing_may_leave_its_rows_out() {
    let setup = setup(|mock| mock);
    let answer = json!({ "totalHits": 0, "aggregations": [{ "type": "count" }] });
    setup.mock.on(DETAILS_QUERY).json(answer);
    assert!(all(setup.query()).await.is_empty());
    assert_eq!(setup.mock.count(DETAILS_QUERY), 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_stalls_is_an_error_after_its_time_out() {
    let setup = setup(|mock| mock);
    let stalls = service_fn(|_: Request<Body>| async {
        let start = Ok::<_, Infallible>(Frame::data(Bytes::from("{")));
        let body = stream::once(ready(start)).chain(stream::pending());
        Ok::<_, Infallible>(Response::new(StreamBody::new(body)))
    });
    let pager = Pager::new::<Body>(&setup.org, stalls);
    let started = Instant::now();
    fails(pager.get(USERS), Kind::BrokenOff).await;
    // Two attempts of five minutes each.
    assert_eq!(started.elapsed(), Duration::from_secs(2 * 300));
}

#[tokio::test(start_paused = true)]
async fn an_impossible_request_is_refused_before_it_is_sent() {
    let setup = setup(|mock| mock);
    let pager = &setup.pager;
    for request in [
        pager.get("users"),
        pager.get("//evil.example/"),
        pager.get("/api/v2/users?pageNumber=0"),
        pager.get("/api/v2/users?pageNumber=x"),
        pager.get("/api/v2/users?pageSize=0"),
        pager.get("/api/v2/users").with_page_size(0),
        pager.get("/api/v2/routing/queues/{queueId}/members"),
        pager
            .get("/api/v2/users")
            .with_paging(Paging::number("pageNumber").with_parameters_in_body()),
        pager.post("/api/v2/users/search", json!({ "pageNumber": -1 })),
        pager.post("/api/v2/users/search", json!("all")),
        pager.post(QUERY, json!([])),
        pager.post(QUERY, json!({})).with_page_size(0),
        pager.post(QUERY, std::collections::HashMap::from([((1, 2), 3)])),
        pager.post(&format!("{JOBS}?x=1"), json!({})),
        pager.post(JOBS, json!(null)),
    ] {
        let (_, error) = fails(request, Kind::Request).await;
        assert!(error.checkpoint().is_none());
    }
    assert_eq!(setup.mock.count(tower_genesys::testing::ANY), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_known_pages_is_refused_before_it_is_sent() {
    let setup = setup(|mock| mock);
    let pager = &setup.pager;
    for (request, says) in [
        (
            pager.get("/api/v2/brand/new/things"),
            "no list at `GET /api/v2/brand/new/things`; check both; if it does",
        ),
        (
            pager.get("/api/v2/users/7"),
            "no list at `GET /api/v2/users/7`",
        ),
        (pager.post("/api/v2/users", json!({})), "changes something"),
        (
            pager.post("/api/v2/agentic/virtualagents/7/versions/1/jobs", json!({})),
            "starts work",
        ),
        (pager.post("/api/v2/search", json!({})), "with_rows"),
        (pager.get("/api/v2/search?q64=e30"), "with_rows"),
        (
            pager.get("/api/v2/organizations/limits/namespaces"),
            "with_rows",
        ),
    ] {
        let (_, error) = fails(request, Kind::NoPaging).await;
        assert!(error.checkpoint().is_none());
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(setup.mock.count(tower_genesys::testing::ANY), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_the_service_has_removed_is_a_refusal() {
    let setup = setup(|mock| mock);
    let (rows, error) = fails(setup.pager.get("/api/v2/scim/users"), Kind::Refused).await;
    assert_eq!((rows, setup.mock.api_calls()), (0, 1));
    assert_eq!(error.api().unwrap().status(), StatusCode::NOT_FOUND);
    assert!(error.checkpoint().is_some_and(|place| !place.is_end()));
}

#[tokio::test(start_paused = true)]
async fn no_token_shows_in_any_error() {
    let setup = setup(|mock| mock.users(250));
    let token = setup.org.tokens().token().await.unwrap();
    let token = token
        .header_value()
        .to_str()
        .unwrap()
        .trim_start_matches("Bearer ")
        .to_owned();
    for body in [
        json!({ "entities": [token], "nextUri": format!("https://{token}.example/{token}") }),
        json!({ "entities": { "a": token } }),
    ] {
        setup
            .mock
            .on(USERS_ROUTE)
            .reply(StatusCode::OK, Default::default(), body.to_string());
        let (_, error) = crate::setup::rows(setup.users().pages()).await;
        let error = error.unwrap();
        assert!(error.correlation_id().is_none_or(|id| id != token));
        let pages = setup.users().pages::<u8>();
        assert!(!format!("{:?} {:?} {pages:?}", setup.pager, setup.users()).contains(&token));
        if error.kind() == Kind::Malformed {
            assert!(!error.to_string().contains(&token));
        }
    }
}
