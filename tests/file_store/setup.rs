use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use tempfile::TempDir;
use tower_genesys::{
    store::{
        Claim, Entry, Lease, Lookup, Owner, Publication, StoreKey, TokenStore, file::FileStore,
    },
    token::Fingerprint,
};

use crate::fixtures::place;
pub(crate) use crate::fixtures::{
    error_text::shown,
    place::{mode, set_mode},
};

pub(crate) const LIFE: Duration = Duration::from_secs(1000);

pub(crate) fn key() -> StoreKey {
    StoreKey::new("login.mypurecloud.ie", "client", "client_credentials")
}

pub(crate) fn claim() -> Claim {
    Claim::new(Owner::random().unwrap(), Duration::from_secs(10))
}

/// A temporary directory, and the store in it.
pub(crate) struct Place {
    parent: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            parent: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.parent.path().join("tokens")
    }

    pub(crate) fn file(&self, extension: &str) -> PathBuf {
        self.path().join(format!("{}.{extension}", key()))
    }

    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(self.path()).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        place::names(&self.path())
    }
}

pub(crate) fn entry(lease: &Lease, token: &str) -> Entry {
    let value = Bytes::copy_from_slice(token.as_bytes());
    Entry::new(lease.fence, Fingerprint::of(token), value, LIFE)
}

pub(crate) async fn ask(store: &FileStore) -> Lookup {
    store.get_or_lease(&key(), &claim()).await.unwrap()
}

pub(crate) async fn leased(store: &FileStore) -> Lease {
    match ask(store).await {
        Lookup::Leased(lease) => lease,
        other => panic!("a lease was expected: {other:?}"),
    }
}

pub(crate) async fn token(store: &FileStore) -> Entry {
    match ask(store).await {
        Lookup::Token(entry) => entry,
        other => panic!("a token was expected: {other:?}"),
    }
}

pub(crate) async fn publish(store: &FileStore, lease: &Lease, token: &str) {
    let published = store.publish(&key(), lease, &entry(lease, token)).await;
    assert!(matches!(published, Ok(Publication::Published)));
}

/// Gets a lease, and publishes a token under it.
pub(crate) async fn put(store: &FileStore, token: &str) -> Lease {
    let lease = leased(store).await;
    publish(store, &lease, token).await;
    lease
}
