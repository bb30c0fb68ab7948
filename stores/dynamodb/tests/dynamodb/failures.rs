use std::error::Error as _;

use tower_genesys::store::{Lookup, StoreErrorKind, TokenStore};
use tower_genesys_dynamodb::{DynamoDbStoreError, DynamoDbStoreErrorKind as Kind};

use crate::{
    script::Script,
    setup::{claim, key},
};

#[tokio::test]
async fn each_refusal_of_dynamodb_is_an_error_of_its_kind_that_says_what_to_do() {
    use StoreErrorKind as Store;
    let schema = "The provided key element does not match the schema";
    for (status, code, said, kind, store_kind, next) in [
        (
            400,
            "AccessDeniedException",
            "User is not authorized",
            Kind::Permission,
            Store::Denied,
            "allow the role",
        ),
        (
            400,
            "UnrecognizedClientException",
            "The security token is invalid",
            Kind::Credentials,
            Store::Denied,
            "check the role",
        ),
        (
            400,
            "ExpiredTokenException",
            "The security token is expired",
            Kind::Credentials,
            Store::Denied,
            "check the role",
        ),
        (
            400,
            "InvalidSignatureException",
            "Signature expired",
            Kind::Credentials,
            Store::Denied,
            "its clock",
        ),
        (
            400,
            "ProvisionedThroughputExceededException",
            "exceeded",
            Kind::Throttled,
            Store::Unavailable,
            "on-demand capacity",
        ),
        (
            400,
            "ThrottlingException",
            "Rate exceeded",
            Kind::Throttled,
            Store::Unavailable,
            "on-demand capacity",
        ),
        (
            400,
            "RequestLimitExceeded",
            "Rate exceeded",
            Kind::Throttled,
            Store::Unavailable,
            "on-demand capacity",
        ),
        (
            400,
            "ResourceNotFoundException",
            "not found",
            Kind::Table,
            Store::Unavailable,
            "create it",
        ),
        (
            400,
            "ValidationException",
            schema,
            Kind::Key,
            Store::Unavailable,
            "one attribute `key`",
        ),
        (
            500,
            "InternalServerError",
            "internal",
            Kind::Unreachable,
            Store::Timeout,
            "check the network",
        ),
        (
            400,
            "SomethingNew",
            "never heard of",
            Kind::Unreachable,
            Store::Timeout,
            "check the network",
        ),
    ] {
        let store = Script::default().error(status, code, said).store();
        let error = store.get_or_lease(&key(), &claim()).await.unwrap_err();
        assert_eq!(error.kind(), store_kind, "{code}");
        let text = error.to_string();
        assert!(
            text.starts_with("DynamoDB table `tokens`, GetItem: "),
            "{text}"
        );
        assert!(text.contains(next), "{code}: {text}");
        let source = error.source().expect("the store's own");
        let source: &DynamoDbStoreError = source.downcast_ref().expect("of this crate");
        assert_eq!(source.kind(), kind, "{code}");
        let cause = source.source().expect("DynamoDB's own").to_string();
        assert!(cause.contains(code) && cause.contains(said), "{cause}");
    }
}

#[tokio::test]
async fn a_refused_write_is_an_error_too() {
    let script = Script::default().answer(200, None, "{}");
    let store = script.error(400, "AccessDeniedException", "no").store();
    let error = store.get_or_lease(&key(), &claim()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Denied);
    assert!(error.to_string().contains("PutItem"), "{error}");
}

#[tokio::test]
async fn neither_errors_nor_debug_show_a_token_or_credentials() {
    // Truncated: the SDK's own error would quote the rest.
    let script = Script::default().answer(200, None, r#"{"Item":{"value":{"S":"s3cr3t"}"#);
    let store = script.store();
    let error = store.get_or_lease(&key(), &claim()).await.unwrap_err();
    for text in [
        format!("{error:?}"),
        error.to_string(),
        format!("{store:?}"),
    ] {
        assert!(
            !text.contains("s3cr3t") && !text.contains("p4ssw0rd"),
            "{text}"
        );
    }
}

/// A lease that ends five seconds after this date.
async fn look_up_with_date(date: Option<i64>, until: i64) -> Lookup {
    let owner = "AAAAAAAAAAAAAAAAAAAAAA==";
    let number = |number: i64| format!(r#"{{"N":"{number}"}}"#);
    let item = format!(
        r#"{{"Item":{{"format":{},"revision":{},"last_fence":{},"lease_fence":{},"lease_until":{},"lease_owner":{{"B":"{owner}"}}}}}}"#,
        number(1),
        number(1),
        number(1),
        number(1),
        number(until * 1000),
    );
    let script = Script::default().answer(200, date, item);
    let store = script.answer(200, date, "{}").store();
    let found = store.get_or_lease(&key(), &claim()).await;
    found.expect("the script answers")
}

#[tokio::test]
async fn a_lease_counts_by_dynamodbs_date_where_the_own_clock_is_wrong() {
    let seconds = |found: &Lookup| match found {
        Lookup::Busy(left) => left.as_millis(),
        other => panic!("it is leased: {other:?}"),
    };
    // DynamoDB's clock says 2020, so this process is ahead by years; then the
    // other way round.
    let (past, future) = (1_577_836_800, 4_102_444_800);
    let found = look_up_with_date(Some(past), past + 5).await;
    assert_eq!(seconds(&found), 4000, "a second after the date at most");
    let found = look_up_with_date(Some(future), future + 5).await;
    assert_eq!(seconds(&found), 5000, "not before the date");

    let found = look_up_with_date(None, past + 5).await;
    assert!(
        matches!(found, Lookup::Leased(_)),
        "by the own clock it is over: {found:?}"
    );
}
