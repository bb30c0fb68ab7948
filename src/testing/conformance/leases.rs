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
    assert_eq!(
        leased.count(),
        1,
        "one of twenty claims must get the lease; the store answered {found:?}"
    );
    for found in found {
        match found {
            Lookup::Leased(_) => {}
            Lookup::Busy(left) => assert!(
                left > LONG / 2 && left <= LONG,
                "the others must learn how much of {LONG:?} is left, not {left:?}"
            ),
            other => panic!("the others must wait for the lease; the store answered {other:?}"),
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
    assert_eq!(
        lease(store, &key, &mine).await,
        first,
        "an owner must get its lease again"
    );
    match look_up(store, &key, &claim()).await {
        Lookup::Busy(left) => assert!(
            left > LONG / 2,
            "a lease that is granted again must last its full time, not {left:?}"
        ),
        other => panic!("the lease must be kept; the store answered {other:?}"),
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
    let second = lease_when_free(store, &key, &other).await;
    assert_eq!(second.owner, other.owner, "a lease must name its owner");
    assert!(
        second.fence > first.fence,
        "the next fence must be higher: {second:?} after {first:?}"
    );
    let found = look_up(store, &key, &mine).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "an expired lease must not return to its owner while another process has one; the store answered {found:?}"
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
        assert!(
            next.fence > last,
            "each fence must be higher: {:?} after {last:?}",
            next.fence
        );
        last = next.fence;
        abandon(store, &key, &next, None).await;
    }
    wants.at_least = Fence::new(last.get() + 1_000_000_000);
    let next = lease(store, &key, &wants).await;
    assert!(
        next.fence > wants.at_least,
        "a fence must be above `Claim::at_least`: {:?}",
        next.fence
    );
    // Its owner asks again, and has seen a token of that fence since.
    wants.at_least = next.fence;
    let next = lease(store, &key, &wants).await;
    assert!(
        next.fence > wants.at_least,
        "a fence must be above `Claim::at_least`: {:?}",
        next.fence
    );
    let published = publish(store, &key, &next, &entry(next.fence, "t")).await;
    check_published(&published);
    wants.at_least = next.fence.next();
    let after = lease(store, &key, &wants).await;
    assert!(
        after.fence > next.fence,
        "a fence must be above that of the token: {:?}",
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
    assert!(
        first > year_2020,
        "a fence must be at least the store's clock in milliseconds since 1970, not {first}"
    );
    sleep(SHORT).await;
    let second = lease(store, &fresh_key(), &claim()).await.fence.get();
    let grown = second.saturating_sub(first);
    let waited = u64::try_from(SHORT.as_millis()).unwrap_or(u64::MAX);
    assert!(
        grown >= waited / 2,
        "fences must grow with the store's clock: by {grown} in {waited} ms. If its clock is not \
         tokio's, do not pause the clock of the test"
    );
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
    let kept = token(store, &one, &claim()).await.value;
    assert_eq!(kept, "one", "an operation must not change another key");
    let found = look_up(store, &other, &claim()).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "an operation must not change another key; the store answered {found:?}"
    );
}
