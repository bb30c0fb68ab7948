//! The checks of leases and fences: one process fetches the next token, and its
//! number says which token is newer.

use futures_util::future::join_all;
use tokio::time::sleep;

use super::*;

/// Checks that of many concurrent claims one gets the lease, and that the
/// others learn how long it lasts.
///
/// This is what a store is for: fifty processes that start at the same time
/// make one token request.
pub async fn concurrent_claims_get_one_lease(store: &impl TokenStore) {
    let key = fresh_key();
    let claims: Vec<_> = (0..20).map(|_| claim()).collect();
    let found = join_all(claims.iter().map(|claim| look_up(store, &key, claim))).await;
    let leased = { found.iter() }.filter(|found| matches!(found, Lookup::Leased(_)));
    assert_eq!(leased.count(), 1, "one of twenty: {found:?}");
    for found in found {
        match found {
            Lookup::Leased(_) => {}
            Lookup::Busy(left) => assert!(left > LONG / 2 && left <= LONG, "{left:?}"),
            other => panic!("the others wait: {other:?}"),
        }
    }
}

/// Checks that the owner of a lease gets it again, with the same fence and the
/// full time.
///
/// The first response may have been lost, or its caller may have dropped the
/// future. Otherwise the owner would wait for itself.
pub async fn an_own_lease_is_recognised(store: &impl TokenStore) {
    let (key, mut mine) = (fresh_key(), claim());
    mine.lease = LONG / 4;
    let first = lease(store, &key, &mine).await;
    mine.lease = LONG;
    assert_eq!(lease(store, &key, &mine).await, first, "the same fence");
    match look_up(store, &key, &claim()).await {
        Lookup::Busy(left) => assert!(left > LONG / 2, "the whole time again: {left:?}"),
        other => panic!("it is still leased: {other:?}"),
    }
}

/// Checks that a lease expires, and that another owner gets the next one, with
/// a higher fence.
///
/// The process may have ended with its lease. The others must not wait for it
/// forever.
pub async fn a_lease_ends_by_itself(store: &impl TokenStore) {
    let (key, mut mine, other) = (fresh_key(), claim(), claim());
    mine.lease = SHORT;
    let first = lease(store, &key, &mine).await;
    let found = until(store, &key, &other, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(second) = found else {
        return;
    };
    assert_eq!(second.owner, other.owner);
    assert!(second.fence > first.fence, "{second:?} after {first:?}");
    let found = look_up(store, &key, &mine).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "it is over for good: {found:?}"
    );
}

/// Checks that a fence is above all earlier fences and entries, and above
/// [`Claim::at_least`].
///
/// A process refuses tokens below the fence that it knows. A lease with a lower
/// fence would bring a token that no process accepts.
pub async fn fences_grow_and_are_above_what_was_asked(store: &impl TokenStore) {
    let (key, mut wants) = (fresh_key(), claim());
    let mut last = Fence::NONE;
    for _ in 0..5 {
        let next = lease(store, &key, &claim()).await;
        assert!(next.fence > last, "{:?} after {last:?}", next.fence);
        last = next.fence;
        abandon(store, &key, &next, None).await;
    }
    wants.at_least = Fence::new(last.get() + 1_000_000_000);
    let next = lease(store, &key, &wants).await;
    assert!(next.fence > wants.at_least, "{:?}", next.fence);
    // Its owner asks again, and has seen a token of that fence since.
    wants.at_least = next.fence;
    let next = lease(store, &key, &wants).await;
    assert!(next.fence > wants.at_least, "{:?}", next.fence);
    let published = publish(store, &key, &next, &entry(next.fence, "t")).await;
    assert!(matches!(published, Publication::Published));
    wants.at_least = next.fence.next();
    let after = lease(store, &key, &wants).await;
    assert!(
        after.fence > next.fence,
        "above the entry: {:?}",
        after.fence
    );
}

/// Checks that a fence is not below the store's clock in milliseconds.
///
/// So a store that loses its data still grants higher fences than before.
pub async fn fences_outlast_the_loss_of_everything(store: &impl TokenStore) {
    // Under a new key, the store knows as little as after a loss.
    let first = lease(store, &fresh_key(), &claim()).await.fence.get();
    let year_2020 = 1_577_836_800_000;
    assert!(first > year_2020, "in milliseconds since 1970: {first}");
    sleep(SHORT).await;
    let second = lease(store, &fresh_key(), &claim()).await.fence.get();
    let grown = second.saturating_sub(first);
    let waited = u64::try_from(SHORT.as_millis()).unwrap_or(u64::MAX);
    assert!(grown >= waited / 2, "it grows with the time: by {grown}");
}

/// Checks that operations under one key change nothing under another.
///
/// A key stands for one account of one organisation. A token under a wrong key
/// would be sent to the wrong tenant.
pub async fn keys_are_apart(store: &impl TokenStore) {
    let (one, other) = (fresh_key(), fresh_key());
    put(store, &one, "one").await;
    let second = lease(store, &other, &claim()).await;
    abandon(store, &one, &second, Some(LONG)).await;
    assert_eq!(token(store, &one, &claim()).await.value, "one");
    let found = look_up(store, &other, &claim()).await;
    assert!(matches!(found, Lookup::Busy(_)), "{found:?}");
}
