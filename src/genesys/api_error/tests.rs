use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, iter};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header::RETRY_AFTER};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, StreamBody};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(status: u16, body: &Value) -> ApiError {
    let status = StatusCode::from_u16(status).unwrap();
    ApiError::parse(status, &HeaderMap::new(), body.to_string().as_bytes())
}

fn names(error: &ApiError) -> Vec<&str> {
    error.missing_permissions().collect()
}

fn seconds(error: &ApiError) -> Option<u64> {
    error.retry_after().map(|wait| wait.as_secs())
}

#[test]
fn every_field_of_a_body_is_read() {
    let error = parse(
        429,
        &json!({
            "message": "Rate limit exceeded", "code": "too.many.requests", "status": 400,
            "entityId": "42", "entityName": "a queue", "contextId": "8c5a9f1e-0a2b",
            "details": [
                {"errorCode": "bad", "fieldName": "name", "entityId": 7, "entityName": "x"},
            ],
            "errors": [{"status": 404, "code": "not.found"}, {"message": "no status"}],
            "limit": {"key": "user.rate.per.minute", "namespace": "directory", "value": 180},
        }),
    );
    assert_eq!(error.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(error.code(), Some("too.many.requests"));
    assert_eq!(error.message(), Some("Rate limit exceeded"));
    assert_eq!(error.context_id(), Some("8c5a9f1e-0a2b"));
    assert_eq!(
        (error.entity_id(), error.entity_name()),
        (Some("42"), Some("a queue"))
    );
    let limit = error.limit().unwrap();
    assert_eq!(limit.key(), Some("user.rate.per.minute"));
    assert_eq!(
        (limit.namespace(), limit.value()),
        (Some("directory"), Some(180))
    );
    let [detail] = error.details() else {
        panic!("{error:?}")
    };
    assert_eq!(
        (detail.error_code(), detail.field_name()),
        (Some("bad"), Some("name"))
    );
    assert_eq!(
        (detail.entity_id(), detail.entity_name()),
        (Some("7"), Some("x"))
    );
    let [first, second] = error.errors() else {
        panic!("{error:?}")
    };
    assert_eq!(
        (first.status(), first.code()),
        (StatusCode::NOT_FOUND, Some("not.found"))
    );
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[test]
fn a_field_of_another_type_counts_as_missing() {
    for odd in [
        json!(null),
        json!([]),
        json!({}),
        json!([[1]]),
        json!(""),
        json!(" \n"),
    ] {
        let error = parse(
            403,
            &json!({
                "message": odd, "code": odd, "status": odd, "entityId": odd, "entityName": odd,
                "messageWithParams": odd, "messageParams": odd, "contextId": odd,
                "details": odd, "errors": odd, "limit": odd,
            }),
        );
        assert_eq!(
            (error.code(), error.message(), error.context_id()),
            (None, None, None)
        );
        assert_eq!((error.entity_id(), error.entity_name()), (None, None));
        assert!(
            error.limit().is_none() && error.errors().is_empty(),
            "{odd}"
        );
        assert!(
            error.details().is_empty() && names(&error).is_empty(),
            "{odd}"
        );
    }
    assert_eq!(
        parse(400, &json!({"code": 7, "message": true})).code(),
        Some("7")
    );
}

#[test]
fn whatever_is_no_error_of_the_api_leaves_the_status_and_the_headers() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    headers.insert("inin-correlation-id", HeaderValue::from_static("abc-1"));
    let deep = "[".repeat(100_000);
    for body in [
        "",
        " ",
        "<html>",
        "{\"code\":",
        "[]",
        "\"code\"",
        "null",
        "{}",
        &deep,
    ] {
        let error = ApiError::parse(StatusCode::BAD_GATEWAY, &headers, body.as_bytes());
        assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
        assert_eq!((error.code(), error.message()), (None, None));
        assert_eq!(
            (error.context_id(), seconds(&error)),
            (Some("abc-1"), Some(7))
        );
        assert!(
            error
                .to_string()
                .starts_with("the Genesys API answered 502 (Bad Gateway) with a")
        );
        assert!(!error.to_string().contains("html"));
    }
}

#[test]
fn another_character_set_or_a_byte_order_mark_hides_no_code() {
    for body in [
        b"\xef\xbb\xbf{\"code\":\"x\"}".as_slice(),
        b"{\"code\":\"x\",\"message\":\"\xe4\"}",
    ] {
        let error = ApiError::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
        assert_eq!(error.code(), Some("x"));
    }
}

#[test]
fn the_id_in_the_body_goes_before_that_in_the_header_if_it_looks_like_one() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "ININ-Correlation-Id",
        HeaderValue::from_static("from-header"),
    );
    for (body, id) in [
        (json!({"contextId": "from-body"}), "from-body"),
        (json!({"contextId": ""}), "from-header"),
        (json!({"contextId": "a b"}), "from-header"),
        (json!({"contextId": "x".repeat(65)}), "from-header"),
        (json!({"contextId": 7}), "from-header"),
    ] {
        let body = body.to_string();
        let error = ApiError::parse(StatusCode::BAD_REQUEST, &headers, body.as_bytes());
        assert_eq!(error.context_id(), Some(id), "{body}");
    }
    headers.insert("ININ-Correlation-Id", HeaderValue::from_static("no id"));
    let error = ApiError::parse(StatusCode::BAD_REQUEST, &headers, b"{}");
    assert_eq!(error.context_id(), None);
}

