//! An error of the API is bounded, safe to log, and silent about tokens,
//! whatever the response is.

use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tower_genesys::{ApiError, retry::RetryAfter};

use super::answer::{Answer, MARKER};

/// Panics if it is not. The data is a response, as in the seeds.
pub fn check(data: &[u8]) {
    let answer = Answer::read(data);
    let error = ApiError::parse(answer.status, &answer.headers, &answer.body);
    assert_eq!(error.status(), answer.status);
    bounded(&error);

    let read = ApiError::read(answer.response(), answer.body.len()).now_or_never();
    let read = read.expect("the body is there");
    assert_eq!(read.code(), error.code());
    assert_eq!(read.message(), error.message());
    // A body over its limit gives an error without its text, not a wrong one.
    if let Some(less) = answer.body.len().checked_sub(1) {
        let cut = ApiError::read(answer.response(), less).now_or_never();
        let cut = cut.expect("the body is there");
        assert_eq!((cut.status(), cut.message()), (answer.status, None));
    }
    token_after(&String::from_utf8_lossy(&answer.body));
}

/// Checks the lengths and the characters of everything that a log may contain.
fn bounded(error: &ApiError) {
    let shown = error.to_string();
    assert!(
        shown.chars().count() < 2000,
        "{} characters",
        shown.chars().count()
    );
    assert!(!shown.contains(char::is_control), "{shown:?}");
    let texts = [
        error.code(),
        error.message(),
        error.entity_id(),
        error.entity_name(),
    ];
    for text in texts.into_iter().flatten() {
        assert!(!text.is_empty() && text.len() <= 4096 + '…'.len_utf8());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    assert!(
        error
            .context_id()
            .is_none_or(|id| id.len() <= 64 && id.bytes().all(plain))
    );
    assert!(
        error
            .retry_after()
            .is_none_or(|wait| wait <= RetryAfter::MAX.get())
    );
    assert!(error.missing_permissions().count() <= 64);
    for name in error.missing_permissions() {
        assert_eq!(name.split(':').count(), 3, "{name}");
    }
    assert!(entries(error, 3) <= 64);
}

/// Counts the entries of an error, nested ones included, and checks their
/// depth.
fn entries(error: &ApiError, levels: usize) -> usize {
    assert!(levels > 0 || error.errors().is_empty());
    let nested = error.errors().iter();
    let nested: usize = nested.map(|error| 1 + entries(error, levels - 1)).sum();
    error.details().len() + nested
}

/// Puts a token after the word Bearer, with any text before it, into every
/// field that has a text. No part of it may be shown.
fn token_after(text: &str) {
    let text = format!("{text} Bearer {MARKER}");
    let body = json!({
        "code": text, "message": text, "messageWithParams": "{a}", "messageParams": {"a": text},
        "contextId": text, "entityId": text, "entityName": text,
        "limit": {"key": text, "namespace": text},
        "details": [{"errorCode": text, "fieldName": text}], "errors": [{"message": text}],
    });
    let body = body.to_string();
    for status in [StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS] {
        let error = ApiError::parse(status, &HeaderMap::new(), body.as_bytes());
        bounded(&error);
        let shown = format!("{error} {error:?}");
        // The text before it may contain the marker, too, where it is no token.
        if text.matches(MARKER).count() == 1 {
            assert!(!shown.contains(MARKER), "{shown:?}");
        }
    }
}
