//! The three operations: each reads, applies a rule, and writes on a condition.

use std::{fmt, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::AttributeValue,
};
use tower_genesys::store::{
    Claim, Entry, Lease, Lookup, Publication, Record, StoreErrorKind, StoreFuture, StoreKey,
    TokenStore,
};

use crate::{
    DynamoDbStoreError,
    clock::DateHeader,
    error::{failed, invalid_name},
    item::{self, KEY, REVISION},
};

/// Enough for two round trips of some milliseconds, after the first one has
/// fetched credentials and connected.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(1);

/// A [`TokenStore`] in a DynamoDB table. The [crate page](crate) says how to
/// create the table. Clones share the client.
///
/// ```
/// use aws_sdk_dynamodb::{Client, Config, config::BehaviorVersion};
/// use tower_genesys::Sharing;
/// use tower_genesys_dynamodb::DynamoDbStore;
///
/// # fn main() -> Result<(), tower_genesys::BoxError> {
/// // In a program: `Client::new(&aws_config::load_from_env().await)`
/// let config = Config::builder().behavior_version(BehaviorVersion::latest());
/// let client = Client::from_conf(config.build());
/// let store = DynamoDbStore::new(client, "genesys-tokens")?; // sends nothing
/// let sharing = Sharing::unsealed(store);
/// assert!(format!("{sharing:?}").contains("operation_timeout: 1s"));
/// # Ok(())
/// # }
/// ```
///
/// An operation takes at most one second, including the retries of the SDK. To
/// change that limit, use `Sharing::with_operation_timeout`.
#[derive(Clone)]
pub struct DynamoDbStore {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoDbStore {
    /// Creates a store in the table of this name or ARN. Sends nothing: use
    /// [`check`](Self::check) to find out whether the table is usable.
    ///
    /// ```
    /// # use aws_sdk_dynamodb::{Client, Config, config::BehaviorVersion};
    /// use tower_genesys_dynamodb::{DynamoDbStore, DynamoDbStoreErrorKind};
    ///
    /// # let config = Config::builder();
    /// # let config = config.behavior_version(BehaviorVersion::latest());
    /// # let client = Client::from_conf(config.build());
    /// let error = DynamoDbStore::new(client, "genesys tokens").unwrap_err();
    /// assert_eq!(error.kind(), DynamoDbStoreErrorKind::Table);
    /// ```
    ///
    /// # Errors
    ///
    /// [`Table`](crate::DynamoDbStoreErrorKind::Table) if the name is empty or
    /// contains a character that table names cannot contain.
    pub fn new(client: Client, table: impl Into<String>) -> Result<Self, DynamoDbStoreError> {
        let table = table.into();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
        match !table.is_empty() && table.chars().all(is_name) {
            true => Ok(Self { client, table }),
            false => Err(invalid_name()),
        }
    }

    /// Returns a token, or takes a lease. Only a lease is written.
    pub(crate) async fn look_up(
        &self,
        key: &StoreKey,
        claim: &Claim,
    ) -> Result<Lookup, DynamoDbStoreError> {
        let decide = |record: &mut Record, now| {
            let found = record.get_or_lease(claim, now);
            let is_changed = matches!(found, Lookup::Leased(_));
            (found, is_changed)
        };
        Ok(match self.change(key, decide).await? {
            (Lookup::Leased(lease), fault) => Lookup::Leased(lease.with_replaces(fault)),
            (found, _) => found,
        })
    }

    /// Publishes a token. A superseded one is written, too: it ends its lease.
    pub(crate) async fn put(
        &self,
        key: &StoreKey,
        lease: &Lease,
        entry: &Entry,
    ) -> Result<Publication, DynamoDbStoreError> {
        let decide = |record: &mut Record, now| (record.publish(lease, entry, now), true);
        Ok(self.change(key, decide).await?.0)
    }

    /// Ends a lease without a token.
    pub(crate) async fn end(
        &self,
        key: &StoreKey,
        lease: &Lease,
        cooldown: Option<Duration>,
    ) -> Result<(), DynamoDbStoreError> {
        let decide = |record: &mut Record, now| ((), record.abandon(lease, cooldown, now));
        self.change(key, decide).await?;
        Ok(())
    }

