//! The checks of the end of a lease without a token, and of the cooldown after
//! it.

use super::*;

/// Checks that only its owner ends a lease.
///
/// A slow process whose lease has expired may still abandon it. That must not
/// end the lease of its successor: two processes would fetch a token at once.
pub async fn only_the_owner_ends_a_lease(store: &impl TokenStore) {
    let (key, mine) = (fresh_key(), claim());
    let leased = lease(store, &key, &mine).await;
    let forged = Lease::new(owner(), leased.fence);
    abandon(store, &key, &forged, None).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "only its owner must end a lease; the store answered {found:?}"
    );
    abandon(store, &key, &leased, None).await;
    lease(store, &key, &claim()).await;
}

/// Checks that no claim gets a lease during a cooldown, not even one of its
/// owner, and that one does afterwards.
///
/// A cooldown follows a failure of the token endpoint. It protects the endpoint
/// from all processes, or each would repeat the failed request.
pub async fn a_cooldown_applies_to_all_and_ends(store: &impl TokenStore) {
    let (key, mine) = (fresh_key(), claim());
    let leased = lease(store, &key, &mine).await;
    abandon(store, &key, &leased, Some(SHORT * 8)).await;
    for claim in [&mine, &claim()] {
        match look_up(store, &key, claim).await {
            Lookup::Cooldown(left) => assert!(
                left <= SHORT * 8,
                "the cooldown must not last longer than it was set to: {left:?}"
            ),
            other => panic!("a cooldown must refuse each claim; the store answered {other:?}"),
        }
    }
    let next = lease_when_free(store, &key, &mine).await;
    assert!(
        next.fence > leased.fence,
        "the next fence must be higher: {next:?} after {leased:?}"
    );
}

/// Checks that a second cooldown never shortens the first one.
///
/// The longer one may come from the endpoint's `Retry-After`.
pub async fn a_cooldown_never_gets_shorter(store: &impl TokenStore) {
    // The same lease is abandoned twice, as when the first reply was lost. The
    // second time asks for a shorter cooldown.
    let (key, first) = (fresh_key(), claim());
    let leased = lease(store, &key, &first).await;
    abandon(store, &key, &leased, Some(LONG)).await;
    abandon(store, &key, &leased, Some(SHORT)).await;
    match look_up(store, &key, &claim()).await {
        Lookup::Cooldown(left) => assert!(
            left > LONG / 2,
            "a second cooldown must not shorten the first: {left:?}"
        ),
        other => panic!("a second cooldown must not end the first; the store answered {other:?}"),
    }
}

/// Checks that an owner without its lease cannot set a cooldown.
///
/// Its failure is older than the lease of its successor, which may succeed.
pub async fn no_cooldown_without_the_lease(store: &impl TokenStore) {
    let key = fresh_key();
    let (leased, next) = successive_leases(store, &key).await;
    abandon(store, &key, &leased, Some(LONG)).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(
        matches!(found, Lookup::Busy(_)),
        "an owner without its lease must not end that of another; the store answered {found:?}"
    );
    abandon(store, &key, &next, None).await;
    let found = look_up(store, &key, &claim()).await;
    assert!(
        matches!(found, Lookup::Leased(_)),
        "an owner without its lease must not set a cooldown; the store answered {found:?}"
    );
}

/// Checks that the store returns an acceptable token during a cooldown.
///
/// A cooldown is about the next token. A process that accepts the current one
/// need not wait.
pub async fn a_cooldown_does_not_hide_an_entry(store: &impl TokenStore) {
    let key = fresh_key();
    let put = put(store, &key, "token").await;
    let mut wants = claim();
    wants.at_least = put.fence.next();
    let leased = lease(store, &key, &wants).await;
    abandon(store, &key, &leased, Some(LONG)).await;
    let found = token(store, &key, &claim()).await.fence;
    assert_eq!(found, put.fence, "a cooldown must not hide the token");
    let found = look_up(store, &key, &wants).await;
    assert!(
        matches!(found, Lookup::Cooldown(_)),
        "the cooldown must apply to the next token; the store answered {found:?}"
    );
}
