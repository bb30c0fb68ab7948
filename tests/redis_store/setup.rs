use std::time::Duration;

use bytes::Bytes;
use tower_genesys::{
    store::{
        Claim, Entry, Fence, Lease, Lookup, Owner, Publication, StoreError, StoreKey, TokenStore,
        redis::RedisStore,
    },
    token::Fingerprint,
};

pub(crate) use crate::fixtures::error_text::shown;

pub(crate) const LEASE: Duration = Duration::from_secs(10);
pub(crate) const LIFE: Duration = Duration::from_secs(1000);

pub(crate) fn key() -> StoreKey {
    StoreKey::new("login.mypurecloud.ie", "client", "client_credentials")
}

pub(crate) fn store(url: impl Into<String>) -> RedisStore {
    RedisStore::new(url.into()).unwrap()
}

pub(crate) fn claim() -> Claim {
    Claim::new(Owner::random().unwrap(), LEASE)
}

/// What this lease leads to.
pub(crate) fn entry(lease: &Lease, token: &str) -> Entry {
    let value = Bytes::copy_from_slice(token.as_bytes());
    Entry::new(lease.fence, Fingerprint::of(token), value, LIFE)
}

pub(crate) async fn ask(store: &RedisStore, claim: &Claim) -> Lookup {
    try_ask(store, claim).await.unwrap()
}

pub(crate) async fn try_ask(store: &RedisStore, claim: &Claim) -> Result<Lookup, StoreError> {
    store.get_or_lease(&key(), claim).await
}

pub(crate) async fn leased(store: &RedisStore, claim: &Claim) -> Lease {
    match ask(store, claim).await {
        Lookup::Leased(lease) => lease,
        other => panic!("a lease was expected: {other:?}"),
    }
}

pub(crate) async fn token(store: &RedisStore, claim: &Claim) -> Entry {
    match ask(store, claim).await {
        Lookup::Token(entry) => entry,
        other => panic!("a token was expected: {other:?}"),
    }
}

pub(crate) async fn busy(store: &RedisStore, claim: &Claim) -> Duration {
    match ask(store, claim).await {
        Lookup::Busy(left) => left,
        other => panic!("somebody else's lease was expected: {other:?}"),
    }
}

/// Publishes under the lease that it is granted.
pub(crate) async fn publish(store: &RedisStore, token: &str) -> Fence {
    let lease = leased(store, &claim()).await;
    published(store, &lease, &entry(&lease, token)).await;
    lease.fence
}

pub(crate) async fn published(store: &RedisStore, lease: &Lease, entry: &Entry) {
    match store.publish(&key(), lease, entry).await.unwrap() {
        Publication::Published => {}
        other => panic!("a publication was expected: {other:?}"),
    }
}

pub(crate) async fn superseded(store: &RedisStore, lease: &Lease, entry: &Entry) -> Entry {
    match store.publish(&key(), lease, entry).await.unwrap() {
        Publication::Superseded(entry) => entry,
        other => panic!("an older token was expected to be refused: {other:?}"),
    }
}

/// Asks until it works, for as long as a test may take.
pub(crate) async fn eventually(store: &RedisStore, claim: &Claim) -> (Lookup, Duration) {
    let begun = tokio::time::Instant::now();
    loop {
        let asked = tokio::time::timeout(Duration::from_millis(150), try_ask(store, claim)).await;
        if let Ok(Ok(lookup)) = asked {
            return (lookup, begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{asked:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks on one runtime, and then on another one while the first is not driven.
/// The connection is the first one's, so the first question on the other is in
/// vain; returns the answer to `again`.
pub(crate) fn beside_an_idle_runtime<T>(store: &RedisStore, again: impl Future<Output = T>) -> T {
    const PATIENCE: Duration = Duration::from_millis(150);
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let (idle, driven) = (runtime(), runtime());
    idle.block_on(async { leased(store, &claim()).await });
    driven.block_on(async {
        let first = tokio::time::timeout(PATIENCE, try_ask(store, &claim())).await;
        assert!(first.is_err(), "its connection is on the other runtime");
        again.await
    })
}
