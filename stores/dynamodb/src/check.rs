//! Checks the table before a process depends on it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType, TableDescription, TableStatus};
use tower_genesys::{
    store::{Claim, Entry, Lookup, Owner, StoreKey},
    token::Fingerprint,
};

use crate::{
    DynamoDbStore, DynamoDbStoreError, DynamoDbStoreErrorKind as Kind,
    error::{KEY_HELP, failed, no_randomness},
    item::KEY,
};

/// The lease of a check, which abandons it at once.
const LEASE: Duration = Duration::from_secs(5);

impl DynamoDbStore {
    /// Checks that the table exists and has the right key, and that the role of
    /// this process may read and write it. Call it at deployment or when a
    /// process starts, to find faults early. It is optional: a process also
    /// works without the store.
    ///
    /// The check runs all operations of the store on an item of its own. It
    /// leaves this item behind, and all checks use the same one.
    ///
    /// ```no_run
    /// # use aws_sdk_dynamodb::Client;
    /// # use tower_genesys::BoxError;
    /// use tower_genesys_dynamodb::{DynamoDbStore, DynamoDbStoreErrorKind};
    ///
    /// # async fn example(client: Client) -> Result<(), BoxError> {
    /// let store = DynamoDbStore::new(client, "genesys-tokens")?;
    /// match store.check().await {
    ///     Err(error) if error.kind() == DynamoDbStoreErrorKind::Throttled => {
    ///         eprintln!("{error}");
    ///     }
    ///     checked => checked?, // a missing table, key or permission
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Any kind of [`DynamoDbStoreErrorKind`](Kind).
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the check.
    pub async fn check(&self) -> Result<(), DynamoDbStoreError> {
        let described = self.client.describe_table().table_name(&self.table).send();
        let described = described.await;
        let described = described.map_err(|error| failed(&self.table, "DescribeTable", error))?;
        if let Some(table) = described.table() {
            self.check_description(table)?;
        }
        self.try_all().await
    }

    /// Checks the key and the status of the table.
    fn check_description(&self, table: &TableDescription) -> Result<(), DynamoDbStoreError> {
        let wrong = |kind, what: &str| {
            let message = format!("DynamoDB table `{}`: {what}", self.table);
            Err(DynamoDbStoreError::new(kind, message))
        };
        if !has_key(table) {
            return wrong(Kind::Key, KEY_HELP);
        }
        match table.table_status() {
            // `Updating` changes capacity or indexes, during which the table
            // works.
            Some(TableStatus::Active | TableStatus::Updating) | None => Ok(()),
            Some(_) => wrong(
                Kind::Table,
                "it is being created or deleted; check again when its status is ACTIVE",
            ),
        }
    }

    /// Reads and writes an item, which needs all rights of the three
    /// operations.
    async fn try_all(&self) -> Result<(), DynamoDbStoreError> {
        let key = StoreKey::new("", "", "check");
        let mut claim = Claim::new(Owner::random().map_err(no_randomness)?, LEASE);
        // Rejects the token of an earlier check.
        claim.rejected = Some(Fingerprint::of(""));
        // Without a lease, another process is checking the same table, and its
        // writes prove the same.
        if let Lookup::Leased(lease) = self.look_up(&key, &claim).await? {
            let entry = Entry::new(lease.fence, Fingerprint::of(""), "", LEASE);
            self.put(&key, &lease, &entry).await?;
            self.end(&key, &lease, None).await?;
        }
        Ok(())
    }
}

/// Returns whether the key is one string attribute of this name, without a sort
/// key.
fn has_key(table: &TableDescription) -> bool {
    let [key] = table.key_schema() else {
        return false;
    };
    let mut attributes = table.attribute_definitions().iter();
    let is_string = attributes.any(|attribute| {
        attribute.attribute_name() == KEY && *attribute.attribute_type() == ScalarAttributeType::S
    });
    key.attribute_name() == KEY && *key.key_type() == KeyType::Hash && is_string
}
