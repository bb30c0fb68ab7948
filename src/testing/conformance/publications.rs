//! The checks of publishing a token: which one stays, and which lease it ends.

use super::*;

/// Checks that an entry with the same or a higher fence stays, and that a late
/// publisher gets it.
///
/// The order of arrival says nothing: a process may have paused between its
/// token request and the publication.
pub async fn the_fence_decides_what_is_published(store: &impl TokenStore) {
    let (key, mut late) = (fresh_key(), claim());
    late.lease = SHORT;
    let first = lease(store, &key, &late).await;
    let other = claim();
    let found = until(store, &key, &other, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(second) = found else {
        return;
    };
    let winner = entry(second.fence, "winner");
    let published = publish(store, &key, &second, &winner).await;
    assert!(matches!(published, Publication::Published), "{published:?}");
    for (lease, fence) in [(first, first.fence), (second, second.fence)] {
        match publish(store, &key, &lease, &entry(fence, "late")).await {
            Publication::Superseded(found) => {
                assert_eq!(
                    (found.fence, found.fingerprint),
                    (winner.fence, winner.fingerprint)
                );
                assert_eq!(
                    (found.value, found.lifetime),
                    (winner.value.clone(), winner.lifetime)
                );
                assert!(found.remaining <= LONG && found.remaining > LONG / 2);
            }
            Publication::Published => panic!("a fence that is not higher was published"),
        }
    }
    assert_eq!(token(store, &key, &claim()).await.value, "winner");
}

/// Checks that a token can be published after its lease has ended, unless there
/// is a newer one.
///
/// The token was fetched and is valid. To throw it away would cost another
/// token request.
pub async fn a_publication_may_be_late(store: &impl TokenStore) {
    let (key, mut late) = (fresh_key(), claim());
    late.lease = SHORT;
    let first = lease(store, &key, &late).await;
    let other = claim();
    let found = until(store, &key, &other, |found| {
        matches!(found, Lookup::Leased(_))
    })
    .await;
    let Lookup::Leased(second) = found else {
        return;
    };
    let published = publish(store, &key, &first, &entry(first.fence, "late")).await;
    assert!(matches!(published, Publication::Published), "{published:?}");
    assert_eq!(token(store, &key, &claim()).await.value, "late");
    let published = publish(store, &key, &second, &entry(second.fence, "newer")).await;
    assert!(matches!(published, Publication::Published), "{published:?}");
    assert_eq!(token(store, &key, &claim()).await.value, "newer");
}

/// Checks that a publication ends the lease of its owner, and no other lease.
///
/// A late publisher must not end the lease of its successor, and a successful
/// one must not make others wait for a lease that has done its work.
pub async fn a_publication_ends_its_lease_and_no_other(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence.next();
    let newer = lease(store, &key, &wants).await;
    let stale = Lease::new(owner(), put.fence);
    publish(store, &key, &stale, &entry(put.fence, "stale")).await;
    wants.owner = owner();
    let found = look_up(store, &key, &wants).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "the lease of another: {found:?}"
    );
    publish(store, &key, &newer, &entry(newer.fence, "newer")).await;
    wants.at_least = newer.fence.next();
    lease(store, &key, &wants).await;
}