#[test]
fn the_message_is_the_template_with_its_parameters_if_there_are_all() {
    for (body, message) in [
        (
            json!({
                "messageWithParams": "{a} of {b.c}: {a}", "message": "m",
                "messageParams": {"a": 1, "b.c": ["x", true]},
            }),
            "1 of x, true: 1",
        ),
        (
            json!({"messageWithParams": "{a}", "messageParams": {"b": 1}, "message": "m"}),
            "m",
        ),
        (
            json!({"messageWithParams": "{a}", "messageParams": {"a": {}}, "message": "m"}),
            "m",
        ),
        (
            json!({"messageWithParams": "{a}", "message": "{b}", "messageParams": {"b": "x"}}),
            "x",
        ),
        (json!({"messageWithParams": "{a}"}), "{a}"),
        (json!({"message": "{a}", "messageParams": {}}), "{a}"),
        (
            json!({"messageWithParams": "{ {} {a b} {", "message": "m"}),
            "{ {} {a b} {",
        ),
        (
            json!({"messageWithParams": "{a}", "messageParams": {"a": "{a}"}}),
            "{a}",
        ),
    ] {
        assert_eq!(parse(400, &body).message(), Some(message), "{body}");
    }
}

#[test]
fn a_short_template_does_not_become_a_long_message() {
    let params = json!({"a": "x".repeat(100), "none": vec![json!({}); 20_000]});
    for template in [
        "{a}".repeat(33),
        "{none}".repeat(10_000),
        "{none}{a}".repeat(17),
    ] {
        let body = json!({
            "messageWithParams": template, "messageParams": params, "message": "the message",
        });
        assert_eq!(parse(400, &body).message(), Some("the message"));
    }
    let body = json!({"messageWithParams": "{a}".repeat(32), "messageParams": params});
    assert_eq!(parse(400, &body).message().map(str::len), Some(3200));
    let body = json!({"message": "{".repeat(60_000)});
    let error = parse(400, &body);
    assert_eq!(
        error.message().map(str::len),
        Some(text::LONGEST + '…'.len_utf8())
    );
    assert!(error.to_string().chars().count() < 2000);
}