    /// Applies a rule to the record of this key. `decide` returns whether the
    /// record changed.
    ///
    /// The write fails if another process has written since the read; the rule
    /// is then applied to the new record. Each failed turn is a change by
    /// another process, so the loop cannot spin, and dropping the future ends
    /// it.
    async fn change<T>(
        &self,
        key: &StoreKey,
        decide: impl Fn(&mut Record, Duration) -> (T, bool),
    ) -> Result<(T, Option<StoreErrorKind>), DynamoDbStoreError> {
        loop {
            // The clock is read with each item, as a turn may take long.
            let (mut found, now) = self.read(key).await?;
            let (done, is_changed) = decide(&mut found.record, now);
            if !is_changed || self.write(key, &found, now).await? {
                return Ok((done, found.unreadable));
            }
        }
    }

    /// Reads the item and the clock.
    async fn read(&self, key: &StoreKey) -> Result<(Found, Duration), DynamoDbStoreError> {
        let date = DateHeader::default();
        let get = self.client.get_item().table_name(&self.table);
        // Consistent: a stale item would grant a lease that another process
        // already has.
        let get = get.key(KEY, item::key(key)).consistent_read(true);
        let sent = get.customize().interceptor(date.clone()).send().await;
        let item = sent.map_err(|error| failed(&self.table, "GetItem", error))?;
        Ok((Found::new(item.item), date.now()))
    }

    /// Replaces the found item. Returns `false` if another process has written
    /// first.
    async fn write(
        &self,
        key: &StoreKey,
        found: &Found,
        now: Duration,
    ) -> Result<bool, DynamoDbStoreError> {
        let mut item = item::write(&found.record, now);
        item.insert(KEY.into(), item::key(key));
        item.insert(REVISION.into(), found.next_revision(now));
        let put = self.client.put_item().table_name(&self.table);
        let put = found.condition(put.set_item(Some(item)));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(failed(&self.table, "PutItem", error)),
        }
    }
}

/// Returns whether the write failed because the item has changed.
fn is_condition<R>(error: &SdkError<PutItemError, R>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(PutItemError::is_conditional_check_failed_exception)
}

/// The item under a key.
struct Found {
    /// The record to apply a rule to; empty if the item is missing.
    record: Record,
    /// The fault of an unreadable item, which counts as missing.
    unreadable: Option<StoreErrorKind>,
    /// The revision as it was read, of any type.
    revision: Option<AttributeValue>,
}

impl Found {
    /// Reads an item. An unreadable one keeps its revision, so that the write
    /// which replaces it is conditional, too.
    fn new(item: Option<item::Item>) -> Self {
        let read = item.as_ref().map(item::read);
        let (record, unreadable) = match read {
            None => (Record::default(), None),
            Some(Ok(record)) => (record, None),
            Some(Err(kind)) => (Record::default(), Some(kind)),
        };
        Self {
            record,
            unreadable,
            revision: item.and_then(|mut item| item.remove(REVISION)),
        }
    }

    /// Returns the next revision. It is at least the clock, so that an item
    /// that was deleted and came back never repeats a number.
    fn next_revision(&self, now: Duration) -> AttributeValue {
        let last = self.revision.as_ref().and_then(|last| last.as_n().ok());
        let last = last.and_then(|last| last.parse::<u64>().ok()).unwrap_or(0);
        let floor = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        item::number(last.saturating_add(1).max(floor))
    }

    /// Adds the condition that the item has not changed since the read.
    fn condition(&self, put: PutItemFluentBuilder) -> PutItemFluentBuilder {
        let put = put.expression_attribute_names("#revision", REVISION);
        match &self.revision {
            // Missing, or written by other code without a revision.
            None => put.condition_expression("attribute_not_exists(#revision)"),
            Some(seen) => put
                .condition_expression("#revision = :seen")
                .expression_attribute_values(":seen", seen.clone()),
        }
    }
}

impl TokenStore for DynamoDbStore {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        Box::pin(async move { Ok(self.look_up(key, claim).await?) })
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        Box::pin(async move { Ok(self.put(key, lease, entry).await?) })
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.end(key, lease, cooldown).await?;
            Ok(())
        })
    }

    /// Returns one second.
    fn operation_timeout(&self) -> Duration {
        OPERATION_TIMEOUT
    }
}

/// Omits the client, which contains credentials.
impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbStore")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
