use std::error::Error as _;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType::{self, N, S},
    },
};
use tower_genesys::store::{StoreErrorKind, TokenStore};
use tower_genesys_dynamodb::{DynamoDbStore, DynamoDbStoreError, DynamoDbStoreErrorKind as Kind};

use crate::setup::{claim, client, key, name, store};

/// A table with these key attributes.
async fn table(keys: &[(&str, ScalarAttributeType, KeyType)]) -> DynamoDbStore {
    let (client, name) = (client(), name());
    let mut create = client.create_table().table_name(&name);
    create = create.billing_mode(BillingMode::PayPerRequest);
    for (key, of, kind) in keys {
        let attribute = AttributeDefinition::builder().attribute_name(*key);
        let element = KeySchemaElement::builder().attribute_name(*key);
        create = create
            .attribute_definitions(attribute.attribute_type(of.clone()).build().expect("whole"))
            .key_schema(element.key_type(kind.clone()).build().expect("whole"));
    }
    create.send().await.expect("a table");
    DynamoDbStore::new(client, name).expect("it is a name")
}

async fn checked(store: &DynamoDbStore) -> DynamoDbStoreError {
    store.check().await.expect_err("it is wrong")
}

#[tokio::test]
async fn a_good_table_passes_the_check_each_time() {
    let store = store().await;
    for _ in 0..3 {
        store.check().await.expect("it is good");
    }
}

#[test]
fn what_is_no_name_of_a_table_is_an_error_at_once() {
    let config = Config::builder().behavior_version(BehaviorVersion::latest());
    let client = Client::from_conf(config.build());
    for name in ["", "to kens", "t\u{f6}kens", "tokens\n"] {
        let error = DynamoDbStore::new(client.clone(), name).expect_err("no name");
        assert_eq!(error.kind(), Kind::Table, "{name}");
        assert!(error.to_string().contains("name or its ARN"), "{error}");
    }
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/tokens";
    DynamoDbStore::new(client, arn).expect("an ARN is one");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let store = DynamoDbStore::new(client(), "forgotten").expect("it is a name");
    let error = checked(&store).await;
    assert_eq!(error.kind(), Kind::Table);
    assert!(error.to_string().contains("`forgotten`"), "{error}");
}

#[tokio::test]
async fn a_table_without_the_key_attribute_is_an_error_of_the_check_and_of_each_operation() {
    let hash = KeyType::Hash;
    for keys in [
        &[("id", S, hash.clone())][..],
        &[("key", N, hash.clone())],
        &[("key", S, hash.clone()), ("range", S, KeyType::Range)],
    ] {
        let store = table(keys).await;
        let error = checked(&store).await;
        assert_eq!(error.kind(), Kind::Key, "{keys:?}");
        let text = error.to_string();
        assert!(
            text.contains("one attribute `key` of type string"),
            "{text}"
        );

        let error = store.get_or_lease(&key(), &claim()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{keys:?}");
        let source = error.source().and_then(|source| source.downcast_ref());
        let kind = source.map(DynamoDbStoreError::kind);
        assert_eq!(kind, Some(Kind::Key), "{keys:?}: {error}");
    }
}

fn elsewhere(config: aws_sdk_dynamodb::config::Builder) -> DynamoDbStore {
    let config = config
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        // Nothing listens there.
        .endpoint_url("http://127.0.0.1:9");
    DynamoDbStore::new(Client::from_conf(config.build()), "tokens").expect("it is a name")
}

#[tokio::test]
async fn no_answer_no_credentials_and_no_region_are_told_apart() {
    let region = || Config::builder().region(Region::new("us-east-1"));
    let credentials = Credentials::new("id", "secret", None, None, "test");
    let alone = elsewhere(region().credentials_provider(credentials.clone()));
    assert_eq!(checked(&alone).await.kind(), Kind::Unreachable);
    let error = checked(&elsewhere(region())).await;
    assert_eq!(error.kind(), Kind::Credentials, "{error}");
    let nowhere = Config::builder().credentials_provider(credentials);
    let error = checked(&elsewhere(nowhere)).await;
    assert_eq!(error.kind(), Kind::Credentials, "{error}");
}