#[test]
fn a_403_names_the_missing_permissions() {
    let both = ["routing:queue:view", "directory:user:view"];
    let message = "Unable to perform the requested action. You are missing the following \
                   permission(s): [routing:queue:view, directory:user:view, routing:queue:view].";
    for body in [
        json!({"code": "missing.permissions", "message": message}),
        json!({"message": message, "messageParams": {"permissions": "none"}}),
        json!({"messageParams": {"permissions": "[routing:queue:view, directory:user:view]"}}),
        json!({"messageParams": {"missingPermissions": both}, "message": "needs a:b:c"}),
    ] {
        assert_eq!(names(&parse(403, &body)), both, "{body}");
    }
    let wild =
        json!({"message": "missing routing:*:edit_all, at 12:30:45 :a:b:c: a:b a:b:c:d x::y"});
    assert_eq!(names(&parse(403, &wild)), ["routing:*:edit_all", "a:b:c"]);
    let elsewhere = json!({"code": "bad.request", "message": message});
    assert!(names(&parse(400, &elsewhere)).is_empty());
    let many: Vec<_> = (0..1000).map(|n| format!("a:b:c{n}")).collect();
    let many = parse(403, &json!({"messageParams": {"permissions": many}}));
    assert_eq!(names(&many).len(), 64);
}

#[test]
fn the_wait_comes_from_the_header_or_from_the_message() {
    for (message, wait) in [
        (
            "Rate limit exceeded. Retry the request in [42] seconds",
            Some(42),
        ),
        ("retry the request in 1 second.", Some(1)),
        (
            "Retry the request in [99999999999999999999] seconds",
            Some(100 * 365 * 86_400),
        ),
        ("Retry the request in [5] minutes", None),
        ("Retry the request in [] seconds", None),
        ("Retry the request in [-5] seconds", None),
        ("Retry the request in [4", None),
    ] {
        assert_eq!(
            seconds(&parse(429, &json!({"message": message}))),
            wait,
            "{message}"
        );
    }
    let filled = json!({
        "messageWithParams": "Retry the request in [{wait}] seconds", "messageParams": {"wait": 3},
    });
    assert_eq!(seconds(&parse(429, &filled)), Some(3));
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    let body = filled.to_string();
    let error = ApiError::parse(StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes());
    assert_eq!(seconds(&error), Some(7));
}

#[test]
fn a_wait_of_zero_counts_as_not_stated() {
    for (header, message, wait) in [
        ("0", "slow down", None),
        ("Tue, 15 Nov 1994 08:12:31 GMT", "slow down", None),
        ("0", "Retry the request in [42] seconds", Some(42)),
        ("7", "Retry the request in [0] seconds", Some(7)),
        ("soon", "Retry the request in [0] seconds", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(header));
        let body = json!({ "message": message }).to_string();
        let error = ApiError::parse(StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes());
        assert_eq!(seconds(&error), wait, "{header} {message}");
        assert_eq!(
            error.to_string().contains("try again in"),
            wait.is_some(),
            "{error}"
        );
    }
}

#[test]
fn nested_errors_are_bounded_in_number_and_depth() {
    let mut body = json!({"message": "innermost"});
    for _ in 0..50 {
        body = json!({"errors": [body], "details": [{}, 7, {}]});
    }
    let error = parse(400, &body);
    let nested = |error: &ApiError| error.errors().first().cloned();
    let third = nested(&error)
        .as_ref()
        .and_then(nested)
        .as_ref()
        .and_then(nested)
        .unwrap();
    assert!(third.errors().is_empty());
    assert_eq!(third.details().len(), 2);
    let wide = vec![json!({"details": [{}]}); 1000];
    let wide = parse(
        400,
        &json!({"errors": wide, "details": vec![json!({}); 60]}),
    );
    assert_eq!((wide.details().len(), wide.errors().len()), (60, 4));
    assert!(wide.errors().iter().all(|error| error.details().is_empty()));
}

