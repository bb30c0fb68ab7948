use std::time::Duration;

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tower_genesys::{
    store::{
        Claim, Entry, Fence, Lease, Lookup, Owner, Publication, StoreError, StoreKey, TokenStore,
        redis::RedisStore,
    },
    token::Fingerprint,
};

pub(crate) use crate::fixtures::error_text::shown;
use crate::{fixtures::real_time::wait_within, redis_server::RedisServer};

/// The time that the user of a store gives an operation by default.
pub(crate) const PATIENCE: Duration = Duration::from_millis(150);
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

/// The entry that a lease leads to.
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
        other => panic!("a lease of another owner was expected: {other:?}"),
    }
}

/// Gets a lease, and publishes a token under it.
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

/// Asks until the store answers in time. Returns the answer, and how long it
/// took to get one.
pub(crate) async fn eventually(store: &RedisStore, claim: &Claim) -> (Lookup, Duration) {
    let mut answer = None;
    let took = wait_within(Duration::from_secs(20), "an answer", async || {
        let asked = timeout(PATIENCE, try_ask(store, claim)).await;
        match asked {
            Ok(Ok(lookup)) => answer = Some(lookup),
            // Shown if the test fails.
            other => println!("{other:?}"),
        }
        answer.is_some()
    })
    .await;
    (answer.expect("the wait has ended"), took)
}

/// Waits until the server has let a key expire, after this time at the latest.
pub(crate) async fn expires(server: &RedisServer, key: &str, within: Duration) {
    // The server reads its clock once for all commands of a round, and the
    // machine may be busy.
    let late = Duration::from_millis(100);
    wait_within(within + late, "the key expires", async || {
        server.run::<i64>(&["EXISTS", key]) == 0
    })
    .await;
}

/// A server that answers every command with this, and returns its port.
pub(crate) async fn impostor(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Ok(1..) = stream.read(&mut [0; 4096]).await {
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    port
}

/// The rules for a user of the server, word for word as documented: those for a
/// token come first.
pub(crate) fn documented_rules() -> impl Iterator<Item = &'static str> {
    let docs = include_str!("../../src/store/redis/mod.rs");
    docs.lines()
        .filter_map(|line| line.strip_prefix("//! ACL SETUSER genesys "))
}

/// Asks on one runtime, and then on another one while the first one is idle.
/// The connection belongs to the first one, so the first question on the other
/// one times out. Returns the answer to `again`.
pub(crate) fn beside_an_idle_runtime<T>(store: &RedisStore, again: impl Future<Output = T>) -> T {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let (idle, driven) = (runtime(), runtime());
    idle.block_on(async { leased(store, &claim()).await });
    driven.block_on(async {
        let first = timeout(PATIENCE, try_ask(store, &claim())).await;
        assert!(first.is_err(), "the connection is on the other runtime");
        again.await
    })
}
