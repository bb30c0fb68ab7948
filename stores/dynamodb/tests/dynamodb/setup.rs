use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use tower_genesys::{
    store::{Claim, Entry, Lease, Lookup, Owner, StoreKey, TokenStore},
    token::Fingerprint,
};
use tower_genesys_dynamodb::DynamoDbStore;

use crate::emulator::{Emulator, create_table};

/// The emulator of all tests. It ends when its input ends, with this process.
static EMULATOR: LazyLock<Emulator> = LazyLock::new(|| match Emulator::start() {
    Ok(emulator) => emulator,
    Err(error) => panic!("{error}"),
});

pub(crate) const LIFE: Duration = Duration::from_secs(3600);
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Creates a client for each test, since connections belong to the test's
/// runtime.
pub(crate) fn client() -> Client {
    EMULATOR.client()
}

/// Returns a name that no other test uses.
pub(crate) fn name() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("table-{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// Creates a store on its own table.
pub(crate) async fn store() -> DynamoDbStore {
    let (client, name) = (client(), name());
    create_table(&client, &name, "key").await.expect("a table");
    DynamoDbStore::new(client, name).expect("it is a name")
}

pub(crate) fn key() -> StoreKey {
    StoreKey::new("host", "client", "grant")
}

pub(crate) fn claim() -> Claim {
    Claim::new(Owner::random().expect("randomness"), LEASE)
}

pub(crate) async fn lease(store: &DynamoDbStore, claim: &Claim) -> Lease {
    match store.get_or_lease(&key(), claim).await {
        Ok(Lookup::Leased(lease)) => lease,
        other => panic!("a lease was expected: {other:?}"),
    }
}

pub(crate) fn entry(lease: &Lease) -> Entry {
    Entry::new(lease.fence, Fingerprint::of("s3cr3t"), "s3cr3t", LIFE)
}