#[test]
fn a_token_is_shown_nowhere() {
    let long = "yJ4qXn2vWc8KpR5tLz7dHs1mFbG3uAeQ6oT9iYxN0jVwE-k_";
    for message in [
        "Bearer s3cr3t",
        "BEARER \"s3cr3t\"",
        "authorization: bearer   s3cr3t.",
        "Bearer%20s3cr3t",
        "Bearer=s3cr3t==",
        "Bearer - s3cr3t",
        "bearer token s3cr3t",
        "Bearer token: 's3cr3t'",
        "x=Bearer\ts3cr3t/x+y",
        "bearer bearer s3cr3t",
        "token {t}",
        long,
    ] {
        let body = json!({
            "message": message, "messageWithParams": message, "code": message, "entityId": message,
            "entityName": message, "contextId": message, "limit": {"key": message},
            "details": [{"errorCode": message}], "errors": [{"message": message}],
            "messageParams": {"t": "Bearer s3cr3t", "permissions": [message]},
        });
        for status in [401, 403, 429] {
            let error = parse(status, &body);
            let shown = format!("{error} {error:?} {error:#?}");
            assert!(
                !shown.contains("s3cr3t") && !shown.contains(long),
                "{shown}"
            );
            assert!(shown.contains("[redacted]"), "{shown}");
        }
    }
}

#[test]
fn a_message_that_speaks_of_tokens_is_left_alone() {
    for message in [
        "No authentication bearer token specified in authorization header.",
        "The conversation 8c5a9f1e-0a2b-4c3d-9e8f-7a6b5c4d3e2f was not found",
        "No such path: /api/v2/analytics/conversations/Details/query/jobs/results",
    ] {
        assert_eq!(
            parse(401, &json!({"message": message})).message(),
            Some(message)
        );
    }
}

#[test]
fn it_says_what_to_do_next() {
    let message = "Unable to perform. Missing: [routing:queue:view, directory:user:view]";
    let limit = json!({"key": "k", "namespace": "n", "value": 300});
    for (status, body, expected) in [
        (
            401,
            json!({"code": "authentication.required"}),
            "a new token cannot help: find out what removes",
        ),
        (
            401,
            json!({"code": "bad.credentials"}),
            "expired, was revoked, or belongs to another region",
        ),
        (
            403,
            json!({"code": "missing.permissions", "message": message}),
            "; grant routing:queue:view, directory:user:view to a role",
        ),
        (
            403,
            json!({"code": "missing.any.permissions", "message": message}),
            "; grant one of routing:queue:view, directory:user:view to a role",
        ),
        (
            403,
            json!({"message": message}),
            "; grant routing:queue:view, ",
        ),
        (
            403,
            json!({"code": "not.authorized"}),
            "roles and divisions of the OAuth client",
        ),
        (
            408,
            json!({"code": "client.timeout"}),
            "did not arrive in time",
        ),
        (
            429,
            json!({"code": "too.many.requests", "limit": limit}),
            "; the limit k of n is 300;",
        ),
        (
            429,
            json!({"message": "Retry the request in [9] seconds"}),
            "; try again in 9 s (",
        ),
        (
            503,
            json!({"code": "service.unavailable"}),
            "try again later",
        ),
        (
            400,
            json!({"code": "x", "errors": [{}, {"message": "why."}]}),
            "first of 2 errors: why",
        ),
        (
            400,
            json!({"code": "x", "contextId": "id-1"}),
            " [correlation id id-1]",
        ),
    ] {
        let shown = parse(status, &body).to_string();
        assert!(shown.contains(expected), "{shown}");
    }
    let many: Vec<_> = (0..20).map(|n| format!("a:b:c{n}")).collect();
    let many = parse(
        403,
        &json!({"code": "c", "messageParams": {"permissions": many}}),
    );
    assert!(
        many.to_string().contains("a:b:c7 and 12 more to a role"),
        "{many}"
    );
}

