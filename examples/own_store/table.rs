use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tower_genesys::store::{
    Claim, Entry, Lease, Lookup, Publication, Record, StoreFuture, StoreKey, TokenStore,
};

/// Takes the place of a table with transactions: an operation changes one row,
/// and `Record` has the rules.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<HashMap<[u8; 32], Record>>>);

impl Table {
    /// Reads, changes and writes the row in one transaction. `change` also gets
    /// the time since 1970 by the clock of the table.
    fn transaction<'a, T: Send + 'a>(
        &self,
        key: &StoreKey,
        change: impl FnOnce(&mut Record, Duration) -> T,
    ) -> StoreFuture<'a, T> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(*key.as_bytes()).or_default();
        let done = change(row, now.unwrap_or_default());
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl TokenStore for Table {
    fn get_or_lease<'a>(&'a self, key: &'a StoreKey, claim: &'a Claim) -> StoreFuture<'a, Lookup> {
        self.transaction(key, |row, now| row.get_or_lease(claim, now))
    }

    fn publish<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        entry: &'a Entry,
    ) -> StoreFuture<'a, Publication> {
        self.transaction(key, |row, now| row.publish(lease, entry, now))
    }

    fn abandon<'a>(
        &'a self,
        key: &'a StoreKey,
        lease: &'a Lease,
        cooldown: Option<Duration>,
    ) -> StoreFuture<'a, ()> {
        self.transaction(key, |row, now| {
            row.abandon(lease, cooldown, now);
        })
    }
}
