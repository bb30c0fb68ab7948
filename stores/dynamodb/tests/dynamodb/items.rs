use std::{collections::HashMap, time::SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use tower_genesys::store::{Lookup, Publication, StoreErrorKind, TokenStore};
use tower_genesys_dynamodb::DynamoDbStore;

use crate::setup::{LIFE, claim, client, entry, key, lease, name};

/// The store, its client and the name of its table.
async fn parts() -> (DynamoDbStore, aws_sdk_dynamodb::Client, String) {
    let (client, name) = (client(), name());
    let created = crate::emulator::create_table(&client, &name, "key").await;
    created.expect("a table");
    let store = DynamoDbStore::new(client.clone(), name.as_str()).expect("it is a name");
    (store, client, name)
}

type Item = HashMap<String, AttributeValue>;

async fn only_item(client: &aws_sdk_dynamodb::Client, table: &str) -> Item {
    let found = client.scan().table_name(table).send().await;
    let mut items = found.expect("a scan").items.expect("items");
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

/// Publishes a token, changes its item, and returns the lease that follows.
async fn damaged(change: impl FnOnce(&mut Item)) -> Option<StoreErrorKind> {
    let (store, client, table) = parts().await;
    let first = lease(&store, &claim()).await;
    let published = store.publish(&key(), &first, &entry(&first)).await;
    assert!(matches!(published, Ok(Publication::Published)));
    let mut item = only_item(&client, &table).await;
    change(&mut item);
    let put = client.put_item().table_name(&table).set_item(Some(item));
    put.send().await.expect("a write");

    let next = lease(&store, &claim()).await;
    let published = store.publish(&key(), &next, &entry(&next)).await;
    assert!(
        matches!(published, Ok(Publication::Published)),
        "{published:?}"
    );
    let found = store.get_or_lease(&key(), &claim()).await;
    assert!(
        matches!(found, Ok(Lookup::Token(_))),
        "it was replaced: {found:?}"
    );
    next.replaces
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.into())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

#[tokio::test]
async fn an_item_of_another_version_is_reported_and_replaced() {
    let replaces = damaged(|item| drop(item.insert("format".into(), number("2")))).await;
    assert_eq!(replaces, Some(StoreErrorKind::Incompatible));
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_reported_and_replaced() {
    let damages: [(&str, Option<AttributeValue>); 9] = [
        ("format", None),
        ("fence", Some(text("7"))),
        ("fence", Some(number("18446744073709551615"))),
        ("fingerprint", Some(text("short"))),
        ("value", None),
        ("lifetime", Some(number("-1"))),
        ("expires", Some(number("1.5"))),
        ("last_fence", None),
        ("cooldown_until", Some(text("soon"))),
    ];
    for (name, value) in damages {
        let replaces = damaged(|item| {
            match value {
                Some(value) => item.insert(name.into(), value),
                None => item.remove(name),
            };
        });
        assert_eq!(replaces.await, Some(StoreErrorKind::Corrupt), "{name}");
    }
}

#[tokio::test]
async fn an_item_is_replaced_whatever_its_revision_is() {
    for revision in [None, Some(text("seven")), Some(number("-1"))] {
        let replaces = damaged(|item| {
            item.remove("format");
            match revision {
                Some(revision) => item.insert("revision".into(), revision),
                None => item.remove("revision"),
            };
        });
        assert_eq!(replaces.await, Some(StoreErrorKind::Corrupt));
    }
}

#[tokio::test]
async fn the_database_may_delete_an_item_two_days_after_its_token() {
    let (store, client, table) = parts().await;
    let lent = lease(&store, &claim()).await;
    let published = store.publish(&key(), &lent, &entry(&lent)).await;
    assert!(matches!(published, Ok(Publication::Published)));
    let item = only_item(&client, &table).await;
    let ttl: u64 = item["ttl"]
        .as_n()
        .expect("a number")
        .parse()
        .expect("whole");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let expected = now.expect("after 1970").as_secs() + LIFE.as_secs() + 2 * 24 * 3600;
    assert!(
        ttl <= expected + 1 && ttl > expected - 60,
        "{ttl}, {expected}"
    );
}

#[tokio::test]
async fn fences_go_on_after_the_item_was_deleted() {
    let (store, client, table) = parts().await;
    let first = lease(&store, &claim()).await;
    let item = only_item(&client, &table).await;
    let delete = client.delete_item().table_name(&table);
    let deleted = delete.key("key", item["key"].clone()).send().await;
    deleted.expect("it is there");
    let published = store.publish(&key(), &first, &entry(&first)).await;
    assert!(
        matches!(published, Ok(Publication::Published)),
        "{published:?}"
    );
    let mut newer = claim();
    newer.at_least = first.fence.next();
    let second = lease(&store, &newer).await;
    assert!(second.fence > first.fence);
}

#[tokio::test]
async fn of_many_who_find_the_same_item_one_gets_the_lease() {
    let (store, _, _) = parts().await;
    let first = lease(&store, &claim()).await;
    let ended = store.abandon(&key(), &first, None).await;
    ended.expect("the store can be asked");
    let claims: Vec<_> = (0..20).map(|_| claim()).collect();
    let (key, mut asked) = (key(), tokio::task::JoinSet::new());
    for claim in claims {
        let store = store.clone();
        asked.spawn(async move { store.get_or_lease(&key, &claim).await });
    }
    let found = asked.join_all().await;
    let leased = |found: &&Result<Lookup, _>| matches!(found, Ok(Lookup::Leased(_)));
    assert_eq!(found.iter().filter(leased).count(), 1, "{found:?}");
    let busy = |found: &&Result<Lookup, _>| matches!(found, Ok(Lookup::Busy(_)));
    assert_eq!(found.iter().filter(busy).count(), 19, "{found:?}");
}