#[test]
fn display_is_one_line_whatever_the_body_says() {
    let text = "a\n\r\u{1b}[31m\u{202e}b\u{2028}\0\u{feff}";
    let error = parse(400, &json!({"message": text, "code": text}));
    let shown = error.to_string();
    assert!(
        shown.contains("a\\u{a}\\u{d}\\u{1b}[31m\\u{202e}b"),
        "{shown}"
    );
    assert!(
        shown
            .chars()
            .all(|char| !char.is_control() && char != '\u{202e}'),
        "{shown}"
    );
}

#[tokio::test]
async fn a_body_over_the_limit_leaves_status_and_headers() {
    let response = |body: &'static str| {
        let response = Response::builder()
            .status(503)
            .header("inin-correlation-id", "id-1");
        response.body(Full::<Bytes>::from(body)).unwrap()
    };
    let body = r#"{"code":"service.unavailable"}"#;
    let error = ApiError::read(response(body), body.len()).await;
    assert_eq!(error.code(), Some("service.unavailable"));
    let error = ApiError::read(response(body), body.len() - 1).await;
    assert_eq!((error.code(), error.context_id()), (None, Some("id-1")));
    assert!(error.to_string().contains("over the limit"), "{error}");
}

type Step = Result<Frame<Bytes>, io::Error>;

