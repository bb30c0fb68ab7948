//! The rules of a [`TokenStore`] and of a
//! [`SlotBook`](crate::store::book::SlotBook), as checks for any
//! implementation.
//!
//! Users run them through [`store_conformance!`](crate::store_conformance) and
//! [`book_conformance!`](crate::book_conformance), which generate a test for
//! each check. So the functions are public, but hidden. A check takes a store,
//! uses fresh keys, and panics if the store breaks the rule.

#![allow(clippy::expect_used, reason = "a check fails by a panic")]

mod books;
mod cooldowns;
mod entries;
mod leases;

use std::time::Duration;

pub use books::*;
use bytes::Bytes;
pub use cooldowns::*;
pub use entries::*;
pub use leases::*;
use tokio::time::{Instant, sleep};

use crate::{
    store::{Claim, Entry, Fence, Lease, Lookup, Owner, Publication, StoreKey, TokenStore},
    token::Fingerprint,
};

/// Generates a test for each rule of a
/// [`TokenStore`](crate::store::TokenStore).
///
/// It takes the attribute of an async test, and an async block that creates a
/// store. A store with a separate clock, such as a server, runs in real time:
/// the checks then wait some tenths of a second in all. For a store on tokio's
/// clock, pause the clock.
///
/// ```
/// mod conformance {
///     # use tower_genesys as _;
///     use tower_genesys::store::MemoryStore;
///
///     tower_genesys::store_conformance! {
///         #[tokio::test(start_paused = true)]
///         async { MemoryStore::new() }
///     }
/// }
/// ```
///
/// Each test is named after its rule, so `cargo test a_lease_ends_by_itself`
/// runs one. The tests run concurrently. Their keys stay in the store, and
/// expire within a minute.
#[macro_export]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
macro_rules! store_conformance {
    ($(#[$attribute:meta])+ $store:expr) => {
        $crate::store_conformance! { @each [$(#[$attribute])+] [$store]
            concurrent_claims_get_one_lease
            an_own_lease_is_recognised
            a_lease_ends_by_itself
            fences_grow_and_are_above_what_was_asked
            fences_outlast_the_loss_of_everything
            keys_are_apart
            an_acceptable_entry_is_returned
            a_lease_does_not_hide_an_entry
            an_entry_counts_down_and_ends
            values_are_kept_byte_for_byte
            the_fence_decides_what_is_published
            a_publication_may_be_late
            a_publication_ends_its_lease_and_no_other
            only_the_owner_ends_a_lease
            a_cooldown_applies_to_all_and_ends
            a_cooldown_never_gets_shorter
            no_cooldown_without_the_lease
            a_cooldown_does_not_hide_an_entry
        }
    };
    (@each $attributes:tt $store:tt $($check:ident)+) => {
        $($crate::store_conformance! { @one $attributes $store $check })+
    };
    (@one [$(#[$attribute:meta])+] [$store:expr] $check:ident) => {
        $(#[$attribute])+
        async fn $check() {
            let store = $store.await;
            $crate::testing::conformance::$check(&store).await;
        }
    };
}

/// A time longer than any check takes.
const LONG: Duration = Duration::from_secs(60);
/// A time that ends while a check waits for it.
const SHORT: Duration = Duration::from_millis(80);

/// Returns a key that no other check uses.
fn fresh_key() -> StoreKey {
    let random = format!("{:?}", owner());
    StoreKey::new("conformance", &random, "check")
}

/// Returns an owner that no other check uses.
fn owner() -> Owner {
    Owner::random().expect("the system has randomness")
}

/// Returns the claim of a new owner, for a long lease.
fn claim() -> Claim {
    Claim::new(owner(), LONG)
}

/// Returns an entry with a long lifetime, all of which remains.
fn entry(fence: Fence, token: &str) -> Entry {
    let value = Bytes::copy_from_slice(token.as_bytes());
    Entry::new(fence, Fingerprint::of(token), value, LONG)
}

/// Asks the store.
async fn look_up(store: &impl TokenStore, key: &StoreKey, claim: &Claim) -> Lookup {
    let found = store.get_or_lease(key, claim).await;
    found.expect("the store must answer")
}

/// Asks the store, which must grant a lease.
async fn lease(store: &impl TokenStore, key: &StoreKey, claim: &Claim) -> Lease {
    match look_up(store, key, claim).await {
        Lookup::Leased(lease) => {
            assert_eq!(
                lease.owner, claim.owner,
                "a lease must name the owner of its claim"
            );
            lease
        }
        other => panic!("the store must grant a lease here; it answered {other:?}"),
    }
}

/// Asks the store, which must return a token.
async fn token(store: &impl TokenStore, key: &StoreKey, claim: &Claim) -> Entry {
    match look_up(store, key, claim).await {
        Lookup::Token(entry) => entry,
        other => panic!("the store must return the token here; it answered {other:?}"),
    }
}

/// Publishes an entry under a lease.
async fn publish(
    store: &impl TokenStore,
    key: &StoreKey,
    lease: &Lease,
    entry: &Entry,
) -> Publication {
    let published = store.publish(key, lease, entry).await;
    published.expect("the store must answer")
}

/// Gives a lease back, with or without a cooldown.
async fn abandon(
    store: &impl TokenStore,
    key: &StoreKey,
    lease: &Lease,
    cooldown: Option<Duration>,
) {
    let abandoned = store.abandon(key, lease, cooldown).await;
    abandoned.expect("the store must answer");
}

/// Gets a lease, and publishes a token under it.
async fn put(store: &impl TokenStore, key: &StoreKey, token: &str) -> Entry {
    let lease = lease(store, key, &claim()).await;
    let entry = entry(lease.fence, token);
    let published = publish(store, key, &lease, &entry).await;
    check_published(&published);
    entry
}

/// Checks that the store has taken a token.
fn check_published(published: &Publication) {
    assert!(
        matches!(published, Publication::Published),
        "the store must take a token with a higher fence; it answered {published:?}"
    );
}

/// Checks that a token is the one that was published.
fn check_same(found: &Entry, put: &Entry) {
    assert_eq!(
        (found.fence, found.fingerprint, found.lifetime),
        (put.fence, put.fingerprint, put.lifetime),
        "the store must return fence, fingerprint and lifetime unchanged"
    );
    assert!(
        found.value == put.value,
        "the store must return the value byte for byte; it returned {} bytes for {}",
        found.value.len(),
        put.value.len()
    );
}

/// Asks the store until it grants a lease, for as long as a slow machine may
/// need.
async fn lease_when_free(store: &impl TokenStore, key: &StoreKey, claim: &Claim) -> Lease {
    let begun = Instant::now();
    loop {
        let found = look_up(store, key, claim).await;
        if let Lookup::Leased(lease) = found {
            return lease;
        }
        // Far more than any wait of a check, so that only a store that never
        // gets there fails.
        assert!(
            begun.elapsed() < LONG / 6,
            "leases, cooldowns and tokens must end by the store's clock; the store still answers \
             {found:?}. If its clock is not tokio's, do not pause the clock of the test"
        );
        sleep(SHORT / 4).await;
    }
}

/// Returns a lease that has ended, and the lease that another owner got then.
async fn successive_leases(store: &impl TokenStore, key: &StoreKey) -> (Lease, Lease) {
    let mut late = claim();
    late.lease = SHORT;
    let first = lease(store, key, &late).await;
    let second = lease_when_free(store, key, &claim()).await;
    (first, second)
}