fn streamed(
    frames: impl Stream<Item = Step> + Send + 'static,
) -> Response<StreamBody<BoxStream<'static, Step>>> {
    let mut response = Response::new(StreamBody::new(frames.boxed()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_limit() {
    for chunk in [Bytes::from_static(b"0123456789"), Bytes::new()] {
        let taken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = taken.clone();
        let frames = stream::repeat(chunk).map(move |chunk| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(Frame::data(chunk))
        });
        let error = ApiError::read(streamed(frames), 100).await;
        assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
        assert!(error.to_string().contains("over the limit"), "{error}");
        let taken = taken.load(std::sync::atomic::Ordering::SeqCst);
        assert!(taken == 11 || taken == 1025, "{taken}");
    }
}

#[tokio::test]
async fn a_body_that_announces_more_than_the_limit_is_not_polled() {
    struct Announced;

    impl Body for Announced {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Step>> {
            panic!("polled")
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(101)
        }
    }

    let error = ApiError::read(Response::new(Announced), 100).await;
    assert!(error.to_string().contains("over the limit"), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status_and_the_cause() {
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"{\"code\":"))),
        Err(io::Error::other("reset")),
    ];
    let error = ApiError::read(streamed(iter(frames)), ApiError::DEFAULT_LIMIT).await;
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(error.source().unwrap().to_string(), "reset");
    assert!(error.to_string().contains("broke off"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_left_after_ten_seconds() {
    let begun = tokio::time::Instant::now();
    let error = ApiError::read(streamed(stream::pending()), 100).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    assert!(error.to_string().contains("in time"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_still_compressed_is_said_to_be() {
    const BODY: &[u8] = b"\x1f\x8b\x08MARK";
    let mut response = Response::new(Full::<Bytes>::from(BODY));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let gzip = HeaderValue::from_static("gzip");
    response.headers_mut().insert("content-encoding", gzip);
    let parsed = ApiError::parse(response.status(), response.headers(), BODY);
    let read = ApiError::read(response, 100).await;
    for error in [parsed, read] {
        assert_eq!(error.status(), StatusCode::FORBIDDEN);
        let shown = error.to_string();
        assert!(
            shown.contains("encoding `gzip`") && !shown.contains("MARK"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn chunks_empty_frames_and_trailers_do_no_harm() {
    let frames = ["{\"co", "", "de\":", "\"x\"}"].map(|chunk| Ok(Frame::data(Bytes::from(chunk))));
    let frames = iter(frames).chain(iter([Ok(Frame::trailers(HeaderMap::new()))]));
    let error = ApiError::read(streamed(frames), 12).await;
    assert_eq!(error.code(), Some("x"), "{error}");
}

#[test]
fn it_can_be_sent_and_shared_and_so_can_the_future() {
    fn check<T: Send + Sync + 'static>() {}
    fn send<T: Send>(_: T) {}
    check::<ApiError>();
    send(ApiError::read(Response::new(Full::<Bytes>::default()), 1));
}

proptest! {
    #[test]
    fn no_body_panics_or_shows_much(message in any::<String>(), template in "[a-c{}. ]{0,40}") {
        let body = json!({"message": message, "messageWithParams": template,
            "messageParams": {"a": message, "b": [1]}, "code": message});
        for status in [400, 401, 403, 429] {
            let shown = parse(status, &body).to_string();
            prop_assert!(shown.chars().count() < 2000);
            prop_assert!(!shown.contains(char::is_control));
        }
    }
}

#[test]
fn a_401_that_no_token_cures_says_what_is_refused() {
    for (code, says) in [
        ("ip.not.authorized", "allowed addresses"),
        ("credentials.expired", "OAuth client or the user's password"),
    ] {
        let shown = parse(401, &json!({ "code": code })).to_string();
        assert!(shown.contains(says), "{shown}");
        assert!(!shown.contains("fetch a new one"), "{shown}");
        assert!(shown.contains("a new token cannot help"), "{shown}");
    }
}

#[test]
fn each_status_that_the_request_is_to_blame_for_has_a_text_of_its_own() {
    let mut texts = std::collections::BTreeSet::new();
    for status in [
        301, 409, 410, 411, 413, 414, 415, 416, 417, 421, 422, 423, 424,
    ] {
        let shown = parse(status, &json!({ "code": "x" })).to_string();
        let (_, advice) = shown.split_once(';').unwrap_or_else(|| panic!("{shown}"));
        assert!(!advice.contains("try again later"), "{shown}");
        assert!(texts.insert(advice.to_owned()), "{shown}");
    }
    assert!(
        parse(302, &json!({}))
            .to_string()
            .contains("without the token")
    );
    let conflict = parse(409, &json!({ "code": "general.conflict" })).to_string();
    assert_eq!(
        conflict.split(';').nth(1),
        parse(412, &json!({ "code": "x" }))
            .to_string()
            .split(';')
            .nth(1)
    );
}

#[tokio::test]
async fn a_conflict_after_a_repeated_send_may_be_with_oneself() {
    use crate::retry::{Outcome, Stop};
    for (status, sends, expected) in [
        (409, 2, true),
        (412, 3, true),
        (409, 1, false),
        (423, 2, false),
    ] {
        let outcome = Outcome {
            stop: Stop::Settled,
            sends,
            elapsed: std::time::Duration::ZERO,
            waited: std::time::Duration::ZERO,
            waited_for_slots: std::time::Duration::ZERO,
        };
        let response = Response::builder().status(status).extension(outcome);
        let response = response.body(Full::<Bytes>::from("{}")).unwrap();
        let error = ApiError::read(response, ApiError::DEFAULT_LIMIT).await;
        let shown = error.to_string();
        assert_eq!(shown.contains("an earlier send"), expected, "{shown}");
    }
}

#[test]
fn only_what_passes_is_said_to_be_tried_later() {
    for (status, later) in [
        (500, true),
        (502, true),
        (503, true),
        (504, true),
        (501, false),
        (505, false),
        (400, false),
        (404, false),
    ] {
        let shown = parse(status, &json!({ "code": "x" })).to_string();
        assert_eq!(shown.contains("try again later"), later, "{shown}");
    }
}

#[test]
fn a_success_is_said_to_be_none_of_the_apis_errors() {
    for (status, body, expected) in [
        (200, json!({ "entities": [] }), true),
        (204, json!({}), true),
        // Some bulk operations answer 200 and list their errors.
        (
            200,
            json!({ "code": "partial", "message": "1 failed" }),
            false,
        ),
        (404, json!({ "entities": [] }), false),
    ] {
        let shown = parse(status, &body).to_string();
        assert_eq!(shown.contains("check the status"), expected, "{shown}");
        assert_eq!(shown.contains("any proxy"), status == 404, "{shown}");
    }
}
